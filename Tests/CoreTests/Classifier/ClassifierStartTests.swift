import Testing

@testable import Core

@Suite("A classifier that starts with the nets' own output")
struct ClassifierStartTests {
    private let model: Model
    private let layout: FeatureLayout
    private let songs: SongSet
    private let tags = ["a", "b", "c"]

    private static func tensor(_ name: String) throws -> [Float] {
        try Fixture.tensor(name, in: "classifiers/started")
    }

    init() throws {
        let nets = try (0..<2).map { net in
            NetParameters(
                shape: try NetShape(name: ["3^2", "2^2"][net], m: [3, 2][net], n: 2, widths: [1, 2, 2, 3]), layers: [],
                output: LinearParameters(
                    weight: try Self.tensor("output.weight.\(net)"), bias: try Self.tensor("output.bias.\(net)")))
        }
        model = Model(tags: tags, output: .sigmoid, batchNormEpsilon: 1e-5, nets: nets, classifier: nil)
        layout = try FeatureLayout(nets.map(\.shape))
        songs = SongSet(width: 14, tags: 3, features: try Self.tensor("x"), labels: try Self.tensor("labels"))
    }

    private func start(_ share: Double) throws -> ClassifierStart {
        try #require(ClassifierStart(model, layout: layout, tags: tags, output: .sigmoid, share: share))
    }

    private func configuration(_ hidden: [Int]) -> ClassifierConfiguration {
        ClassifierConfiguration(
            nets: layout.nets, levels: layout.levels, hidden: hidden, batchNormEpsilon: 1e-5)
    }

    /// What a model with these weights says of songs' features.
    private func probabilities(_ parameters: ClassifierParameters) -> [Float] {
        let classifier = SongClassifier(parameters, nets: model.nets.map(\.shape), output: .sigmoid)
        return (0..<songs.count).flatMap { song in
            var found = [Float](repeating: 0, count: 3)
            classifier.probabilities(of: Array(songs.features[(song * 14)..<((song + 1) * 14)]), into: &found)
            return found
        }
    }

    @Test("Twenty steps on sharpened labels are PyTorch's, in the model file too")
    func equalsPyTorch() throws {
        let start = try start(0.5)
        let norm = songs.standardisation
        let begun = start.begun(songs, norm: norm).sharpened(2, about: 0.3)
        #expect(relativeDifference(begun.labels, try Self.tensor("sharpened")) <= 1e-6)
        #expect(relativeDifference(begun.offsets, try Self.tensor("offsets")) <= 1e-5)
        var network = TrainableClassifier(
            weights: [[Float](repeating: 0, count: 3 * 14)], inputs: 14, output: .sigmoid, epsilon: 1e-5)
        var loss = 0.0
        for _ in 0..<20 {
            loss = network.step(
                begun.features, labels: begun.labels, offsets: begun.offsets, batch: songs.count, masks: [],
                rate: 0.02, decay: 0.05)
        }
        #expect(abs(Float(loss) - (try Self.tensor("loss"))[0]) <= 1e-5)
        let expected = try Self.tensor("probabilities")
        #expect(relativeDifference(network.probabilities(begun), expected) <= 1e-4)
        let parameters = start.added(to: network.parameters(configuration([]), norm: norm))
        #expect(relativeDifference(probabilities(parameters), expected) <= 1e-4)
    }

    @Test("Untrained it says what the nets say; hidden layers let that pass", arguments: [[], [5], [6, 4]])
    func passes(_ hidden: [Int]) throws {
        let start = try start(1)
        let norm = songs.standardisation
        let begun = start.begun(songs, norm: norm)
        var generator = SplitMix64(state: 3)
        var network = TrainableClassifier(
            inputs: 14, hidden: hidden, tags: 3, output: .sigmoid, epsilon: 1e-5, startsAtZero: true,
            generator: &generator)
        var own = begun.offsets
        TrainableClassifier.apply(.sigmoid, to: &own, tags: 3)
        func file() -> [Float] { probabilities(start.added(to: network.parameters(configuration(hidden), norm: norm))) }
        #expect(relativeDifference(file(), own) <= 1e-5)
        for _ in 0..<10 {
            _ = network.step(
                begun.features, labels: begun.labels, offsets: begun.offsets, batch: songs.count, masks: [], rate: 0.05,
                decay: 0)
        }
        #expect(relativeDifference(network.probabilities(begun), own) > 0.01)
        #expect(relativeDifference(file(), network.probabilities(begun)) <= 1e-4)
        let parameters = start.added(to: network.parameters(configuration(hidden), norm: norm))
        #expect(parameters.configuration.hidden == hidden.map { $0 + 6 })
    }

    @Test("Only where the nets' own output can be had")
    func conditions() throws {
        func start(_ layout: FeatureLayout, _ tags: [String], _ output: OutputFunction, _ share: Double) -> Bool {
            ClassifierStart(model, layout: layout, tags: tags, output: output, share: share) != nil
        }
        let shapes = model.nets.map(\.shape)
        #expect(start(layout, ["c", "a"], .sigmoid, 1))
        #expect(!start(layout, ["a", "d"], .sigmoid, 1))
        #expect(!start(layout, tags, .softmax, 1))
        #expect(!start(layout, tags, .sigmoid, 0))
        #expect(!start(try FeatureLayout(shapes, levels: [-3, -2]), tags, .sigmoid, 1))
        #expect(start(try FeatureLayout(shapes, names: ["2^2"], levels: [-1]), tags, .sigmoid, 1))
    }

    @Test("Level −1 alone is learned from; beside others it is left to the nets' output layers")
    func learned() throws {
        #expect(
            try start(1).isLearned
                == Array(repeating: [true, true, true, true, false, false, false], count: 2).flatMap { $0 })
        let top = try FeatureLayout(model.nets.map(\.shape), levels: [-1])
        #expect(
            ClassifierStart(model, layout: top, tags: tags, output: .sigmoid, share: 1)?.isLearned.contains(false)
                == false)
    }
}
