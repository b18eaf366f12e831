import Foundation
import Testing

@testable import Core

@Suite("Model file")
struct ModelFileTests {
    static let config =
        #"{"sample_rate":22050,"tags":["a","b"],"nets":[{"name":"2^2","m":2,"n":2,"widths":[1,1,1,2]}]}"#

    /// A file by hand: tensors of zeros but for positive variances, in order, with what a test wants otherwise.
    struct Sketch {
        var metadata: [(String, String)] = [("format", "wavetag"), ("version", "1"), ("config", config)]
        var tensors: [(name: String, type: String, shape: [Int], bytes: [UInt8])] = []
        var headerEdit: (String) -> String = { $0 }

        init() {
            for layer in 0..<4 {
                let width = [1, 1, 1, 2][layer]
                let prefix = "nets.2^2.layers.\(layer)"
                add("\(prefix).conv.weight", [width, 1, layer == 3 ? 1 : 2])
                for name in ["weight", "bias", "running_mean", "running_var"] {
                    add("\(prefix).bn.\(name)", [width], value: name == "running_var" ? 1 : 0)
                }
            }
            add("nets.2^2.output.weight", [2, 2])
            add("nets.2^2.output.bias", [2])
        }

        mutating func add(_ name: String, _ shape: [Int], value: Float = 0) {
            let count = shape.reduce(1, *)
            let bytes = (0..<count).flatMap { _ in withUnsafeBytes(of: value) { Array($0) } }
            tensors.append((name, "F32", shape, bytes))
        }

        mutating func change(
            _ name: String, _ edit: (inout (name: String, type: String, shape: [Int], bytes: [UInt8])) -> Void
        ) {
            guard let index = tensors.firstIndex(where: { $0.name == name }) else { return }
            edit(&tensors[index])
        }

        mutating func setConfig(_ text: String) { metadata[2].1 = text }

        var file: [UInt8] {
            var header: [UInt8] = Array("{\"__metadata__\":{".utf8)
            for (index, (name, text)) in metadata.enumerated() {
                if index > 0 { header.append(UInt8(ascii: ",")) }
                header.appendJSON(string: name)
                header.append(UInt8(ascii: ":"))
                header.appendJSON(string: text)
            }
            header.append(UInt8(ascii: "}"))
            var data: [UInt8] = []
            for tensor in tensors {
                let shape = tensor.shape.map(String.init).joined(separator: ",")
                header += Array(",\"\(tensor.name)\":{\"dtype\":\"\(tensor.type)\",\"shape\":[\(shape)],".utf8)
                header += Array("\"data_offsets\":[\(data.count),\(data.count + tensor.bytes.count)]}".utf8)
                data += tensor.bytes
            }
            header.append(UInt8(ascii: "}"))
            let text = Array(headerEdit(String(decoding: header, as: UTF8.self)).utf8)
            return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text + data
        }
    }

    /// Reads bytes as a model file; its path in messages is FILE.
    private func read(_ bytes: [UInt8]) throws -> ModelFile {
        let path = "/tmp/wavetag-model-\(UUID().uuidString).safetensors"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { unlink(path) }
        do throws(ModelFileError) { return try ModelFile.read(path: path) } catch {
            throw ModelFileError(error.kind, "FILE", String(error.description.dropFirst(path.count + 2)))
        }
    }

