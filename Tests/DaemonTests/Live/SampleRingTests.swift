import Glibc
import Testing

@testable import Daemon

@Suite struct SampleRingTests {
    @Test("between two threads no sample is lost or changed, however both cut")
    func hammered() async throws {
        let ring = SampleRing(capacity: 1000)
        let count = 2_000_000
        try await blocking {
            let writer = DedicatedThread(name: "writer") {
                var next = 0
                var piece: [Float] = []
                while next < count {
                    piece = (0..<min(1 + next % 377, count - next)).map { Float((next + $0) % 65_536) }
                    while !piece.withUnsafeBufferPointer({ ring.write($0) }) { sched_yield() }
                    next += piece.count
                }
            }
            var next = 0
            var isWhole = true
            while next < count {
                let found = ring.take(atMost: 1 + next % 501) { samples in
                    for sample in samples {
                        isWhole = isWhole && sample == Float(next % 65_536)
                        next += 1
                    }
                }
                if !found { sched_yield() }
            }
            #expect(isWhole && next == count)
            writer.join()
        }
    }

    @Test("what has no room is not taken at all")
    func full() {
        let ring = SampleRing(capacity: 10)
        #expect([Float](repeating: 1, count: 7).withUnsafeBufferPointer { ring.write($0) })
        #expect(![Float](repeating: 2, count: 4).withUnsafeBufferPointer { ring.write($0) })
        #expect([Float](repeating: 3, count: 3).withUnsafeBufferPointer { ring.write($0) })
        var taken: [Float] = []
        while ring.take(atMost: 4, { taken += $0 }) {}
        #expect(taken == [1, 1, 1, 1, 1, 1, 1, 3, 3, 3])
    }

    @Test("the newest samples since a gap, in order, however many came", arguments: [0, 1, 1000, 1 << 17, 300_001])
    func recent(count: Int) {
        let recent = RecentSamples()
        func held() -> [Float] {
            var all: [Float] = []
            recent.forEachPiece { all += $0 }
            return all
        }
        func add(_ range: Range<Int>, cut: Int) {
            var start = range.lowerBound
            while start < range.upperBound {
                let piece = (start..<min(start + cut, range.upperBound)).map(Float.init)
                piece.withUnsafeBufferPointer { recent.append($0) }
                start += cut
            }
        }
        add(0..<count, cut: 777)
        #expect(recent.count == min(count, RecentSamples.capacity))
        #expect(held() == (max(0, count - RecentSamples.capacity)..<count).map(Float.init))
        recent.clear()
        #expect(recent.count == 0 && held().isEmpty)
        // More at once than is held.
        add(5..<(5 + count), cut: max(1, count))
        #expect(held() == (max(5, 5 + count - RecentSamples.capacity)..<(5 + count)).map(Float.init))
    }
}
