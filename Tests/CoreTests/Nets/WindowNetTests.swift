import Testing

@testable import Core

@Suite("A full window through a net")
struct WindowNetTests {
    static let fixtures = ["2-13", "2-14", "3-8", "3-9", "4-6", "4-7", "5-5", "5-6"].flatMap { net in
        [0, 1].map { "nets/\(net)-padding\($0)" }
    }

    @Test("Probabilities, activations and features are PyTorch's", arguments: fixtures)
    func equalsPyTorch(_ fixture: String) throws {
        let model = try Fixture.model(fixture)
        let net = WindowNet(
            try #require(model.nets.first?.float), batchNormEpsilon: model.batchNormEpsilon, function: model.output)
        let probabilities = try Fixture.signal().withUnsafeBufferPointer { Array(net.forward($0.baseAddress!)) }

        let expected = try Fixture.tensor("probabilities", in: fixture + "-expected")
        #expect(zip(probabilities, expected).allSatisfy { abs($0 - $1) <= 1e-5 })
        for layer in 0..<net.shape.layerCount {
            let width = net.shape.widths[layer]
            let columns = try Fixture.tensor("columns.\(layer)", in: fixture + "-expected").map { Int($0) }
            let activations = net.activations(layer: layer)
            #expect(activations.count == net.shape.columns(layer: layer) * width)
            let found = columns.flatMap { activations[($0 * width)..<(($0 + 1) * width)] }
            let wanted = try Fixture.tensor("activations.\(layer)", in: fixture + "-expected")
            #expect(relativeDifference(found, wanted) <= 1e-4, "layer \(layer)")
        }
        var features = [Float](repeating: 0, count: net.shape.featureCount)
        net.features(into: &features)
        #expect(relativeDifference(features, try Fixture.tensor("features", in: fixture + "-expected")) <= 1e-4)
    }

    @Test("A half-precision file gives nearly the same probabilities")
    func halfPrecision() throws {
        let half = try Fixture.model("nets/half-precision")
        let net = WindowNet(
            try #require(half.nets[0].float), batchNormEpsilon: half.batchNormEpsilon, function: half.output)
        let probabilities = try Fixture.signal().withUnsafeBufferPointer { Array(net.forward($0.baseAddress!)) }
        let expected = try Fixture.tensor("probabilities", in: "nets/3-8-padding0-expected")
        #expect(zip(probabilities, expected).allSatisfy { abs($0 - $1) <= 5e-3 })
    }
}

@Suite("The shape of a net")
struct NetShapeTests {
    @Test("The published 3^9 net has the papers' window, widths and cost")
    func published() throws {
        let shape = try NetShape(name: "3^9", m: 3, n: 9)
        #expect(shape.window == 59_049)
        #expect(shape.widths == [128, 128, 128, 256, 256, 256, 256, 256, 256, 512, 512])
        #expect(shape.featureCount == 1280)
        #expect(abs(shape.multiplyAdds(tags: 50) - 1_728_000_000) < 1_000_000)
    }

    @Test("Without a left padding it is (m − 1) / 2 rounded down; one of m or more is refused")
    func leftPadding() throws {
        for (m, left) in [(2, 0), (3, 1), (4, 1), (5, 2)] {
            let shape = try NetShape(name: "net", m: m, n: 4)
            #expect(shape.leftPadding == left && shape.rightPadding == m - 1 - left)
        }
        #expect(try NetShape(name: "net", m: 4, n: 4, leftPadding: 2).rightPadding == 1)
        for left in [-1, 4] {
            let error = #expect(throws: NetShapeError.self) {
                try NetShape(name: "net", m: 4, n: 4, leftPadding: left)
            }
            #expect(error?.description == "left_padding: 0 to 3 wanted, \(left) found")
        }
    }

    @Test(
        "Numbers that describe no net are refused by name",
        arguments: [
            (1, 9, 0, nil, "m: 2 to 64 wanted, 1 found"),
            (3, 1, 0, nil, "n: 2 to 24 wanted, 1 found"),
            (3, 9, 3, nil, "first_padding: 0 to 2 wanted, 3 found"),
            (3, 9, 0, [1, 2], "widths: 11 numbers wanted, 2 found"),
            (2, 2, 0, [1, 2, 0, 4], "widths: 1 to 8192 wanted, 0 found"),
            (64, 24, 0, nil, "window: 64^25 samples is more than 16777216"),
        ] as [(Int, Int, Int, [Int]?, String)])
    func refused(m: Int, n: Int, firstPadding: Int, widths: [Int]?, message: String) {
        let error = #expect(throws: NetShapeError.self) {
            try NetShape(name: "net", m: m, n: n, firstPadding: firstPadding, widths: widths)
        }
        #expect(error?.description == message)
    }
}