    private func expectRefused(_ bytes: [UInt8], _ message: String, _ location: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: ModelFileError.self, sourceLocation: location) { try read(bytes) }
        #expect(error?.description == "FILE: " + message, sourceLocation: location)
        #expect(error?.kind == .invalid, sourceLocation: location)
    }

    private func expectRefused(
        _ message: String, _ location: SourceLocation = #_sourceLocation, _ edit: (inout Sketch) -> Void
    ) {
        var sketch = Sketch()
        edit(&sketch)
        expectRefused(sketch.file, message, location)
    }

    @Test("A sketch that nobody spoilt is a model, without biases")
    func sound() throws {
        let model = try read(Sketch().file).model
        #expect(model.tags == ["a", "b"])
        #expect(model.nets[0].float?.layers[3].bias == [0, 0])
    }

    @Test("The container: lengths, JSON, offsets")
    func container() {
        expectRefused([], "header: 8 bytes of length wanted, 0 found")
        expectRefused([1, 2, 3], "header: 8 bytes of length wanted, 3 found")
        expectRefused([9, 0, 0, 0, 0, 0, 0, 0], "header: 9 bytes wanted, 0 found")
        expectRefused(
            [UInt8](repeating: 255, count: 16), "header: at most 100000000 bytes wanted, 18446744073709551615 found")
        expectRefused([2, 0, 0, 0, 0, 0, 0, 0] + Array("[]".utf8), "header: an object wanted, an array found")
        expectRefused([2, 0, 0, 0, 0, 0, 0, 0] + Array("{x".utf8), "header: byte 1: a name wanted")
        let name = "nets.2^2.layers.0.conv.weight"
        expectRefused("header: byte 270: \"nets.2^2.output.bias\" stands twice") { sketch in
            sketch.tensors = [sketch.tensors.last, sketch.tensors.last].compactMap { $0 }
        }
        expectRefused("\(name): data_offsets: two whole numbers wanted") {
            $0.headerEdit = { $0.replacing("[0,8]", with: "[-1,8]") }
        }
        expectRefused("\(name): data_offsets: two whole numbers wanted") {
            $0.headerEdit = { $0.replacing("[0,8]", with: "[0,8.5]") }
        }
        expectRefused("\(name): data_offsets: 0 to 136 wanted, [0, 8000] found") {
            $0.headerEdit = { $0.replacing("[0,8]", with: "[0,8000]") }
        }
        expectRefused("nets.2^2.layers.0.bn.weight: its data overlaps that of \(name)") {
            $0.headerEdit = { $0.replacing("[8,12]", with: "[4,8]") }
        }
        expectRefused("\(name): data_offsets: 12 bytes wanted for F32 [1, 1, 3], 8 found") {
            $0.change(name) { $0.shape = [1, 1, 3] }
        }
        expectRefused("\(name): shape: [9223372036854775807, 4] has more elements than a file can hold") {
            $0.change(name) { $0.shape = [.max, 4] }
        }
        expectRefused("\(name): dtype: F128 is unknown") { $0.change(name) { $0.type = "F128" } }
        expectRefused("\(name): dtype F32 or F16 wanted, I32 found") { $0.change(name) { $0.type = "I32" } }
    }

    @Test("The metadata and what it describes")
    func metadata() {
        expectRefused("__metadata__.format: wavetag wanted, nothing found") { $0.metadata.removeFirst() }
        expectRefused("__metadata__.format: wavetag wanted, pt found") { $0.metadata[0].1 = "pt" }
        expectRefused("__metadata__.version: 1 wanted, 2 found") { $0.metadata[1].1 = "2" }
        expectRefused("__metadata__.config: missing") { $0.metadata.removeLast() }
        for (found, wanted, message) in [
            ("22050", "44100", "sample_rate: 22050 wanted, 44100.0 found"),
            (#"["a","b"]"#, "[]", "tags: 1 to 10000 wanted, 0 found"),
            (#"["a","b"]"#, #"["a","a"]"#, "tags: a tag is empty or stands twice"),
            (#"["a","b"]"#, "3", "tags: an array of strings wanted, a number found"),
            (#""n":2"#, #""n":1"#, "nets.0.n: 2 to 24 wanted, 1 found"),
            (#""n":2"#, #""n":23,"widths":[]"#, "byte 93: \"widths\" stands twice"),
            (#""m":2"#, #""m":"2""#, "nets.0.m: a whole number wanted, a string found"),
            ("[1,1,1,2]", "[1,1,1]", "nets.0.widths: 4 numbers wanted, 3 found"),
            ("[1,1,1,2]", "[1,1,1,99999]", "nets.0.widths: 1 to 8192 wanted, 99999 found"),
            ("\"sample_rate\"", "\"output\":\"tanh\",\"sample_rate\"", "output: sigmoid or softmax wanted, tanh found"),
            (
                "]}]}", "]}],\"classifier\":{\"nets\":[\"3^9\"],\"levels\":[-1],\"hidden\":[]}}",
                "classifier.nets: 3^9 is not one of the model's nets"
            ),
            (
                "]}]}", "]}],\"classifier\":{\"nets\":[\"2^2\"],\"levels\":[-4],\"hidden\":[]}}",
                "classifier.levels: different numbers from -3 to -1 wanted, [-4] found"
            ),
            (
                "]}]}", "]}],\"classifier\":{\"nets\":[\"2^2\"],\"levels\":[-1],\"hidden\":[],\"tags\":[\"x\",\"x\"]}}",
                "classifier.tags: a tag is empty or stands twice"
            ),
            (
                "]}]}", "]}],\"classifier\":{\"nets\":[\"2^2\"],\"levels\":[-1],\"hidden\":[],\"output\":\"max\"}}",
                "classifier.output: sigmoid or softmax wanted, max found"
            ),
            ("\"sample_rate\"", "\"thresholds\":{\"c\":0.5},\"sample_rate\"", "thresholds: c is not one of the tags"),
            ("\"sample_rate\"", "\"thresholds\":{\"b\":1.5},\"sample_rate\"", "thresholds.b: 0 to 1 wanted, 1.5 found"),
            (
                "\"sample_rate\"", "\"thresholds\":{\"b\":-1},\"sample_rate\"",
                "thresholds.b: 0 to 1 wanted, -1.0 found"
            ),
            (
                "\"sample_rate\"", "\"thresholds\":{\"b\":\"0\"},\"sample_rate\"",
                "thresholds.b: a number wanted, a string found"
            ),
            ("\"sample_rate\"", "\"thresholds\":[0.5],\"sample_rate\"", "thresholds: an object wanted, an array found"),
            (
                "]}]}",
                "]}],\"classifier\":{\"nets\":[\"2^2\"],\"levels\":[-1],\"hidden\":[],\"tags\":[\"x\"],\"thresholds\":{\"a\":0}}}",
                "classifier.thresholds: a is not one of the tags"
            ),
        ] {
            expectRefused("__metadata__.config: " + message) {
                $0.setConfig(Self.config.replacing(found, with: wanted))
            }
        }
    }

    @Test("Tensors: shapes, numbers, presence")
    func tensors() {
        let name = "nets.2^2.layers.1.conv.weight"
        expectRefused("\(name): shape [1, 1, 2] wanted, [2, 1, 1] found") { $0.change(name) { $0.shape = [2, 1, 1] } }
        expectRefused("nets.2^2.output.bias: missing") { $0.tensors.removeLast() }
        for (value, text) in [(Float.nan, "nan"), (.infinity, "inf")] {
            expectRefused("nets.2^2.output.bias: a finite number wanted, \(text) found at 1") {
                $0.change("nets.2^2.output.bias") { tensor in
                    tensor.bytes =
                        withUnsafeBytes(of: Float(0)) { Array($0) } + withUnsafeBytes(of: value) { Array($0) }
                }
            }
        }
        for (value, text) in [(Float(0), "0.0"), (-1, "-1.0")] {
            expectRefused("nets.2^2.layers.0.bn.running_var: a positive number wanted, \(text) found at 0") {
                $0.change("nets.2^2.layers.0.bn.running_var") { $0.bytes = withUnsafeBytes(of: value) { Array($0) } }
            }
        }
        expectRefused("classifier.norm.std: a positive number wanted, 0.0 found at 1") {
            $0.setConfig(
                Self.config.replacing(
                    "]}]}", with: "]}],\"classifier\":{\"nets\":[\"2^2\"],\"levels\":[-1],\"hidden\":[]}}"))
            $0.add("classifier.norm.mean", [2])
            $0.add("classifier.norm.std", [2], value: 1)
            $0.change("classifier.norm.std") { $0.bytes.replaceSubrange(4..<8, with: [0, 0, 0, 0]) }
        }
    }

    @Test("Tensors that nobody asked for are passed over")
    func extra() throws {
        var sketch = Sketch()
        sketch.tensors.append(("nets.2^2.layers.0.conv.int8", "I8", [3], [1, 2, 3]))
        sketch.metadata.append(("author", "somebody"))
        #expect(try read(sketch.file).model == read(Sketch().file).model)
    }

    @Test("What is written is read back, byte for byte the same each time, and nothing is left beside it")
    func roundTrip() throws {
        let folder = "/tmp/wavetag-write-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for fixture in ["nets/4-6-padding1", "classifiers/softmax"] {
            let model = try Fixture.model(fixture)
            try ModelFile.write(model, to: folder + "/a.safetensors")
            try ModelFile.write(model, to: folder + "/b.v2.safetensors")
            let (first, second) = (
                try ModelFile.read(path: folder + "/a.safetensors"),
                try ModelFile.read(path: folder + "/b.v2.safetensors")
            )
            #expect(first.model == model)
            #expect(first.sha256 == second.sha256)
            #expect((first.name, second.name) == ("a", "b.v2"))
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == [
                "a.safetensors", "b.v2.safetensors",
            ])
    }

    @Test("Thresholds are read, written and read back, for windows and for songs")
    func thresholds() throws {
        var sketch = Sketch()
        sketch.setConfig(
            Self.config.replacing("\"sample_rate\"", with: "\"thresholds\":{\"b\":0.35,\"a\":1},\"sample_rate\""))
        #expect(try read(sketch.file).model.thresholds == ["a": 1, "b": 0.35])
        #expect(try read(Sketch().file).model.thresholds.isEmpty)
        let path = "/tmp/wavetag-thresholds-\(UUID().uuidString).safetensors"
        defer { unlink(path) }
        var model = try Fixture.model("classifiers/sigmoid")
        model.thresholds = ["techno": 0.1234, "guitar": 0]
        for own in [nil, ["female vocal": Float(0.75)]] {
            model.classifier?.configuration.thresholds = own
            try ModelFile.write(model, to: path)
            #expect(try ModelFile.read(path: path).model == model)
        }
    }

    @Test("A write that fails says so and leaves what was there")
    func failedWrite() throws {
        let error = #expect(throws: ModelFileError.self) {
            try ModelFile.write(try Fixture.model("nets/5-5-padding0"), to: "/nonexistent/model.safetensors")
        }
        #expect(error?.kind == .unreadable)
    }

    @Test("Missing, unreadable and invalid are told apart")
    func kinds() {
        let missing = #expect(throws: ModelFileError.self) { try ModelFile.read(path: "/nonexistent") }
        #expect(missing?.kind == .missing)
        #expect(missing?.description == "/nonexistent: No such file or directory")
        let folder = #expect(throws: ModelFileError.self) { try ModelFile.read(path: "/tmp") }
        #expect(folder?.description == "/tmp: not a regular file")
    }

    @Test("The digest is what sha256sum says")
    func digest() throws {
        let path = Fixture.path("nets/3-8-padding0")
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
        process.arguments = [path]
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(try ModelFile.read(path: path).sha256 == String(text.prefix(64)))
    }

    @Test("Whatever happens to a file's bytes, it is a model or one line")
    func mutated() throws {
        var generator = SplitMix64(state: 42)
        let sound = Sketch().file
        let header = 8..<(8 + Int(sound[0]) + Int(sound[1]) << 8)
        var refused = 0
        for round in 0..<5000 {
            var bytes = sound
            for _ in 0...Int.random(in: 0...3, using: &generator) {
                // Mostly the header: numbers of the data are checked one by one anyway.
                let place =
                    round % 5 == 0
                    ? Int.random(in: bytes.indices, using: &generator) : Int.random(in: header, using: &generator)
                bytes[place] =
                    round % 2 == 0
                    ? UInt8.random(in: 0...255, using: &generator) : UInt8.random(in: 0x20...0x7E, using: &generator)
            }
            if round % 7 == 0 { bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator)) }
            do { _ = try read(bytes) } catch let error as ModelFileError {
                refused += 1
                try #require(!error.description.contains("\n"))
            }
        }
        #expect(refused > 4000)
    }
}
