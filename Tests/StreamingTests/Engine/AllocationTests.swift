import AllocationCounter
import Core
import Testing

@testable import Streaming

@Suite("Allocations", .enabled(if: wavetag_sees_allocations() != 0, "a sanitizer has its own allocator"))
struct AllocationTests {
    @Test("The counter counts")
    func counts() {
        let before = wavetag_allocation_count()
        let memory = UnsafeMutablePointer<Int>.allocate(capacity: 1000)
        defer { memory.deallocate() }
        #expect(wavetag_allocation_count() > before)
    }

    @Test("Ten thousand hops of the engine allocate nothing", arguments: [1, 100, 729])
    func engine(hop: Int) throws {
        let shape = try NetShape.narrow(m: 3, n: 8)
        let net = PackedNet(.random(shape, tags: 5, seed: 1), batchNormEpsilon: 1e-5, function: .sigmoid)
        let engine = IncrementalEngine(net: net, plan: .cheapest(shape: shape, tags: 5, hop: hop))
        var generator = SeededGenerator(seed: 3)
        let noise = generator.floats(4096)
        var hops = 0
        var checksum: Float = 0
        let before = wavetag_allocation_count()
        while hops < 10_000 {
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
        #expect(wavetag_allocation_count() - before == 0)
        #expect(checksum.isFinite && checksum > 0)
    }

    @Test("A full window on OpenBLAS allocates nothing")
    func window() throws {
        let shape = try NetShape.narrow(m: 3, n: 8)
        let net = WindowNet(.random(shape, tags: 5, seed: 1), batchNormEpsilon: 1e-5, function: .sigmoid)
        var generator = SeededGenerator(seed: 3)
        let window = generator.floats(shape.window)
        var features = [Float](repeating: 0, count: shape.featureCount)
        window.withUnsafeBufferPointer { window in
            // What OpenBLAS allocates once has been.
            _ = net.forward(window.baseAddress!)
            let before = wavetag_allocation_count()
            for _ in 0..<5 {
                _ = net.forward(window.baseAddress!)
                net.features(into: &features)
            }
            #expect(wavetag_allocation_count() - before == 0)
        }
        #expect(features.contains { $0 > 0 })
    }

    @Test("Live sound through converter, nets, aggregation and classifier allocates nothing")
    func tagger() throws {
        let tagger = try Tagger(model: .random(nets: [(3, 8), (2, 13)], withClassifier: true))
        let converter = try MonoConverter(sampleRate: 44_100, channels: 2)
        var generator = SeededGenerator(seed: 4)
        let block = generator.floats(440, in: -0.5...0.5)
        var windows = 0
        func hear(blocks: Int) {
            for _ in 0..<blocks {
                block.withUnsafeBufferPointer { block in
                    converter.push(interleaved: block) { samples in
                        tagger.feed(samples) { event in
                            if case .tags = event { windows += 1 }
                        }
                    }
                }
            }
        }
        // What is allocated once (libsoxr grows its buffers in the first second) has been.
        hear(blocks: 600)
        let before = wavetag_allocation_count()
        let heard = windows
        hear(blocks: 2000)
        #expect(wavetag_allocation_count() - before == 0)
        #expect(windows - heard > 250)
    }

    @Test("Looking for song changes allocates nothing")
    func novelty() throws {
        var settings = TaggerSettings(hop: 2187)
        settings.songBoundaries = .novelty
        let tagger = try Tagger(model: .random(nets: [(3, 8), (2, 13)], withClassifier: true), settings: settings)
        var generator = SeededGenerator(seed: 4)
        let block = generator.floats(4410, in: -0.5...0.5)
        var (windows, songs) = (0, 0)
        func hear(seconds: Int) {
            for _ in 0..<(5 * seconds) {
                block.withUnsafeBufferPointer { block in
                    tagger.feed(block) { event in
                        switch event {
                        case .tags: windows += 1
                        case .song: songs += 1
                        }
                    }
                }
            }
        }
        hear(seconds: 2)
        let before = wavetag_allocation_count()
        // Places are measured from the 46th second on, and all rings go round.
        hear(seconds: 200)
        #expect(wavetag_allocation_count() - before == 0)
        #expect(windows > 1500 && songs == 0)
    }
}
