import Logging
import Synchronization

/// Holds the log to so many lines of one kind a minute, and says how many it has left out: a device that is lost ten times a second must not fill a disk.
///
/// A kind that goes on so has its minute doubled again and again, to a quarter of an hour: nor must one that is lost for a year.
final class LogLimiter: Sendable {
    /// Lines of one kind in a minute; 0: all.
    private let most: Int
    private let out: any LogHandler
    private let now: @Sendable () -> Int64
    private let spans = Mutex<[String: Span]>([:])
    private let total = Atomic<Int>(0)

    private static let minute: Int64 = 60_000_000_000
    private static let longest = 16 * minute

    /// A kind's lines since a moment.
    private struct Span {
        let start: Int64
        let level: Logger.Level
        /// Nanoseconds for which `most` lines are all.
        var length = LogLimiter.minute
        var said = 0
        var leftOut = 0
    }

    /// - Parameters:
    ///   - most: lines of one kind in a minute; 0: all.
    ///   - out: where lines go.
    ///   - now: monotonic nanoseconds.
    init(most: Int, out: any LogHandler, now: @escaping @Sendable () -> Int64 = monotonicTime) {
        self.most = most
        self.out = out
        self.now = now
    }

    /// Lines left out so far.
    var leftOut: Int { total.load(ordering: .relaxed) }

    fileprivate func log(_ event: LogEvent) {
        guard most > 0 else { return out.log(event: event) }
        sayLeftOut()
        // What isn't listed counts as one kind, so that there is an end to kinds.
        let kind = LogKind(message: event.message.description)?.rawValue ?? "other"
        let isSaid = spans.withLock { spans in
            var span = spans[kind] ?? Span(start: now(), level: event.level)
            defer { spans[kind] = span }
            guard span.said < most else {
                span.leftOut += 1
                return false
            }
            span.said += 1
            return true
        }
        if isSaid { out.log(event: event) } else { total.add(1, ordering: .relaxed) }
    }

    /// Says what was left out of the kinds whose minute is over.
    ///
    /// - Parameter all: also of those whose minute isn't.
    func sayLeftOut(all: Bool = false) {
        let over = spans.withLock { spans in
            let time = now()
            let over = spans.filter { all || time - $0.value.start >= $0.value.length }
            for (kind, span) in over {
                let length = min(2 * span.length, Self.longest)
                spans[kind] = span.leftOut > 0 ? Span(start: time, level: span.level, length: length) : nil
            }
            return over
        }
        for (kind, span) in over.sorted(by: { $0.key < $1.key }) where span.leftOut > 0 {
            out.log(event: .linesLeftOut(kind: kind, count: span.leftOut, level: span.level))
        }
    }
}

/// Sends what a logger is given through a limiter.
struct LimitedLogHandler: LogHandler {
    let limiter: LogLimiter
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(_ limiter: LogLimiter) { self.limiter = limiter }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var event = event
        if !metadata.isEmpty { event.metadata = metadata.merging(event.metadata ?? [:]) { $1 } }
        limiter.log(event)
    }
}
