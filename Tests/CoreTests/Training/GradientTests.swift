import Foundation
import Testing

@testable import Core

/// Gradients against differences of a loss that is computed in 64 bits, in plain loops, from the papers alone.
@Suite("Gradients of every layer")
struct GradientTests {
    static let shapes: [(m: Int, n: Int, padding: Int)] = [(2, 3, 1), (3, 3, 0), (4, 2, 0), (5, 2, 2)]

    @Test("Each is the slope of the loss", arguments: shapes.indices, [OutputFunction.sigmoid, .softmax])
    func isSlope(_ index: Int, _ output: OutputFunction) throws {
        let (m, n, padding) = Self.shapes[index]
        let shape = try NetShape(
            name: "\(m)^\(n)", m: m, n: n, firstPadding: padding, widths: (0..<(n + 2)).map { 3 + $0 % 3 })
        var net = NetParameters.heUniform(shape, tags: 3, seed: 3)
        var generator = SplitMix64(state: 8)
        for layer in net.layers.indices {
            // Batch norm that does something, also turned around.
            for channel in net.layers[layer].bias.indices {
                net.layers[layer].bias[channel] = generator.nextUniform() * 0.1
                net.layers[layer].batchNorm.weight[channel] = generator.nextUniform() + 0.4
                net.layers[layer].batchNorm.bias[channel] = generator.nextUniform() * 0.3
            }
        }
        let batch = 6
        let trainer = NetTrainer(net, .init(batch: batch, threads: 2, dropout: 0, loss: Loss(output)))
        for segment in 0..<batch {
            for sample in 0..<shape.window { trainer.window(segment)[sample] = generator.nextUniform() }
            for tag in 0..<3 {
                trainer.labels[segment * 3 + tag] =
                    output == .sigmoid ? Float(generator.nextUnit()) : tag == segment % 3 ? 1 : 0
            }
        }
        let windows = (0..<batch).map { segment in (0..<shape.window).map { Double(trainer.window(segment)[$0]) } }
        let labels = (0..<(batch * 3)).map { Double(trainer.labels[$0]) }
        let reference = PlainNet(shape: shape, layout: trainer.layout, windows: windows, labels: labels, output: output)
        var values = (0..<trainer.layout.count).map { Double(trainer.parameters[$0]) }

        let loss = trainer.gradient(count: batch, seed: 1)
        #expect(abs(loss - reference.loss(values)) <= 1e-6)
        let names =
            trainer.layout.layers.enumerated().flatMap { layer, place in
                [
                    ("\(layer) weight", place.weight..<place.bias), ("\(layer) bias", place.bias..<place.gamma),
                    ("\(layer) gamma", place.gamma..<place.beta), ("\(layer) beta", place.beta..<place.end),
                ]
            } + [("output", trainer.layout.outputWeight..<trainer.layout.count)]
        for (name, range) in names {
            var found: [Float] = []
            var slopes: [Float] = []
            for place in stride(from: range.lowerBound, to: range.upperBound, by: max(1, range.count / 7)) {
                let step = 1e-6
                let value = values[place]
                values[place] = value + step
                let above = reference.loss(values)
                values[place] = value - step
                let below = reference.loss(values)
                values[place] = value
                found.append(trainer.parameterGradient[place])
                slopes.append(Float((above - below) / (2 * step)))
            }
            let scale = slopes.reduce(Float(1e-3)) { max($0, abs($1)) }
            #expect(zip(found, slopes).allSatisfy { abs($0 - $1) <= 1e-3 * scale }, "\(name): \(found) \(slopes)")
        }
    }

    /// A net and its loss on a batch, batch norm over the batch, in the layout's order of parameters.
    struct PlainNet {
        let shape: NetShape
        let layout: ParameterLayout
        let windows: [[Double]]
        let labels: [Double]
        let output: OutputFunction

        func loss(_ values: [Double]) -> Double {
            // [segment][column][channel]
            var x = windows.map { window in
                ([Double](repeating: 0, count: shape.firstPadding) + window).map { [$0] }
            }
            for layer in 0..<shape.layerCount {
                let taps = shape.kernelWidth(layer: layer)
                let left = layer > 0 && taps > 1 ? shape.leftPadding : 0
                let rows = layer == 0 ? shape.columns(layer: 0) : x[0].count
                x = x.map { segment in
                    (0..<rows).map { row in
                        convolve(segment, at: layer == 0 ? row * taps : row - left, layer, taps, values)
                    }
                }
                normalise(&x, layer, values)
                if (1...shape.n).contains(layer) {
                    x = x.map { segment in
                        (0..<(rows / shape.m)).map { column in
                            (0..<shape.widths[layer]).map { channel in
                                (0..<shape.m).map { segment[column * shape.m + $0][channel] }.max()!
                            }
                        }
                    }
                }
            }
            let tags = layout.tags
            var total = 0.0
            for (segment, columns) in x.enumerated() {
                let logits = (0..<tags).map { tag in
                    columns[0].indices.reduce(values[layout.outputBias + tag]) {
                        $0 + columns[0][$1] * values[layout.outputWeight + $1 * tags + tag]
                    }
                }
                let own = labels[(segment * tags)..<((segment + 1) * tags)]
                let sum = logits.reduce(0) { $0 + exp($1) }
                for (logit, label) in zip(logits, own) {
                    let p = output == .sigmoid ? 1 / (1 + exp(-logit)) : exp(logit) / sum
                    total -= label * log(p)
                    if output == .sigmoid { total -= (1 - label) * log(1 - p) }
                }
            }
            return total / Double(x.count * (output == .sigmoid ? tags : 1))
        }

