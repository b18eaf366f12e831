import Core
import Testing

@testable import Streaming

/// In 8 bits there is no order of summation: streaming gives the bits of the full window.
@Suite("Incremental engine in 8 bits")
struct Int8EngineTests {
    static let cases: [(m: Int, n: Int, hop: Int, firstPadding: Int)] = NetShape.published.flatMap { m, n in
        let window = (0...n).reduce(1) { product, _ in product * m }
        return [1, m, m * m, 100, 729, 1000, window, window + 7].flatMap { hop in
            [0, 1].map { (m, n, hop, $0) }
        }
    }

    @Test("Every hop of every shape equals the full window bit for bit", arguments: cases)
    func equalsFullWindow(m: Int, n: Int, hop: Int, firstPadding: Int) throws {
        let shape = try NetShape.narrow(m: m, n: n, firstPadding: firstPadding)
        try check(
            shape, hop: hop, batch: hop % 2 == 0 ? 1 : 7, samples: shape.window + max(shape.window / 2, 3 * hop))
    }

    @Test("At full width too, with the instruction set that live sound gets")
    func fullWidth() throws {
        let shape = try NetShape(name: "3^9", m: 3, n: 9)
        try check(shape, hop: 729, batch: 1, samples: shape.window + 20 * 729)
    }

    @Test("Every instruction set says the same of a window, bit for bit")
    func everyKernel() throws {
        for firstPadding in [0, 1] {
            let shape = try NetShape.narrow(m: 3, n: 8, firstPadding: firstPadding)
            let net = try Self.net(shape)
            var generator = SeededGenerator(seed: 4)
            let signal = generator.floats(shape.window)
            let answers = try Int8Kernel.available.map { kernel in
                let window = PackedWindowNet(try PackedNet(net, function: .sigmoid, kernel: kernel))
                return Array(window.forward(signal)).map(\.bitPattern)
            }
            for answer in answers { #expect(answer == answers[0]) }
            #expect(Set(answers[0]).count > 1)
        }
    }

    /// An 8-bit net whose activations fill their ranges, so that a wrong column can't hide in zeros.
    private static func net(_ shape: NetShape) throws -> Int8NetParameters {
        let float = NetParameters.random(shape, tags: 3, seed: 21)
        var generator = SeededGenerator(seed: 22)
        let net = PackedWindowNet(PackedNet(float, batchNormEpsilon: 1e-5, function: .sigmoid))
        var statistics = ActivationStatistics(shape)
        net.forward(generator.floats(shape.window))
        statistics.add(net)
        let steps = (0...shape.n).map { max(statistics.percentile(0.999, layer: $0), 1e-6) / 255 }
        return try Int8NetParameters(quantising: float, batchNormEpsilon: 1e-5, steps: steps)
    }

    private func check(_ shape: NetShape, hop: Int, batch: Int, samples count: Int) throws {
        let net = try PackedNet(Self.net(shape), function: .sigmoid)
        let engine = IncrementalEngine(
            net: net, plan: .cheapest(shape: shape, precision: .int8, tags: net.tags, hop: hop, batch: batch))
        let reference = PackedWindowNet(net)
        var generator = SeededGenerator(seed: UInt64(hop))
        let signal = generator.floats(count)
        let windows = (count - shape.window) / hop + 1
        let every = max(1, windows / 10)
        var heard = 0
        var seen = 0
        while heard < count {
            let cut = min(count - heard, engine.samplesWanted, Int.random(in: 1...5000, using: &generator))
            signal.withUnsafeBufferPointer { engine.push(UnsafeBufferPointer(rebasing: $0[heard..<(heard + cut)])) }
            heard += cut
            for index in 0..<engine.step() {
                if seen % every == 0 || seen == windows - 1 {
                    let result = engine.result(index)
                    let expected = signal.withUnsafeBufferPointer {
                        reference.forward($0.baseAddress! + (result.end - shape.window))
                    }
                    try #require(expected.elementsEqual(result.probabilities), "window that ends at \(result.end)")
                    try #require(features(of: reference) == Array(result.features), "features at \(result.end)")
                }
                seen += 1
            }
        }
        #expect(seen == windows)
    }

    /// The last three layers' dequantised maxima, from the reference's own activations.
    private func features(of reference: PackedWindowNet) -> [Float] {
        let net = reference.net
        let shape = net.shape
        var features: [Float] = []
        for (layer, step) in [(shape.n - 1, net.featureSteps.0), (shape.n, net.featureSteps.1)] {
            let stride = net.layers[layer].outputBytes
            for channel in 0..<shape.widths[layer] {
                let column = (0..<shape.columns(layer: layer)).map {
                    reference.activations(layer: layer).load(fromByteOffset: $0 * stride + channel, as: UInt8.self)
                }
                features.append(Float(column.max() ?? 0) * step)
            }
        }
        let top = reference.activations(layer: shape.n + 1)
        return features + (0..<shape.widths[shape.n + 1]).map { top.load(fromByteOffset: $0 * 4, as: Float.self) }
    }
}
