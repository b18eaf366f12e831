import Testing

@testable import Core

@Suite("Song-level classifier")
struct SongClassifierTests {
    @Test("Probabilities are PyTorch's", arguments: ["sigmoid", "softmax"])
    func equalsPyTorch(_ output: String) throws {
        let model = try Fixture.model("classifiers/\(output)")
        let classifier = SongClassifier(
            try #require(model.classifier), nets: model.nets.map(\.shape), output: model.output)
        let features = try Fixture.tensor("features", in: "classifiers/\(output)-expected")
        var probabilities = [Float](repeating: 0, count: model.tags.count)
        classifier.probabilities(of: features, into: &probabilities)
        let expected = try Fixture.tensor("probabilities", in: "classifiers/\(output)-expected")
        #expect(zip(probabilities, expected).allSatisfy { abs($0 - $1) <= 1e-5 })
        #expect(probabilities.allSatisfy { $0 > 0 })
    }
}
