import Testing

@testable import Core

@Suite("Training steps")
struct NetTrainerTests {
    /// What `Tests/Fixtures/make_training.py` has trained, and how.
    static let fixtures =
        ["2-13", "2-14", "3-8", "3-9", "4-6", "4-7", "5-5", "5-6"].map { ("\($0)-padding0", "plain") } + [
            ("2-13-padding1", "decay"), ("3-8-padding1", "adamw"), ("4-6-padding1", "positive"),
            ("5-5-padding1", "softmax"), ("3-9-padding1", "frozen"),
        ]

    @Test("One step and twenty are PyTorch's", arguments: fixtures)
    func equalsPyTorch(_ stem: String, _ kind: String) throws {
        let model = try Fixture.model("nets/\(stem)")
        let net = try #require(model.nets[0].float)
        let signal = try Fixture.signal()
        let trainer = NetTrainer(net, settings(kind, tags: model.tags.count))
        let expected = "training/\(stem)-\(kind)"
        var losses: [Float] = []
        for step in 0..<20 {
            TrainingBatch.fill(trainer, signal, step: step, isSoftmax: kind == "softmax")
            losses.append(Float(trainer.step(count: TrainingBatch.size, rate: 1e-4, seed: 1)))
            if step == 0 || step == 19 { try expectWeights(of: trainer.net, after: step + 1, in: expected) }
        }
        let wanted = try Fixture.tensor("losses", in: expected)
        #expect(zip(losses, wanted).allSatisfy { abs($0 - $1) <= 1e-5 }, "\(losses) \(wanted)")
    }

