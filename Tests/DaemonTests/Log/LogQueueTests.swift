import Glibc
import Logging
import Synchronization
import Testing

@testable import Daemon

@Suite("Log queue")
struct LogQueueTests {
    /// Takes nothing until it is opened, as a journal that hangs.
    private final class Gate: LogHandler, Sendable {
        private let lines = Mutex<[String]>([])
        private let isOpen = Atomic<Bool>(false)
        var all: [String] { lines.withLock { $0 } }

        func open() { isOpen.store(true, ordering: .releasing) }

        func log(event: LogEvent) {
            while !isOpen.load(ordering: .acquiring) { poll(nil, 0, 1) }
            let values = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
            lines.withLock { $0.append("\(event.message)\(values.joined())") }
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

    @Test("lines are written in their order, all of them by the end")
    func order() {
        let gate = Gate()
        gate.open()
        let queue = LogQueue(to: gate)
        let logger = Logger(label: "test") { _ in QueuedLogHandler(queue) }
        for number in 0..<500 { logger.info("\(number)") }
        queue.end()
        #expect(gate.all == (0..<500).map(String.init) && queue.lost == 0)
    }

    @Test("where nobody takes lines, nobody waits for long: what has no room is counted, and said later")
    func full() {
        let gate = Gate()
        let queue = LogQueue(to: gate)
        let logger = Logger(label: "test") { _ in QueuedLogHandler(queue) }
        for number in 0..<5000 { logger.info("\(number)") }
        // At most one thousand and twenty-four wait, and as many have been taken to be written.
        #expect(queue.lost >= 5000 - 2 * 1024)
        // Returns though nothing is written.
        queue.end()
        #expect(gate.all.isEmpty)
        gate.open()
        let isLost = { (line: String) in line.hasPrefix("lines of the same kind were left out count=") }
        var lines = gate.all
        func said() -> Int { lines.filter(isLost).reduce(0) { $0 + (Int($1.split { !$0.isNumber }.last ?? "") ?? 0) } }
        while lines.count(where: { !isLost($0) }) + said() < 5000 {
            poll(nil, 0, 1)
            lines = gate.all
        }
        #expect(said() == queue.lost)
        let numbers = lines.filter { !isLost($0) }.compactMap(Int.init)
        #expect(numbers.count + queue.lost == 5000 && numbers.starts(with: 0..<1000) && numbers == numbers.sorted())
    }
}
