import Testing

@testable import Core

@Suite("Training a song-level classifier")
struct ClassifierTrainingTests {
    private static let hidden = [6, 5]

    private func tensor(_ name: String, _ output: String) throws -> [Float] {
        try Fixture.tensor(name, in: "classifiers/training-\(output)")
    }

    @Test("One step and twenty are PyTorch's: weights, batch norm, losses", arguments: ["sigmoid", "softmax"])
    func equalsPyTorch(_ output: String) throws {
        let weights = try (0...2).map { try tensor("weight.\($0)", output) }
        let function = try #require(OutputFunction(rawValue: output))
        var network = TrainableClassifier(weights: weights, inputs: 7, output: function, epsilon: 1e-5)
        let (x, labels) = (try tensor("x", output), try tensor("labels", output))
        let masks = try (0...1).map { try tensor("mask.\($0)", output) }
        let losses = try tensor("losses", output)
        let batch = 8
        for step in 0..<20 {
            let loss = network.step(
                Array(x[(step * batch * 7)..<((step + 1) * batch * 7)]),
                labels: Array(labels[(step * batch * 3)..<((step + 1) * batch * 3)]), batch: batch,
                masks: zip(masks, Self.hidden).map { mask, width in
                    Array(mask[(step * batch * width)..<((step + 1) * batch * width)])
                }, rate: 0.003, decay: 0.05)
            #expect(abs(Float(loss) - losses[step]) <= 1e-4 * losses[step], "step \(step + 1)")
            guard step == 0 || step == 19 else { continue }
            let name = "after\(step + 1)"
            for (index, layer) in network.layers.enumerated() {
                func compare(_ found: [Float], _ part: String) throws {
                    let difference = relativeDifference(found, try tensor("\(name).\(part).\(index)", output))
                    #expect(difference <= 1e-4, "\(name).\(part).\(index)")
                }
                try compare(layer.weight.values, "weight")
                try compare(layer.bias.values, "bias")
                guard layer.isHidden else { continue }
                try compare(layer.scale.values, "scale")
                try compare(layer.runningMean, "mean")
                try compare(layer.runningVariance, "variance")
            }
        }
        let songs = SongSet(
            width: 7, tags: 3, features: Array(x[..<(batch * 7)]), labels: Array(labels[..<(batch * 3)]))
        let inferred = try tensor("inferred", output)
        #expect(relativeDifference(network.probabilities(songs), inferred) <= 1e-4)

        // What the model file would hold says the same of features that aren't standardised.
        let norm = songs.standardisation
        let shape = try NetShape(name: "3^2", m: 3, n: 2, widths: [1, 2, 2, 3])
        let parameters = network.parameters(
            ClassifierConfiguration(nets: ["3^2"], levels: [-3, -2, -1], hidden: Self.hidden, batchNormEpsilon: 1e-5),
            norm: norm)
        let classifier = SongClassifier(parameters, nets: [shape], output: function)
        let raw = (0..<7).map { songs.features[$0] * norm.std[$0] + norm.mean[$0] }
        var found = [Float](repeating: 0, count: 3)
        classifier.probabilities(of: raw, into: &found)
        #expect(relativeDifference(found, Array(inferred[..<3])) <= 1e-4)
    }

    /// Two tags that two of eight features tell, and noise.
    private func songs(_ count: Int, seed: UInt64) -> SongSet {
        var generator = SplitMix64(state: seed)
        var (features, labels): ([Float], [Float]) = ([], [])
        for _ in 0..<count {
            let row = (0..<8).map { _ in generator.nextUniform() }
            features += row
            labels += [row[1] + 0.2 * generator.nextUniform() > 0 ? 1 : 0, row[1] * row[5] > 0 ? 1 : 0]
        }
        return SongSet(width: 8, tags: 2, features: features, labels: labels)
    }

