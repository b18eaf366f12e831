import CLinux
import Core
import Glibc
import Logging
import Synchronization

/// The file of metrics that node_exporter's textfile collector reads. It is written on a thread of its own, since a disk may hang and the event loop must not.
final class MetricsFile: Sendable {
    private let path: String
    private let logger: Logger
    private let pending = Mutex(Pending())
    private let failureCount = Atomic<Int>(0)
    /// Counters that poll(2) waits for: there is something to do; the thread is done.
    private let wake = wavetag_event_counter()
    private let done = wavetag_event_counter()

    private struct Pending {
        var text: String?
        var isEnding = false
    }

    /// Milliseconds that the program's end waits for a disk.
    private static let patience: Int32 = 1000

    init(path: String, logger: Logger) {
        self.path = path
        self.logger = logger
    }

    deinit {
        close(wake)
        close(done)
    }

    /// Times that the file couldn't be written.
    var failures: Int { failureCount.load(ordering: .relaxed) }

    func start() { DedicatedThread(name: "metrics") { [self] in run() }.detach() }

    /// Has the file say this. Never waits: where the disk still has the text before, the newest comes next.
    func write(_ text: String) {
        pending.withLock { $0.text = text }
        signal(wake)
    }

    /// Ends the thread and removes the file: it must not go on saying that all is well.
    func end() {
        pending.withLock { $0.isEnding = true }
        signal(wake)
        var wait = pollfd(fd: done, events: Int16(POLLIN), revents: 0)
        poll(&wait, 1, Self.patience)
    }

    private func signal(_ descriptor: Int32) {
        var one: UInt64 = 1
        _ = Glibc.write(descriptor, &one, 8)
    }

    private func run() {
        // What is wrong is said when it begins and when it is over.
        var isFailing = false
        while true {
            var wait = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
            poll(&wait, 1, -1)
            var count: UInt64 = 0
            _ = read(wake, &count, 8)
            let (text, isEnding) = pending.withLock { pending in (pending.text.take(), pending.isEnding) }
            if isEnding {
                unlink(path)
                signal(done)
                return
            }
            guard let text else { continue }
            // Another ending than .prom: the collector reads every such file in the folder. Not flushed: after a power cut
            // nobody wants it. The unit's umask would keep it from the collector.
            let error = WholeFile.replace(
                path, with: Array(text.utf8), ending: ".new", isFlushed: false, mode: 0o644)
            if error != 0 {
                failureCount.add(1, ordering: .relaxed)
                if !isFailing {
                    logger.warning(
                        "metrics can't be written",
                        metadata: ["file": "\(path)", "reason": "\(String(cString: strerror(error)))"])
                }
            } else if isFailing {
                logger.notice("metrics are written again", metadata: ["file": "\(path)", "failures": "\(failures)"])
            }
            isFailing = error != 0
        }
    }
}
