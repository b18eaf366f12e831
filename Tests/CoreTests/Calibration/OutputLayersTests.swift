import Foundation
import Testing

@testable import Core

/// Models whose output layers took calibration in, or lost tags, through real nets.
@Suite("Output layers")
struct OutputLayersTests {
    private static let scalings = [
        LogitScaling(scale: 0.4, shift: -1.5), LogitScaling(scale: 2.5, shift: 0.25), LogitScaling.none,
    ]

    private func window(_ model: Model) throws -> [Float] {
        Array(try Fixture.signal().prefix(model.nets.map(\.shape.window).max() ?? 0))
    }

    /// A float net with its 8-bit twin.
    private func model() throws -> Model {
        var model = try Fixture.model("nets/3-8-padding0")
        let net = try #require(model.nets[0].float)
        let signal = try Fixture.signal()
        let windows = stride(from: 0, to: signal.count - net.shape.window, by: 6000).map {
            Array(signal[$0..<($0 + net.shape.window)])
        }
        model.nets[0].int8 =
            try Quantiser(
                net, batchNormEpsilon: model.batchNormEpsilon, function: model.output, calibration: windows,
                heldOut: windows
            ).best().net
        model.nets[0].steps = model.nets[0].int8?.steps
        return model
    }

    private func logits(_ model: Model, _ precision: Precision) throws -> [Float] {
        let net = PackedWindowNet(try model.packed(precision)[0])
        return Array(net.logits(try window(model)))
    }

    @Test("A folded scaling is what a net then says, in floats and in 8 bits", arguments: [Precision.float, .int8])
    func folded(precision: Precision) throws {
        let model = try model()
        let before = try logits(model, precision)
        let after = try logits(model.taking([Self.scalings]), precision)
        let wanted = zip(before, Self.scalings).map { Float($1($0)) }
        #expect(relativeDifference(after, wanted) < 1e-5)
        #expect(after[2] == before[2] && abs(after[0] - before[0]) > 0.1)
        // What comes before the output function, and what comes behind it.
        let net = PackedWindowNet(try model.packed(precision)[0])
        let probabilities = Array(net.forward(try window(model)))
        #expect(relativeDifference(probabilities, before.map { 1 / (1 + expf(-$0)) }) < 1e-6)
    }

    @Test("Tags that are kept say the same as before", arguments: [Precision.float, .int8])
    func kept(precision: Precision) throws {
        var model = try model()
        model.thresholds = ["guitar": 0.25, "techno": 0.5, "female vocal": 0.75]
        let small = model.keeping(tags: ["female vocal", "guitar", "unknown"])
        #expect(
            small.tags == ["guitar", "female vocal"] && small.thresholds == ["guitar": 0.25, "female vocal": 0.75])
        let (before, after) = (try logits(model, precision), try logits(small, precision))
        #expect(relativeDifference(after, [before[0], before[2]]) < 1e-6)
        // A file of it is whole.
        let path = "/tmp/wavetag-kept-\(UUID().uuidString).safetensors"
        defer { unlink(path) }
        try ModelFile.write(small, to: path)
        #expect(try ModelFile.read(path: path).model == small)
    }

    @Test("A classifier takes calibration in its last layer, and loses tags with the model", arguments: ["sigmoid"])
    func classifier(name: String) throws {
        let model = try Fixture.model("classifiers/\(name)")
        let features = try Fixture.tensor("features", in: "classifiers/\(name)-expected")
        func logits(_ model: Model) throws -> [Float] {
            let classifier = try #require(model.songClassifier)
            var logits = [Float](repeating: 0, count: classifier.tags)
            classifier.logits(of: features, into: &logits)
            return logits
        }
        let before = try logits(model)
        let wanted = zip(before, Self.scalings).map { Float($1($0)) }
        #expect(relativeDifference(try logits(model.taking(songs: Self.scalings)), wanted) < 1e-5)
        #expect(relativeDifference(try logits(model.keeping(tags: ["techno"])), [before[1]]) < 1e-6)

        var own = model
        own.classifier?.configuration.tags = ["a", "b", "c"]
        #expect(
            try logits(own.keeping(tags: ["techno"])) == before && own.keeping(tags: ["techno"]).songTags.count == 3)
    }

    @Test("Thresholds of songs: their own, or those of tags of the same name")
    func songThresholds() throws {
        var model = try Fixture.model("classifiers/sigmoid")
        model.thresholds = ["guitar": 0.25, "techno": 0.5]
        #expect(model.songThresholds == model.thresholds)
        model.classifier?.configuration.tags = ["techno", "jazz", "folk"]
        #expect(model.songThresholds == ["techno": 0.5])
        model.classifier?.configuration.thresholds = ["jazz": 0.1]
        #expect(model.songThresholds == ["jazz": 0.1])
    }
}
