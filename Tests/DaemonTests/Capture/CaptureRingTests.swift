import Core
import Glibc
import Synchronization
import Testing

@testable import Daemon

@Suite("Capture ring")
struct CaptureRingTests {
    private static let format = CaptureFormat(sample: .s16, rate: 48_000, channels: 2)

    private func sound(frames: Int) -> CaptureBlock {
        CaptureBlock(kind: .sound, format: Self.format, frames: frames, time: 0)
    }

    @Test("What one thread writes another reads, in order and whole")
    func hammered() async throws {
        let ring = CaptureRing(capacity: 10_000, blocks: 16)
        let blocks = 20_000
        let hasGivenUp = Atomic<Bool>(false)
        let read = try await blocking {
            // A thread of its own from the start: a task may wait for other tests longer than the reader does.
            let writer = DedicatedThread(name: "writer") {
                var value: UInt8 = 0
                var generator = SystemRandomNumberGenerator()
                for _ in 0..<blocks {
                    let frames = Int.random(in: 1...300, using: &generator)
                    // More is asked for than is written, as when a device delivers less than a period.
                    let reserved = (frames + Int.random(in: 0...50, using: &generator)) * 4
                    var target = ring.reserve(reserved)
                    while target == nil {
                        if hasGivenUp.load(ordering: .relaxed) { return }
                        sched_yield()
                        target = ring.reserve(reserved)
                    }
                    for index in 0..<(frames * 4) {
                        target?.storeBytes(of: value, toByteOffset: index, as: UInt8.self)
                        value &+= 1
                    }
                    ring.commit(
                        CaptureBlock(kind: .sound, format: Self.format, frames: frames, time: 0), reserved: reserved)
                }
                ring.commit(CaptureBlock(kind: .end, format: Self.format, frames: 0, time: 0))
            }
            var value: UInt8 = 0
            var wrong = 0
            var seen = 0
            var ended = false
            while !ended {
                let came = ring.next(timeout: 60_000) { block, bytes in
                    ended = block.kind == .end
                    if block.kind == .sound { seen += 1 }
                    for byte in bytes {
                        wrong += byte == value ? 0 : 1
                        value &+= 1
                    }
                }
                guard came else { break }
            }
            hasGivenUp.store(true, ordering: .relaxed)
            writer.join()
            return (seen, wrong, ended)
        }
        #expect(read == (blocks, 0, true))
    }

    @Test("A full ring refuses, and takes again what was read")
    func full() throws {
        let ring = CaptureRing(capacity: 400)
        for _ in 0..<4 {
            #expect(ring.reserve(100) != nil)
            ring.commit(sound(frames: 25), reserved: 100)
        }
        #expect(ring.reserve(4) == nil)
        #expect(ring.backlog == 400)
        var sizes: [Int] = []
        #expect(ring.next(timeout: 0) { block, bytes in sizes = [block.frames, bytes.count] })
        #expect(sizes == [25, 100])
        #expect(ring.reserve(100) != nil)
        #expect(ring.reserve(104) == nil)
    }

    @Test("Marks have room when sound has none any more")
    func marks() throws {
        let ring = CaptureRing(capacity: 1 << 16, blocks: 8)
        while ring.reserve(4) != nil { ring.commit(sound(frames: 1), reserved: 4) }
        for reason in [GapReason.overload, .overrun] {
            #expect(ring.hasRoomForMark)
            ring.commit(CaptureBlock(kind: .gap(seconds: 1, reason), format: Self.format, frames: 0, time: 0))
        }
        ring.commit(CaptureBlock(kind: .end, format: Self.format, frames: 0, time: 0))
        var kinds: [CaptureBlock.Kind] = []
        while ring.next(timeout: 0, { block, _ in kinds.append(block.kind) }) {}
        #expect(
            kinds == [.sound, .sound, .sound, .sound, .gap(seconds: 1, .overload), .gap(seconds: 1, .overrun), .end])
    }

    @Test("An empty ring lets the reader wait only so long")
    func empty() throws {
        #expect(!CaptureRing(capacity: 16).next(timeout: 1) { _, _ in })
    }
}