    private func settings(_ kind: String, tags: Int) -> NetTrainer.Settings {
        var settings = NetTrainer.Settings(batch: TrainingBatch.size, threads: 2, dropout: 0, loss: Loss(.sigmoid))
        switch kind {
        case "decay": settings.optimiser = OptimiserSettings(.sgd(momentum: 0.9), weightDecay: 0.1)
        case "adamw":
            settings.optimiser = OptimiserSettings(.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-3), weightDecay: 0.01)
        case "positive": settings.loss = Loss(.sigmoid, positiveWeights: [1, 2, 0.5])
        case "softmax": settings.loss = Loss(.softmax)
        case "frozen": settings.frozenLayers = 4
        default: break
        }
        return settings
    }

    private func expectWeights(of net: NetParameters, after step: Int, in fixture: String) throws {
        for (index, layer) in net.layers.enumerated() {
            let tensors = [
                ("conv.weight", layer.weight), ("bn.weight", layer.batchNorm.weight), ("bn.bias", layer.batchNorm.bias),
                ("bn.running_mean", layer.batchNorm.runningMean), ("bn.running_var", layer.batchNorm.runningVariance),
            ]
            for (name, found) in tensors {
                let wanted = try Fixture.tensor("\(step).layers.\(index).\(name)", in: fixture)
                #expect(relativeDifference(found, wanted) <= 1e-4, "\(step) layer \(index) \(name)")
            }
        }
        for (name, found) in [("weight", net.output.weight), ("bias", net.output.bias)] {
            let wanted = try Fixture.tensor("\(step).output.\(name)", in: fixture)
            #expect(relativeDifference(found, wanted) <= 1e-4, "\(step) output \(name)")
        }
    }

    @Test("A step of the published 3^9 net is PyTorch's", arguments: [1, 2])
    func fullWidth(threads: Int) throws {
        let shape = try NetShape(name: "3^9", m: 3, n: 9)
        let before = NetParameters.heUniform(shape, tags: 50, seed: 1)
        let trainer = NetTrainer(
            before, .init(batch: TrainingBatch.size, threads: threads, dropout: 0, loss: Loss(.sigmoid)))
        TrainingBatch.fill(trainer, try Fixture.signal(), step: 1, isSoftmax: false)
        let loss = trainer.gradient(count: TrainingBatch.size, seed: 1)
        let fixture = "training/full-width"
        #expect(abs(loss - Double(try Fixture.tensor("loss", in: fixture)[0])) <= 1e-5)
        let weights = { (net: NetParameters) in net.layers.map(\.weight) + [net.output.weight] }
        let gradient = trainer.layout.net(trainer.parameterGradient, statistics: trainer.statistics)
        _ = trainer.step(count: TrainingBatch.size, rate: 1e-4, seed: 1)
        let after = weights(trainer.net)
        for (index, (old, gradient)) in zip(weights(before), weights(gradient)).enumerated() {
            let indices = try Fixture.tensor("indices.\(index)", in: fixture).map { Int($0) }
            // How far a first step of Nesterov's moves a weight: 1.9 gradients.
            let moved = try Fixture.tensor("moved.\(index)", in: fixture)
            let found = indices.map { -1.9e-4 * gradient[$0] }
            // Where two rows of a pool are equal but for rounding, 32 bits may choose the other one, and a channel's
            // gradient is another by one term of thousands.
            #expect(relativeDifference(found, moved) <= 2e-2, "layer \(index)")
            let scale = moved.reduce(0) { max($0, abs($1)) }
            let exact = zip(found, moved).count { abs($0 - $1) <= 1e-4 * scale }
            #expect(exact * 4 >= 3 * found.count, "layer \(index): \(exact)")
            let wanted = zip(indices, moved).map { old[$0] + $1 }
            #expect(relativeDifference(indices.map { after[index][$0] }, wanted) <= 1e-4, "layer \(index)")
        }
    }

    @Test("Weights that are no numbers, or overflow, give no number, though ReLU makes 0 of one", arguments: 0..<5)
    func noNumbers(layer: Int) throws {
        let shape = try NetShape(name: "3^3", m: 3, n: 3, widths: [4, 4, 4, 4, 4])
        for factor in [Float.nan, 1e30] {
            var net = NetParameters.heUniform(shape, tags: 3, seed: 2)
            net.layers[layer].weight = net.layers[layer].weight.map { $0 * factor }
            let trainer = NetTrainer(net, .init(batch: TrainingBatch.size, dropout: 0, loss: Loss(.sigmoid)))
            TrainingBatch.fill(trainer, try Fixture.signal(), step: 0, isSoftmax: false)
            let loss = trainer.step(count: TrainingBatch.size, rate: 0.1, seed: 1)
            // Layer 0 is measured in 64 bits, which 1e30 doesn't overflow.
            #expect(loss.isNaN || layer == 0 && factor == 1e30, "\(factor): \(loss)")
            // And running statistics have overflowed, or weights are none.
            #expect(!trainer.isFinite)
        }
    }

    @Test("Every instruction set takes nearly the same step, and the same one twice", arguments: [1, 2, 3])
    func kernels(threads: Int) throws {
        let shape = try NetShape(name: "3^5", m: 3, n: 5, widths: [33, 17, 13, 40, 70, 37, 20])
        let before = NetParameters.heUniform(shape, tags: 3, seed: 5)
        let signal = try Fixture.signal()
        func step(_ kernel: Kernel) -> NetParameters {
            let trainer = NetTrainer(
                before, .init(batch: TrainingBatch.size, threads: threads, dropout: 0.5, loss: Loss(.sigmoid)),
                kernel: kernel)
            TrainingBatch.fill(trainer, signal, step: 0, isSoftmax: false)
            _ = trainer.step(count: TrainingBatch.size, rate: 0.1, seed: 9)
            return trainer.net
        }
        let expected = step(Kernel.available.last!)
        for kernel in Kernel.available {
            let found = step(kernel)
            #expect(found == step(kernel), "\(kernel.name)")
            for (one, other) in zip(found.layers, expected.layers) {
                #expect(relativeDifference(one.weight, other.weight) <= 1e-4, "\(kernel.name)")
            }
        }
    }
}

/// The batches of `Tests/Fixtures/make_training.py`.
enum TrainingBatch {
    static let size = 8

    static func fill(_ trainer: NetTrainer, _ signal: [Float], step: Int, isSoftmax: Bool) {
        let window = trainer.shape.window
        for index in 0..<size {
            let k = step * size + index
            let target = trainer.window(index)
            for time in 0..<window {
                let isBurst = (time * (k % 5 + 1) / (window / 7) + k) % 3 < 1 + k % 2
                let envelope = ((isBurst ? 1 : 0) + Float(0.0625)) * (0.25 * Float(1 + k % 4))
                target[time] = signal[(time + 7919 * k) % signal.count] * envelope
            }
            let labels = (0..<trainer.tags).map { Float((7 * k + 3 * $0) % 11) / 10 }
            let sum = isSoftmax ? labels.reduce(0, +) : 1
            for tag in labels.indices { trainer.labels[index * trainer.tags + tag] = labels[tag] / sum }
        }
    }
}
