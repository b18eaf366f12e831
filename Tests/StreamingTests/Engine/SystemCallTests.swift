import AllocationCounter
import Core
import Glibc
import Testing

@testable import Streaming

/// The engine asks nothing of the kernel: no lock that waits, no log, no memory, no clock but the one without a call.
@Suite("System calls", .enabled(if: wavetag_sees_allocations() != 0, "a sanitizer makes its own"))
struct SystemCallTests {
    /// An engine and what it is to hear. Everything it needs is made before the kernel stops answering.
    private final class Hops {
        private let engine: IncrementalEngine
        private let noise: [Float]

        init(_ net: PackedNet, hop: Int) {
            engine = IncrementalEngine(net: net, plan: .cheapest(shape: net.shape, tags: net.tags, hop: hop))
            var generator = SeededGenerator(seed: 3)
            noise = generator.floats(4096)
        }

        /// - Returns: whether the answers were probabilities.
        @inline(never)
        func run(_ count: Int) -> Bool {
            var hops = 0
            var checksum: Float = 0
            while hops < count {
                var wanted = engine.samplesWanted
                while wanted > 0 {
                    let count = min(wanted, noise.count)
                    noise.withUnsafeBufferPointer { engine.push(UnsafeBufferPointer(rebasing: $0[..<count])) }
                    wanted -= count
                }
                if engine.step() > 0 {
                    hops += 1
                    checksum += engine.result(0).probabilities[0]
                }
            }
            return checksum > 0 && checksum < Float(count)
        }
    }

    @Test("A child that makes one is ended by it")
    func filter() {
        #expect(wavetag_without_system_calls({ _ in 7 }, nil) == 7)
        #expect(wavetag_without_system_calls({ _ in Int32(getppid() & 1) }, nil) == 128 + SIGSYS)
    }

    @Test("Ten thousand hops of the engine make none", arguments: [1, 100, 729])
    func engine(hop: Int) throws {
        let shape = try NetShape.narrow(m: 3, n: 8)
        let net = PackedNet(.random(shape, tags: 5, seed: 1), batchNormEpsilon: 1e-5, function: .sigmoid)
        let hops = Hops(net, hop: hop)
        // What Swift makes at first use has been.
        #expect(hops.run(10))
        let result = withExtendedLifetime(hops) {
            wavetag_without_system_calls(
                { Unmanaged<Hops>.fromOpaque($0!).takeUnretainedValue().run(10_000) ? 0 : 1 },
                Unmanaged.passUnretained(hops).toOpaque())
        }
        #expect(result == 0)
    }
}
