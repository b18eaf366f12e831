import Core
import Testing

@testable import Streaming

/// The claim of the whole program: at every hop the incremental engine says what a full forward pass over the window says.
@Suite("Incremental engine")
struct IncrementalEngineTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let m: Int
        let n: Int
        let hop: Int
        let firstPadding: Int
        var testDescription: String { "\(m)^\(n), hop \(hop), first padding \(firstPadding)" }
    }

    static let cases: [Case] = NetShape.published.flatMap { m, n in
        let window = (0...n).reduce(1) { product, _ in product * m }
        return [1, 2, 3, m, m * m, 100, 243, 729, 1000, 4410, window, window + 7].flatMap { hop in
            [0, 1].map { Case(m: m, n: n, hop: hop, firstPadding: $0) }
        }
    }

    @Test("Every hop of every shape equals the full window", arguments: cases)
    func equalsFullWindow(_ testCase: Case) throws {
        let shape = try NetShape.narrow(m: testCase.m, n: testCase.n, firstPadding: testCase.firstPadding)
        try check(shape, hop: testCase.hop, batch: testCase.hop % 2 == 0 ? 1 : 7, seed: UInt64(testCase.hop))
    }

    /// Pushes a random signal in random cuts and compares windows with the reference.
    private func check(
        _ shape: NetShape, hop: Int, batch: Int, seed: UInt64, sharedLayers: Int? = nil
    ) throws {
        let parameters = NetParameters.random(shape, tags: 3, seed: seed)
        let plan =
            sharedLayers.map {
                EnginePlan(shape: shape, tags: 3, hop: hop, batch: batch, sharedLayers: $0, memoryLimit: 256 << 20)
            } ?? EnginePlan.cheapest(shape: shape, tags: 3, hop: hop, batch: batch)
        let engine = IncrementalEngine(
            net: PackedNet(parameters, batchNormEpsilon: 1e-5, function: .sigmoid), plan: plan)
        var harness = EngineHarness(engine: engine, parameters: parameters, seed: seed)
        let samples = shape.window + max(shape.window / 2, 3 * hop)
        // Far from a window's end nothing is compared, so that hop 1 doesn't take a window's forward pass a sample.
        try harness.run(samples: samples, comparing: 12)
        engine.reset()
        try harness.run(samples: shape.window + 2 * hop, comparing: 3)
    }
}
