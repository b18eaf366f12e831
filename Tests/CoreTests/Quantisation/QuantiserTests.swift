import Foundation
import Testing

@testable import Core

@Suite("Quantisation")
struct QuantiserTests {
    private static let shape = try! NetShape(name: "3^4", m: 3, n: 4, widths: [8, 8, 8, 12, 16, 16])

    private static func net() -> NetParameters { .heUniform(shape, tags: 4, seed: 3) }

    private static func windows(_ count: Int, seed: UInt64) -> [[Float]] {
        var generator = SplitMix64(state: seed)
        return (0..<count).map { index in
            (0..<shape.window).map { _ in generator.nextUniform() * Float(index + 1) / Float(count) }
        }
    }

    @Test("A quantised net says nearly what the float net says, loud and quiet")
    func fidelity() throws {
        let quantiser = try Quantiser(
            Self.net(), batchNormEpsilon: 1e-5, function: .sigmoid, calibration: Self.windows(24, seed: 1),
            heldOut: Self.windows(12, seed: 2))
        var shares: [Double] = []
        let result = try quantiser.best { shares.append($0) }
        #expect(result.fidelity.map(\.level) == [.gain(0), .gain(-30), .gain(-50), .fullScale])
        #expect(result.fidelity[0].mean < 0.02)
        #expect(result.layers.count == 5)
        #expect(result.layers.allSatisfy { $0.signalToNoise > 12 && $0.clipped < 0.05 && $0.range > 0 })
        #expect(shares == shares.sorted() && shares.last == 1)
        for (index, layer) in result.net.layers.enumerated() {
            let shape = Self.shape
            #expect(
                layer.firstOutputWithLargePair(
                    inputs: shape.inputChannels(layer: index + 1), taps: shape.kernelWidth(layer: index + 1)) == nil)
            #expect(!layer.weight.contains(-128))
        }
    }

    @Test("Ranges learned from quiet sound hold for sound at full scale")
    func louderThanCalibrated() throws {
        func quiet(_ windows: [[Float]]) -> [[Float]] { windows.map { $0.map { $0 * 0.15 } } }
        let result = try Quantiser(
            Self.net(), batchNormEpsilon: 1e-5, function: .sigmoid, calibration: quiet(Self.windows(8, seed: 1)),
            heldOut: quiet(Self.windows(8, seed: 2))
        ).best()
        let float = PackedWindowNet(PackedNet(Self.net(), batchNormEpsilon: 1e-5, function: .sigmoid))
        let int8 = PackedWindowNet(try PackedNet(result.net, function: .sigmoid))
        var differences: [Float] = []
        for window in Self.windows(8, seed: 3) {
            let louder = window.map { $0 / (window.map(abs).max() ?? 1) }
            differences += zip(float.forward(louder), int8.forward(louder)).map { abs($0 - $1) }
        }
        #expect(Fidelity(level: .fullScale, differences: differences).mean < 0.02)
    }

    @Test("An equalised net says what the net said, with channels of nearer sizes; features are left alone")
    func equalisation() throws {
        var net = Self.net()
        // One loud channel and one dead one.
        net.layers[0].batchNorm.weight[1] = 8
        net.layers[1].batchNorm.weight[2] = 0
        func heard(_ net: NetParameters) -> (ActivationStatistics, [[Float]]) {
            let packed = PackedWindowNet(PackedNet(net, batchNormEpsilon: 1e-5, function: .sigmoid))
            var statistics = ActivationStatistics(Self.shape)
            let answers = Self.windows(6, seed: 4).map { window in
                let answer = Array(packed.forward(window))
                statistics.add(packed)
                return answer
            }
            return (statistics, answers)
        }
        let (before, expected) = heard(net)
        let equalised = net.equalised(
            largest: (0...Self.shape.n).map { before.largest(layer: $0) }, batchNormEpsilon: 1e-5)
        let (after, found) = heard(equalised)
        for (a, b) in zip(expected.joined(), found.joined()) { #expect(abs(a - b) < 1e-5) }
        func spread(_ statistics: ActivationStatistics) -> Float {
            let sizes = statistics.largest(layer: 0).filter { $0 > 0 }
            return (sizes.max() ?? 0) / (sizes.min() ?? 1)
        }
        #expect(spread(after) < spread(before) / 2)
        for layer in (Self.shape.n - 1)...Self.shape.n {
            for (a, b) in zip(before.largest(layer: layer), after.largest(layer: layer)) {
                #expect(abs(a - b) <= 1e-4 * max(a, 1e-3))
            }
        }
    }

    @Test("Rounded weights are within half a scale of the weights, but where a pair had to give way")
    func weights() {
        var generator = SplitMix64(state: 5)
        let weight = (0..<(6 * 10 * 3)).map { _ in generator.nextUniform() }
        let bias = (0..<6).map { _ in generator.nextUniform() }
        let layer = Int8Layer(weight: weight, bias: bias, inputs: 10, taps: 3, inputStep: 0.01, keepsPairs: true)
        for (index, pair) in zip(weight, layer.dequantised).enumerated() {
            #expect(abs(pair.0 - pair.1) <= layer.scale[index / 30] * 1.5)
        }
        #expect(layer.firstOutputWithLargePair(inputs: 10, taps: 3) == nil)
    }

    @Test("A channel without weights keeps its bias")
    func zeroChannel() throws {
        let layer = Int8Layer(
            weight: [0, 0, 1, -1], bias: [0.7, -2], inputs: 2, taps: 1, inputStep: 0.01, keepsPairs: true)
        let requantisation = try Requantisation(
            scale: layer.scale, bias: layer.bias, inputStep: 0.01, outputStep: 0.01)
        #expect(abs(Double(requantisation.bias[0]) * Double(layer.scale[0]) * 0.01 - 0.7) < 0.01)
    }

    @Test("Silence can't tell ranges")
    func silence() {
        #expect(throws: QuantisationError("calibration: windows with sound wanted, only silence found")) {
            try Quantiser(
                Self.net(), batchNormEpsilon: 1e-5, function: .sigmoid,
                calibration: [[Float](repeating: 0, count: Self.shape.window)], heldOut: Self.windows(1, seed: 1))
        }
    }

    @Test("A dead layer is named")
    func deadLayer() {
        var net = Self.net()
        net.layers[2].batchNorm.weight = net.layers[2].batchNorm.weight.map { _ in 0 }
        net.layers[2].batchNorm.bias = net.layers[2].batchNorm.bias.map { _ in -1 }
        #expect(throws: QuantisationError("layer 2 is dead: none of its activations is ever above 0")) {
            try Quantiser(
                net, batchNormEpsilon: 1e-5, function: .sigmoid, calibration: Self.windows(2, seed: 1),
                heldOut: Self.windows(2, seed: 2))
        }
    }

    @Test("Dead channels, without variance or always zero, cost the others nothing")
    func deadChannels() throws {
        var net = Self.net()
        net.layers[1].batchNorm.runningVariance[0] = 0
        net.layers[1].weight.replaceSubrange(0..<24, with: [Float](repeating: 0, count: 24))
        net.layers[3].batchNorm.weight[2] = 0
        net.layers[3].batchNorm.bias[2] = -1
        let result = try Quantiser(
            net, batchNormEpsilon: 1e-5, function: .sigmoid, calibration: Self.windows(12, seed: 1),
            heldOut: Self.windows(6, seed: 2)
        ).best()
        #expect(result.fidelity.allSatisfy { $0.mean < 0.02 })
        #expect(result.net.layers.allSatisfy { $0.scale.allSatisfy { $0 > 0 && $0.isFinite } })
    }

    @Test("Enormous channels are quantised or refused, never crashed on", arguments: [Float(1e6), 1e18, 1e38])
    func enormousChannels(factor: Float) {
        var net = Self.net()
        net.layers[1].batchNorm.weight[0] = factor
        net.layers[2].batchNorm.bias[1] = factor
        do throws(QuantisationError) {
            _ = try Quantiser(
                net, batchNormEpsilon: 1e-5, function: .sigmoid, calibration: Self.windows(2, seed: 1),
                heldOut: Self.windows(2, seed: 2)
            ).best()
        } catch { #expect(!error.description.isEmpty && !error.description.contains("\n")) }
    }

    @Test("A file holds float and 8-bit weights side by side, either alone, or only ranges")
    func modelFile() throws {
        let path = "/tmp/wavetag-int8-\(UUID().uuidString.prefix(8)).safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let float = Self.net()
        let steps = [Float](repeating: 0.02, count: 5)
        let int8 = try Int8NetParameters(quantising: float, batchNormEpsilon: 1e-5, steps: steps)
        let nets: [ModelNet] = [
            ModelNet(shape: Self.shape, float: float, int8: int8), ModelNet(shape: Self.shape, int8: int8),
            ModelNet(shape: Self.shape, float: float, steps: steps),
        ]
        var answers: [[Float]] = []
        for net in nets {
            let model = Model(
                tags: ["a", "b", "c", "d"], output: .sigmoid, batchNormEpsilon: 1e-5, nets: [net], classifier: nil)
            try ModelFile.write(model, to: path)
            let read = try ModelFile.read(path: path).model
            #expect(read == model)
            #expect(read.usualPrecision == (net.float == nil ? .int8 : .float))
            let packed = PackedWindowNet(try read.packed(.int8)[0])
            answers.append(Array(packed.forward(Self.windows(1, seed: 7)[0])))
        }
        // Quantised when it is loaded, a net is the one that was quantised before.
        #expect(answers[0] == answers[1] && answers[1] == answers[2])
    }

    @Test("A model without 8-bit weights and ranges says so")
    func withoutRanges() {
        let model = Model(
            tags: ["a", "b", "c", "d"], output: .sigmoid, batchNormEpsilon: 1e-5, nets: [Self.net()], classifier: nil)
        #expect(
            throws: QuantisationError(
                "3^4: no int8 weights and no calibrated steps in the model; see `wavetag quantize`")
        ) { try model.packed(.int8) }
    }

    @Test("Weights that break the rule of pairs, or are -128, are refused with their place")
    func badWeights() throws {
        let path = "/tmp/wavetag-int8-\(UUID().uuidString.prefix(8)).safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let good = try Int8NetParameters(
            quantising: Self.net(), batchNormEpsilon: 1e-5, steps: [Float](repeating: 0.02, count: 5))
        func message(_ edit: (inout Int8NetParameters) -> Void) throws -> String {
            var net = good
            edit(&net)
            try ModelFile.write(
                Model(
                    tags: ["a", "b", "c", "d"], output: .sigmoid, batchNormEpsilon: 1e-5,
                    nets: [ModelNet(shape: Self.shape, int8: net)], classifier: nil), to: path)
            do throws(ModelFileError) { _ = try ModelFile.read(path: path) } catch { return error.description }
            return "nothing"
        }
        #expect(
            try message {
                $0.layers[1].weight[0] = 127
                $0.layers[1].weight[3] = 127
            }.hasSuffix(
                "layers.2.weight: sums of two neighbouring inputs' weights of at most 128 wanted, more found in output 0"
            ))
        #expect(try message { $0.layers[0].weight[5] = -128 }.hasSuffix("-127 to 127 wanted, -128 found at 5"))
        #expect(try message { $0.steps[1] = 0 }.contains("int8.steps: a positive number wanted"))
        #expect(
            try message {
                $0.layers[0].scale[0] = 1e-30
                $0.layers[0].bias[0] = 1
            }.contains("is too large for units of"))
    }
}
