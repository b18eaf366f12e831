import Glibc
import Logging
import Synchronization

/// Writes the log on a thread of its own: a journal that hangs, or a pipe that nobody reads any more, must stop neither
/// capture nor clients.
// Safe to share: what changes is behind a lock or atomic, and semaphores are made to be shared.
final class LogQueue: @unchecked Sendable {
    private let out: any LogHandler
    private let pending = Mutex(Pending())
    private let lostCount = Atomic<Int>(0)
    /// Posted for each line that waits, and for who waits for all.
    private let wake = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    /// Posted when all is written that somebody waits for.
    private let done = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    private struct Pending {
        /// And when each was logged, nanoseconds since 1970.
        var events: [(event: LogEvent, time: Int64)] = []
        /// Lines that found no room since the last that did.
        var lost = 0
        var isAwaited = false
    }

    /// Lines that may wait.
    private static let capacity = 1024
    /// Milliseconds that the program's end waits for who takes the log.
    private static let patience = 1000
    /// Nanoseconds after which a line says when it was logged: who takes it knows only when he did.
    private static let late: Int64 = 1_000_000_000

    init(to out: any LogHandler) {
        self.out = out
        sem_init(wake, 0, 0)
        sem_init(done, 0, 0)
        DedicatedThread(name: "log") { [self] in run() }.detach()
    }

    /// The daemon's: to the journal where standard error goes there, otherwise lines on standard error.
    convenience init(environment: [String: String]) {
        self.init(
            to: JournalLogHandler.isConnected(environment: environment)
                ? JournalLogHandler() : StreamLogHandler.standardError(label: "wavetag"))
    }

    /// Lines that found no room.
    var lost: Int { lostCount.load(ordering: .relaxed) }

    /// Has a line written. Never waits: one that finds no room is counted.
    func log(_ event: LogEvent) {
        let time = realTime()
        let isTaken = pending.withLock { pending in
            guard pending.events.count < Self.capacity else {
                pending.lost += 1
                return false
            }
            pending.events.append((event, time))
            return true
        }
        if isTaken { sem_post(wake) } else { lostCount.add(1, ordering: .relaxed) }
    }

    /// Waits until all is written, but not for ever.
    func flush() {
        while sem_trywait(done) == 0 {}
        pending.withLock { $0.isAwaited = true }
        sem_post(wake)
        // Turns, not time: a clock may be set meanwhile.
        for _ in 0..<Self.patience {
            if sem_trywait(done) == 0 { return }
            poll(nil, 0, 1)
        }
    }

    private func run() {
        while true {
            while sem_wait(wake) != 0 {}
            let (events, lost, isAwaited) = pending.withLock { pending in
                let taken = (pending.events, pending.lost, pending.isAwaited)
                pending = Pending()
                return taken
            }
            for (event, time) in events { write(event, of: time) }
            if lost > 0 { out.log(event: .linesLeftOut(kind: "any", count: lost, level: .warning)) }
            if isAwaited { sem_post(done) }
        }
    }

    private func write(_ event: LogEvent, of time: Int64) {
        guard abs(realTime() - time) > Self.late else { return out.log(event: event) }
        var text: [UInt8] = []
        text.append(time: time)
        var event = event
        event.metadata = (event.metadata ?? [:]).merging([
            "at": "\(String(decoding: text.dropFirst().dropLast(), as: UTF8.self))"
        ]) { $1 }
        out.log(event: event)
    }
}

/// Sends what a logger is given through a queue.
struct QueuedLogHandler: LogHandler {
    let queue: LogQueue
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(_ queue: LogQueue) { self.queue = queue }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { queue.log(event) }
}
