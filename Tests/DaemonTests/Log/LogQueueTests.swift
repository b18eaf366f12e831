import Glibc
import Logging
import Testing

@testable import Daemon

@Suite("Log queue")
struct LogQueueTests {
    /// Waits until so many lines are written or said to have found no room.
    private func wait(for count: Int, in recorder: LogRecorder) {
        let deadline = ContinuousClock.now + .seconds(60)
        while recorder.all.count(where: { !isOfLost($0) }) + lost(in: recorder) < count, ContinuousClock.now < deadline
        {
            poll(nil, 0, 1)
        }
    }

    private func isOfLost(_ line: String) -> Bool {
        line.hasPrefix("warning lines of the same kind were left out count=") && line.hasSuffix(" kind=any")
    }

    private func lost(in recorder: LogRecorder) -> Int {
        recorder.all.filter(isOfLost).reduce(0) { $0 + (Int($1.split { !$0.isNumber }.last ?? "") ?? 0) }
    }

    @Test("lines are written in their order, all of them by the end")
    func order() async throws {
        try await blocking {
            let recorder = LogRecorder()
            let queue = LogQueue(to: recorder)
            let logger = Logger(label: "test") { _ in QueuedLogHandler(queue) }
            for number in 0..<500 { logger.info("\(number)") }
            queue.flush()
            // A second is all that the end waits for, and this machine may be busy.
            wait(for: 500, in: recorder)
            #expect(recorder.all == (0..<500).map { "info \($0)" } && queue.lost == 0)
        }
    }

    @Test("where nobody takes lines, nobody waits for long: what has no room is counted, and said later")
    func full() async throws {
        try await blocking {
            let recorder = LogRecorder(isOpen: false)
            let queue = LogQueue(to: recorder)
            let logger = Logger(label: "test") { _ in QueuedLogHandler(queue) }
            for number in 0..<5000 { logger.info("\(number)") }
            // At most one thousand and twenty-four wait, and as many have been taken to be written.
            #expect(queue.lost >= 5000 - 2 * 1024)
            // Returns though nothing is written.
            queue.flush()
            #expect(recorder.all.isEmpty)
            recorder.open()
            wait(for: 5000, in: recorder)
            #expect(lost(in: recorder) == queue.lost)
            let numbers = recorder.all.filter { !isOfLost($0) }.compactMap { line in
                // Behind the number stands when it was logged, since that was a while ago.
                Int(line.dropFirst(5).prefix { $0 != " " })
            }
            #expect(numbers.count + queue.lost == 5000 && numbers.starts(with: 0..<1000))
            #expect(numbers == numbers.sorted())
        }
    }
}
