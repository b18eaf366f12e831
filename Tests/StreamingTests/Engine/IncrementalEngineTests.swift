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

    @Test("Every choice of how many layers share gives the same answers", arguments: 0...8)
    func everySharing(sharedLayers: Int) throws {
        for hop in [9, 100, 729] {
            try check(try .narrow(m: 3, n: 8), hop: hop, batch: 3, seed: 5, sharedLayers: sharedLayers)
            try check(try .narrow(m: 2, n: 8, firstPadding: 1), hop: hop, batch: 1, seed: 6, sharedLayers: sharedLayers)
        }
    }

    @Test("Paddings of other frameworks, all on the left or all on the right", arguments: [1, 7, 100, 729, 4096])
    func otherPaddings(hop: Int) throws {
        for (m, n, left) in [(2, 12, 1), (4, 6, 2), (3, 7, 0), (3, 7, 2), (5, 5, 4)] {
            for firstPadding in [0, 1] {
                let shape = try NetShape.narrow(m: m, n: n, firstPadding: firstPadding, leftPadding: left)
                try check(shape, hop: hop, batch: 5, seed: 13)
            }
        }
    }

    @Test("At full width too", arguments: [(3, 9, 729), (3, 9, 1000), (2, 14, 1024)])
    func fullWidth(m: Int, n: Int, hop: Int) throws {
        let shape = try NetShape(name: "\(m)^\(n)", m: m, n: n)
        let parameters = NetParameters.random(shape, tags: 50, seed: 9)
        let engine = IncrementalEngine(
            net: PackedNet(parameters, batchNormEpsilon: 1e-5, function: .sigmoid),
            plan: .cheapest(shape: shape, tags: 50, hop: hop))
        var harness = EngineHarness(engine: engine, parameters: parameters, seed: 10)
        try harness.run(samples: shape.window + 40 * hop, comparing: 8)
    }

    @Test("After an hour of music nothing has drifted")
    func anHour() throws {
        // Played again and again, a little slower each time: no two windows are alike.
        let piece = try DemoPiece.samples()
        let music = (0..<3600 * 22_050).map { piece[Int(Double($0) * (1 - Double($0) * 1e-10)) % piece.count] }
        let shape = try NetShape.narrow(m: 3, n: 8)
        let parameters = NetParameters.random(shape, tags: 3, seed: 11)
        let engine = IncrementalEngine(
            net: PackedNet(parameters, batchNormEpsilon: 1e-5, function: .sigmoid),
            plan: .cheapest(shape: shape, tags: 3, hop: 729, batch: 16))
        var harness = EngineHarness(engine: engine, parameters: parameters, seed: 12)
        try harness.run(signal: music, comparing: 50)
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