    @Test("A classifier learns what a linear one can't; the seed decides all of it")
    func learns() throws {
        var settings = ClassifierTraining()
        settings.hidden = [32]
        settings.dropout = 0.1
        settings.learningRate = 0.01
        settings.epochs = 150
        let (train, valid, test) = (songs(600, seed: 1), songs(200, seed: 2), songs(300, seed: 3))
        let trainer = ClassifierTrainer(settings, train: train, valid: valid, output: .sigmoid)
        let result = trainer.run(seed: 5)
        func rocAUC(_ scores: [Float], _ tag: Int) -> Double {
            let positive = (0..<test.count).map { test.labels[$0 * 2 + tag] == 1 }
            return RankingMetrics.rocAUC(scores: (0..<test.count).map { scores[$0 * 2 + tag] }, positive: positive) ?? 0
        }
        let scores = result.probabilities(test)
        #expect(rocAUC(scores, 0) > 0.97 && rocAUC(scores, 1) > 0.9)
        let linear = LogisticRegression.fit(train, output: .sigmoid, penalty: 1).probabilities(test)
        #expect(rocAUC(linear, 0) > 0.97 && rocAUC(linear, 1) < 0.65)
        #expect(trainer.run(seed: 5).probabilities(test) == scores)
        #expect(trainer.run(seed: 6).probabilities(test) != scores)
    }

    @Test("Training ends when nothing gets better, with the best weights")
    func stops() {
        var settings = ClassifierTraining()
        settings.hidden = [64]
        settings.dropout = 0
        settings.weightDecay = 0
        settings.patience = 3
        settings.epochs = 10_000
        // Labels that features say nothing of: the more is learnt, the worse.
        var (train, valid) = (songs(40, seed: 1), songs(40, seed: 2))
        var generator = SplitMix64(state: 9)
        train.labels = train.labels.map { _ in generator.nextUniform() > 0 ? 1 : 0 }
        valid.labels = valid.labels.map { _ in generator.nextUniform() > 0 ? 1 : 0 }
        let result = ClassifierTrainer(settings, train: train, valid: valid, output: .sigmoid).run(seed: 1)
        #expect(result.epochs < 100)
        #expect(abs(result.network.loss(valid) - result.validLoss) <= 1e-9)
    }

    @Test("A second training learns from the validation songs as well, as long as the first was the better for")
    func again() {
        var settings = ClassifierTraining()
        settings.hidden = []
        settings.learningRate = 0.01
        let (train, valid, test) = (songs(12, seed: 1), songs(400, seed: 2), songs(300, seed: 3))
        let trainer = ClassifierTrainer(settings, train: train, valid: valid, output: .sigmoid)
        let first = trainer.run(seed: 4)
        #expect(first.schedule.map(\.rate) == [0.01, 0.002, 0.0004] || first.epochs == settings.epochs)
        #expect(first.schedule.reduce(0) { $0 + $1.epochs } <= first.epochs)
        let second = trainer.again(first, seed: 4)
        func loss(_ result: ClassifierTrainer.Result) -> Double { result.network.loss(test) }
        #expect(loss(second) < loss(first))
        #expect(loss(trainer.again(first, seed: 4)) == loss(second))
    }

    @Test("No batch has one song")
    func batches() {
        #expect(ClassifierTrainer.batches(Array(0..<7), size: 3).map(Array.init) == [[0, 1, 2], [3, 4, 5, 6]])
        #expect(ClassifierTrainer.batches([4, 2], size: 32).map(Array.init) == [[4, 2]])
    }

    @Test("A feature that never changes can be standardised")
    func constant() {
        let set = SongSet(width: 2, tags: 1, features: [5, 1, 5, 3], labels: [0, 1])
        #expect(set.standardisation == .init(mean: [5, 2], std: [1, 1]))
        #expect(set.standardised(by: set.standardisation).features == [0, -1, 0, 1])
    }

    @Test("Mean and deviation of a sample")
    func spread() throws {
        let spread = try #require(Spread([1, 2, 3, 6]))
        #expect(spread.mean == 3 && abs(spread.deviation - 2.160_246_9) < 1e-6 && spread.count == 4)
        #expect(Spread([nil, 1]) == nil && Spread([]) == nil)
        #expect(Spread([0.5])?.deviation == 0)
    }
}