        private func convolve(
            _ columns: [[Double]], at first: Int, _ layer: Int, _ taps: Int, _ values: [Double]
        ) -> [Double] {
            let (place, width) = (layout.layers[layer], shape.widths[layer])
            let inputs = shape.inputChannels(layer: layer)
            return (0..<width).map { channel in
                var sum = values[place.bias + channel]
                for tap in 0..<taps where columns.indices.contains(first + tap) {
                    for input in 0..<inputs {
                        sum +=
                            columns[first + tap][input]
                            * values[place.weight + (tap * inputs + input) * width + channel]
                    }
                }
                return sum
            }
        }

        private func normalise(_ x: inout [[[Double]]], _ layer: Int, _ values: [Double]) {
            let place = layout.layers[layer]
            for channel in 0..<shape.widths[layer] {
                let all = x.flatMap { $0.map { $0[channel] } }
                let mean = all.reduce(0, +) / Double(all.count)
                let variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(all.count)
                let factor = values[place.gamma + channel] / (variance + 1e-5).squareRoot()
                for segment in x.indices {
                    for column in x[segment].indices {
                        x[segment][column][channel] = max(
                            0, (x[segment][column][channel] - mean) * factor + values[place.beta + channel])
                    }
                }
            }
        }
    }
}

@Suite("Recipes of training")
struct TrainingRecipeTests {
    @Test("The papers' schedule: a fifth after three epochs without improvement, from the best weights, five rates")
    func plateau() {
        let schedule = LearningRateSchedule.papers
        var state = LearningRateSchedule.State()
        // Better, worse three times over, and so on until all rates are used up.
        var rates: [Double] = []
        var steps: [LearningRateSchedule.Next] = []
        for epoch in 0..<100 {
            rates.append(schedule.rate(state, epoch: epoch, progress: 0.5))
            steps.append(schedule.next(&state, epoch: epoch, validLoss: epoch % 4 == 0 ? 1 / Double(epoch + 1) : 2))
            if steps.last == .end { break }
        }
        #expect(steps == (0..<5).flatMap { [.goOn, .goOn, .goOn, $0 < 4 ? .restartFromBest : .end] })
        let wanted = [0.01, 0.002, 0.0004, 0.00008, 0.000016].flatMap { [$0, $0, $0, $0] }
        #expect(zip(rates, wanted).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(state.bestLoss == 1 / 17.0)
    }

    @Test("A cosine rises over a twentieth, then falls to nothing, and ends")
    func cosine() {
        let schedule = LearningRateSchedule.cosine(rate: 1, epochs: 10)
        var state = LearningRateSchedule.State()
        let rates = (0...100).map { schedule.rate(state, epoch: $0 / 10, progress: Double($0 % 10) / 10) }
        #expect(rates[0] < 0.02 && rates[5] > 0.9 && abs(rates[50] - 0.5) < 1e-9 && abs(rates[100]) < 1e-9)
        #expect(zip(rates[5...], rates[6...]).allSatisfy { $0 > $1 })
        #expect(
            (0..<10).map { schedule.next(&state, epoch: $0, validLoss: 1) } == [
                .goOn, .goOn, .goOn, .goOn, .goOn, .goOn, .goOn, .goOn, .goOn, .end,
            ])
    }

    @Test("Mixing shares are Beta's: mean one half, variance 1 / (8 α + 4)", arguments: [0.2, 1, 3])
    func beta(alpha: Double) {
        var generator = SplitMix64(state: 4)
        let draws = (0..<20_000).map { _ in generator.nextBeta(alpha) }
        let mean = draws.reduce(0, +) / 20_000
        let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
        #expect(abs(mean - 0.5) < 0.01 && abs(variance * (8 * alpha + 4) - 1) < 0.05)
        #expect(draws.allSatisfy { (0...1).contains($0) })
    }

    @Test("What is drawn stays within what was asked")
    func draws() {
        var augmentation = Augmentation()
        var generator = SplitMix64(state: 6)
        let none = augmentation.draw(shifts: -9...9, window: 100, &generator)
        #expect(none.gain == 1 && none.shift == 0)
        augmentation.gain = -20...0
        augmentation.randomStart = true
        augmentation.randomPolarity = true
        let draws = (0..<1000).map { _ in augmentation.draw(shifts: -9...300, window: 100, &generator) }
        #expect(draws.allSatisfy { (-9...50).contains($0.shift) && (0.0999...1.0001).contains(abs($0.gain)) })
        #expect(Set(draws.map(\.shift)).count == 60)
        #expect((300...700).contains(draws.count { $0.gain < 0 }))
        augmentation.labelSmoothing = 0.1
        #expect(augmentation.smooth(1, tags: 4, .sigmoid) == 0.95 && augmentation.smooth(0, tags: 4, .softmax) == 0.025)
    }
}
