import Glibc
import Testing

@testable import Core

@Suite("Song-level classifier")
struct SongClassifierTests {
    @Test("Probabilities are PyTorch's", arguments: ["sigmoid", "softmax"])
    func equalsPyTorch(_ output: String) throws {
        let model = try Fixture.model("classifiers/\(output)")
        let features = try Fixture.tensor("features", in: "classifiers/\(output)-expected")
        let expected = try Fixture.tensor("probabilities", in: "classifiers/\(output)-expected")
        for kernel in Kernel.available {
            let classifier = SongClassifier(
                try #require(model.classifier), nets: model.nets.map(\.shape), output: model.output, kernel: kernel)
            var probabilities = [Float](repeating: 0, count: model.tags.count)
            classifier.probabilities(of: features, into: &probabilities)
            #expect(zip(probabilities, expected).allSatisfy { abs($0 - $1) <= 1e-5 }, "\(kernel.name)")
            #expect(probabilities.allSatisfy { $0 > 0 })
        }
    }

    // At full width, far from zero: sums of Float32 over 1280 features that nobody had centred would be off by more.
    @Test("At full width it agrees with sums in Float64")
    func fullWidth() throws {
        let shape = try NetShape(name: "3^9", m: 3, n: 9)
        let (inputs, hidden, tags) = (shape.featureCount, 512, 50)
        var generator = SplitMix64(state: 5)
        func uniform(_ count: Int, _ bound: Float) -> [Float] {
            (0..<count).map { _ in generator.nextUniform() * bound }
        }
        let mean = uniform(inputs, 4)
        let first = LinearParameters(weight: uniform(hidden * inputs, 0.05), bias: uniform(hidden, 0.1))
        let last = LinearParameters(weight: uniform(tags * hidden, 0.1), bias: uniform(tags, 0.1))
        let parameters = ClassifierParameters(
            configuration: ClassifierConfiguration(
                nets: [shape.name], levels: [-3, -2, -1], hidden: [hidden], batchNormEpsilon: 0),
            norm: .init(mean: mean, std: [Float](repeating: 0.5, count: inputs)), layers: [first, last],
            batchNorms: [
                BatchNormParameters(
                    weight: [Float](repeating: 1, count: hidden), bias: [Float](repeating: 0, count: hidden),
                    runningMean: [Float](repeating: 0, count: hidden),
                    runningVariance: [Float](repeating: 1, count: hidden))
            ])
        let features = zip(mean, uniform(inputs, 0.5)).map { $0 + $1 }
        let standardised = zip(features, mean).map { Double($0 - $1) / 0.5 }
        func linear(_ layer: LinearParameters, _ input: [Double]) -> [Double] {
            layer.bias.indices.map { output in
                input.indices.reduce(Double(layer.bias[output])) {
                    $0 + Double(layer.weight[output * input.count + $1]) * input[$1]
                }
            }
        }
        let logits = linear(last, linear(first, standardised).map { max(0, $0) })
        for kernel in Kernel.available {
            let classifier = SongClassifier(parameters, nets: [shape], output: .sigmoid, kernel: kernel)
            var probabilities = [Float](repeating: 0, count: tags)
            classifier.probabilities(of: features, into: &probabilities)
            for (probability, logit) in zip(probabilities, logits) {
                #expect(abs(Double(probability) - 1 / (1 + exp(-logit))) <= 2e-6, "\(kernel.name)")
            }
        }
    }
}
