import Glibc
import Streaming
import Testing

@testable import Daemon

@Suite struct ReportRingTests {
    @Test("between two threads nothing is lost, torn or forgotten in the ring, and the reader is always woken")
    func hammered() async throws {
        let ring = ReportRing(capacity: 8, tags: 3, nets: 1)
        let count = 100_000
        let descriptor = ring.takeReadDescriptor()
        defer { close(descriptor) }
        try await blocking {
            let writer = DedicatedThread(name: "writer") {
                var report = TagReport(tags: 3, nets: 1)
                for index in 0..<count {
                    report.position = Int64(index)
                    for tag in 0..<3 { report.window[tag] = Float(index) }
                    while !ring.hasRoom { sched_yield() }
                    ring.publish(report, time: Int64(index))
                }
            }
            var next = 0
            var isWhole = true
            var isWoken = true
            while next < count {
                var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                // Once forgotten it goes on all the same, so that the writer comes to its end.
                if isWoken, poll(&wait, 1, 10_000) <= 0 {
                    Issue.record("the reader was not woken at \(next)")
                    isWoken = false
                }
                var bytes = [UInt8](repeating: 0, count: 64)
                _ = read(descriptor, &bytes, bytes.count)
                ring.drain { slot in
                    isWhole =
                        isWhole && slot.time == Int64(next) && slot.report.position == Int64(next)
                        && slot.report.window.allSatisfy { $0 == Float(next) }
                    next += 1
                }
            }
            #expect(isWhole)
            #expect(ring.bell.lost.load(ordering: .relaxed) == 0)
            writer.join()
        }
    }

    @Test("a full ring counts what finds no room, and keeps what it has")
    func full() {
        let ring = ReportRing(capacity: 2, tags: 1, nets: 1)
        for position in 0..<5 as Range<Int64> {
            ring.publish(.gap(position: position, lost: 0, .overrun), time: position)
        }
        #expect(!ring.hasRoom)
        #expect(ring.bell.lost.load(ordering: .relaxed) == 3)
        var times: [Int64] = []
        ring.drain { times.append($0.time) }
        #expect(times == [0, 1])
        #expect(ring.hasRoom)
    }
}
