import Testing

@testable import Core

@Suite("Features of windows and songs")
struct WindowFeatureTests {
    @Test("A window's features are PyTorch's", arguments: WindowNetTests.fixtures)
    func equalsPyTorch(_ fixture: String) throws {
        let model = try Fixture.model(fixture)
        let source = WholeWindows(try model.packed(.float)[0])
        var signal = try Fixture.signal()
        signal.removeLast(signal.count - source.shape.window)
        var (windows, found): (Int, [Float]) = (0, [])
        signal.withUnsafeBufferPointer {
            source.forEachWindow(in: $0) { features, _ in
                found = Array(features)
                windows += 1
            }
        }
        #expect(windows == 1)
        #expect(relativeDifference(found, try Fixture.tensor("features", in: fixture + "-expected")) <= 1e-4)
    }

    @Test("Windows of a sound: none overlap by default, a last piece is left out")
    func windows() throws {
        let net = try Fixture.model("nets/5-5-padding0").packed(.float)[0]
        let signal = try Fixture.signal()
        func count(_ samples: Int, hop: Int?) -> Int {
            var count = 0
            signal[..<samples].withUnsafeBufferPointer {
                WholeWindows(net, hop: hop).forEachWindow(in: $0) { _, _ in count += 1 }
            }
            return count
        }
        let window = net.shape.window
        #expect(count(window - 1, hop: nil) == 0)
        #expect(count(3 * window - 1, hop: nil) == 2)
        #expect(count(3 * window, hop: nil) == 3)
        #expect(count(2 * window, hop: window / 5) == 6)
    }

    @Test("8-bit features come in the same units as float ones")
    func int8() throws {
        let model = try Fixture.model("nets/3-8-padding0")
        let parameters = try #require(model.nets[0].float)
        let signal = try Fixture.signal()
        let float = PackedWindowNet(try model.packed(.float)[0])
        signal.withUnsafeBufferPointer { _ = float.forward($0.baseAddress!) }
        var expected = [Float](repeating: 0, count: parameters.shape.featureCount)
        float.features(into: &expected)
        // Steps that hold each layer's largest activation of this window.
        let steps = (0...parameters.shape.n).map { layer in
            let count = parameters.shape.columns(layer: layer) * parameters.shape.widths[layer]
            let values = float.activations(layer: layer).assumingMemoryBound(to: Float.self)
            return max(1e-6, (0..<count).reduce(Float(0)) { max($0, values[$1]) }) / 255
        }
        var net = model.nets[0]
        net.steps = steps
        var quantised = model
        quantised.nets = [net]
        let int8 = PackedWindowNet(try quantised.packed(.int8)[0])
        signal.withUnsafeBufferPointer { _ = int8.forward($0.baseAddress!) }
        var found = expected.map { _ in Float(0) }
        int8.features(into: &found)
        var start = 0
        for layer in parameters.shape.featureLayers {
            let range = start..<(start + parameters.shape.widths[layer])
            #expect(relativeDifference(found[range], Array(expected[range])) <= 0.25, "layer \(layer)")
            start = range.upperBound
        }
    }

    @Test("A layout has the contract's order, and finds parts in a larger one")
    func layout() throws {
        let shapes = [try NetShape(name: "3^8", m: 3, n: 8), try NetShape(name: "4^6", m: 4, n: 6)]
        let all = try FeatureLayout(shapes)
        #expect(all.count == 2560 && all.nets == ["3^8", "4^6"] && all.levels == [-3, -2, -1])
        #expect(all.parts.map(\.width) == [256, 512, 512, 256, 512, 512])
        let some = try FeatureLayout(shapes, names: ["4^6", "3^8"], levels: [-1, -2])
        #expect(try all.runs(of: some) == [256..<1280, 1536..<2560])
        #expect(throws: FeatureError("nets: 5^5 is not one of the model's nets: 3^8, 4^6")) {
            try FeatureLayout(shapes, names: ["5^5"])
        }
        #expect(throws: FeatureError("levels: -3, -2 or -1 wanted, 0 found")) { try FeatureLayout(shapes, levels: [0]) }
        #expect(throws: FeatureError("no features of 3^8, level -3, width 256")) { try some.runs(of: all) }
    }
}
