import Testing

@testable import Core

/// Shapes that no paper has, where buffers end early and threads find nothing to do.
@Suite("Training nets of odd shapes")
struct OddShapesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let m: Int
        let n: Int
        let widths: [Int]
        let batch: Int
        /// Windows that are there.
        let count: Int
        var leftPadding: Int?
        var firstPadding = 0

        var testDescription: String { "\(m)^\(n) \(widths), \(count) of \(batch)" }
    }

    static let cases = [
        Case(m: 2, n: 2, widths: [1, 1, 1, 1], batch: 1, count: 1),
        Case(m: 2, n: 9, widths: [3, 1, 17, 2, 33, 5, 1, 9, 4, 70, 6], batch: 4, count: 3, leftPadding: 1),
        Case(m: 7, n: 2, widths: [70, 1, 37, 5], batch: 5, count: 5, leftPadding: 6, firstPadding: 6),
        Case(m: 7, n: 3, widths: [1, 70, 13, 2, 66], batch: 3, count: 2, leftPadding: 0),
        // More taps than channels in layer 0 have widths.
        Case(m: 16, n: 2, widths: [1, 1, 1, 1], batch: 5, count: 4),
        Case(m: 37, n: 2, widths: [5, 2, 3, 1], batch: 2, count: 2, leftPadding: 36, firstPadding: 1),
        Case(m: 64, n: 2, widths: [2, 1, 1, 1], batch: 1, count: 1, leftPadding: 63, firstPadding: 63),
    ]

    @Test("The gradient is the slope of the loss, for any number of threads", arguments: cases, [1, 5])
    func isSlope(_ test: Case, threads: Int) throws {
        let tags = 3
        let shape = try NetShape(
            name: "odd", m: test.m, n: test.n, firstPadding: test.firstPadding, leftPadding: test.leftPadding,
            widths: test.widths)
        var net = NetParameters.heUniform(shape, tags: tags, seed: 3)
        var generator = SplitMix64(state: 8)
        for layer in net.layers.indices {
            for channel in net.layers[layer].bias.indices {
                net.layers[layer].batchNorm.weight[channel] = generator.nextUniform() < -0.5 ? -0.7 : 1.1
                net.layers[layer].batchNorm.bias[channel] = 0.3 + 0.2 * generator.nextUniform()
            }
        }
        let trainer = NetTrainer(net, .init(batch: test.batch, threads: threads, dropout: 0, loss: Loss(.sigmoid)))
        for segment in 0..<test.count {
            for sample in 0..<shape.window { trainer.window(segment)[sample] = generator.nextUniform() }
            for tag in 0..<tags { trainer.labels[segment * tags + tag] = Float(generator.nextUnit()) }
        }
        let reference = GradientTests.PlainNet(
            shape: shape, layout: trainer.layout,
            windows: (0..<test.count).map { segment in
                (0..<shape.window).map { Double(trainer.window(segment)[$0]) }
            }, labels: (0..<(test.count * tags)).map { Double(trainer.labels[$0]) }, output: .sigmoid)
        let values = (0..<trainer.layout.count).map { Double(trainer.parameters[$0]) }
        let loss = trainer.gradient(count: test.count, seed: 1)
        #expect(abs(loss - reference.loss(values)) <= 1e-5)

        // Along each layer's own gradient the slope is its length.
        let layers = trainer.layout.layers.map { $0.weight..<$0.end }
        let whole = (0..<trainer.layout.count).map { Double(trainer.parameterGradient[$0]) }
        let longest = whole.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for range in layers + [trainer.layout.outputWeight..<trainer.layout.count] {
            let length = whole[range].reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(length.isFinite)
            guard length > 1e-4 * longest else { continue }
            let step = 1e-7
            func moved(_ sign: Double) -> Double {
                var moved = values
                for place in range { moved[place] += sign * step * whole[place] / length }
                return reference.loss(moved)
            }
            let slope = (moved(1) - moved(-1)) / (2 * step)
            #expect(abs(slope - length) <= 5e-3 * length + 1e-4 * longest, "\(range): \(length), \(slope)")
        }
    }
}
