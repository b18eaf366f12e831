import Glibc
import Logging
import Synchronization

/// Writes the log on a thread of its own: a journal that hangs, or a pipe that nobody reads any more, must stop neither capture nor
/// clients.
// Safe to share: what changes is behind a lock or atomic, and semaphores are made to be shared.
final class LogQueue: @unchecked Sendable {
    private let out: any LogHandler
    private let pending = Mutex(Pending())
    private let lostCount = Atomic<Int>(0)
    /// Posted for each line that waits, and at the end.
    private let wake = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    /// Posted when all is written that was there at the end.
    private let done = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    private struct Pending {
        var events: [LogEvent] = []
        /// Lines that found no room since the last that did.
        var lost = 0
        var isEnding = false
    }

    /// Lines that may wait.
    private static let capacity = 1024
    /// Seconds that the program's end waits for who takes the log.
    private static let patience = 1

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
        let isTaken = pending.withLock { pending in
            guard pending.events.count < Self.capacity else {
                pending.lost += 1
                return false
            }
            pending.events.append(event)
            return true
        }
        if isTaken { sem_post(wake) } else { lostCount.add(1, ordering: .relaxed) }
    }

    /// Waits until all is written, but not for ever. Nothing may be logged after it.
    func end() {
        pending.withLock { $0.isEnding = true }
        sem_post(wake)
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_sec += Self.patience
        while sem_timedwait(done, &deadline) != 0, errno == EINTR {}
    }

    private func run() {
        while true {
            sem_wait(wake)
            let (events, lost, isEnding) = pending.withLock { pending in
                let taken = (pending.events, pending.lost, pending.isEnding)
                pending.events = []
                pending.lost = 0
                return taken
            }
            for event in events { out.log(event: event) }
            if lost > 0 {
                out.log(
                    event: LogEvent(
                        level: .warning, message: "\(LogKind.linesLeftOut.rawValue)",
                        metadata: ["kind": "any", "count": "\(lost)"],
                        source: "Daemon", file: #fileID, function: #function, line: #line))
            }
            guard !isEnding else { break }
        }
        sem_post(done)
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
