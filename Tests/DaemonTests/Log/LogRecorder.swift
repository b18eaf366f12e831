import Glibc
import Logging
import Synchronization

/// Keeps what is logged. Closed, it takes nothing until it is opened, as a journal that hangs.
final class LogRecorder: LogHandler, Sendable {
    private let lines = Mutex<[String]>([])
    private let isOpen: Atomic<Bool>

    /// `error device lost reason=1`: the level, the message, the values by their names.
    ///
    /// Copied within the lock: thread sanitizer can't see how Swift counts who shares an array.
    var all: [String] { lines.withLock { lines in lines.map { $0 } } }

    init(isOpen: Bool = true) { self.isOpen = Atomic(isOpen) }

    func open() { isOpen.store(true, ordering: .releasing) }

    func log(event: LogEvent) {
        while !isOpen.load(ordering: .acquiring) { poll(nil, 0, 1) }
        let values = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
        lines.withLock { $0.append("\(event.level) \(event.message)\(values.joined())") }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadataProvider: Logger.MetadataProvider? {
        get { nil }
        set {}
    }
}
