import Foundation
import Testing

@testable import Core

/// Checkpoints that `Tests/Fixtures/make_checkpoints.py` wrote in the published layouts.
enum Checkpoint {
    static func path(_ name: String) -> String {
        let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/\(tests)/Fixtures/checkpoints/\(name)"
    }

    /// The message of an error with the checkpoint's folder left out.
    static func message(_ error: ImportError?) -> String? {
        error?.description.replacing(path(""), with: "")
    }
}

@Suite("Importing checkpoints")
struct CheckpointImportTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let file: String
        let expected: String
        let layout: CheckpointImport.Layout
        let net: String
        var firstPadding = 0
        let leftPadding: Int
        var epsilon = 1e-5
        var output = OutputFunction.sigmoid
        var architecture: String?
        var testDescription: String { file }
    }

    static let cases = [
        Case(
            file: "sample.pth", expected: "sample", layout: .sotaMusicTaggingModels, net: "3^9", firstPadding: 1,
            leftPadding: 1),
        Case(
            file: "sample-legacy.pth", expected: "sample", layout: .sotaMusicTaggingModels, net: "3^9",
            firstPadding: 1, leftPadding: 1),
        Case(
            file: "sample-wrapped.pth", expected: "sample", layout: .sotaMusicTaggingModels, net: "3^9",
            firstPadding: 1, leftPadding: 1),
        Case(
            file: "sample-wrapped-legacy.pth", expected: "sample", layout: .sotaMusicTaggingModels, net: "3^9",
            firstPadding: 1, leftPadding: 1),
        Case(
            file: "five.pth", expected: "five", layout: .sotaMusicTaggingModels, net: "5^5", firstPadding: 2,
            leftPadding: 2),
        Case(file: "keras1.h5", expected: "keras1", layout: .keras1, net: "3^9", leftPadding: 1),
        Case(file: "keras1-even.h5", expected: "keras1-even", layout: .keras1, net: "2^13", leftPadding: 1),
        Case(
            file: "keras1-four.h5", expected: "keras1-four", layout: .keras1, net: "4^6", leftPadding: 2,
            epsilon: 1e-4, output: .softmax, architecture: "keras1-four.json"),
        Case(file: "keras2.h5", expected: "keras2", layout: .keras2, net: "3^9", leftPadding: 1, epsilon: 1e-3),
        Case(
            file: "keras2-even.h5", expected: "keras2-even", layout: .keras2, net: "4^6", leftPadding: 1,
            epsilon: 1e-2, output: .softmax),
        Case(
            file: "keras2-theano.h5", expected: "keras2-theano", layout: .keras2, net: "2^13", leftPadding: 1,
            epsilon: 1e-3),
    ]

    @Test("A net says what its framework says, also from the model file written of it", arguments: cases)
    func agrees(_ testCase: Case) throws {
        var work = CheckpointImport(layout: testCase.layout)
        work.architecture = testCase.architecture.map(Checkpoint.path)
        work.tags = try CheckpointImport.tags(path: Checkpoint.path("tags.txt"))
        let model = try work.model(path: Checkpoint.path(testCase.file))
        #expect(model.tags == ["guitar", "techno", "female vocal"])
        #expect(model.output == testCase.output)
        #expect(model.batchNormEpsilon == testCase.epsilon)
        let shape = try #require(model.nets.first?.shape)
        #expect(shape.name == testCase.net)
        #expect(shape.firstPadding == testCase.firstPadding && shape.leftPadding == testCase.leftPadding)
        #expect(shape.widths == (0..<shape.layerCount).map { 3 + $0 % 3 })

        let written = "/tmp/wavetag-import-\(UUID().uuidString.prefix(8)).safetensors"
        defer { try? FileManager.default.removeItem(atPath: written) }
        try ModelFile.write(model, to: written)
        let read = try ModelFile.read(path: written).model
        #expect(read == model)
        let net = WindowNet(
            try #require(read.nets[0].float), batchNormEpsilon: read.batchNormEpsilon, function: read.output)
        let found = try Fixture.signal().withUnsafeBufferPointer { Array(net.forward($0.baseAddress!)) }
        let wanted = try Fixture.tensor(testCase.expected, in: "checkpoints/expected")
        #expect(found.count == wanted.count && zip(found, wanted).allSatisfy { abs($0 - $1) <= 1e-5 }, "\(found)")
    }

    @Test("Options go before what a checkpoint says")
    func options() throws {
        var work = CheckpointImport(layout: .keras2)
        work.output = .sigmoid
        work.batchNormEpsilon = 0.25
        work.backend = .theano
        let plain = try CheckpointImport(layout: .keras2).model(path: Checkpoint.path("keras2-even.h5"))
        let model = try work.model(path: Checkpoint.path("keras2-even.h5"))
        #expect(model.output == .sigmoid && model.batchNormEpsilon == 0.25)
        #expect(model.tags == ["tag 1", "tag 2", "tag 3"])
        #expect(model.nets[0].shape.leftPadding == 2)
        // A kernel of four taps, turned round.
        let (turned, straight) = (model.nets[0].float!.layers[1].weight, plain.nets[0].float!.layers[1].weight)
        #expect(Array(turned[0..<4]) == straight[0..<4].reversed())
    }

    @Test(
        "What isn't the layout is refused with its place",
        arguments: [
            ("bad-code.pth", "data.pkl: byte 45: posix.system is refused: only data is read, nothing is called"),
            ("bad-code-legacy.pth", "byte 182: posix.system is refused: only data is read, nothing is called"),
            ("bad-extra.pth", "dense1.weight: not part of this layout"),
            ("bad-missing.pth", "layer3.bn.running_var: missing"),
            ("bad-shape.pth", "layer3.conv.weight: shape [5, 4, 3] wanted, [5, 4, 2] found"),
            ("bad-variance.pth", "layer3.bn.running_var: a variance wanted, -1.0 found at 0"),
            ("bad-nan.pth", "layer3.conv.bias: a finite number wanted, nan found at 0"),
            ("bad-type.pth", "layer3.conv.bias: floating-point numbers wanted, whole ones found"),
            ("keras1.h5", "a PyTorch checkpoint wanted: neither a zip archive nor the older format"),
            ("tags.txt", "a PyTorch checkpoint wanted: neither a zip archive nor the older format"),
        ])
    func badTorch(file: String, message: String) throws {
        let error = #expect(throws: ImportError.self) {
            try CheckpointImport(layout: .sotaMusicTaggingModels).model(path: Checkpoint.path(file))
        }
        let found = try #require(Checkpoint.message(error))
        #expect(found.hasPrefix(file + ": ") && found.hasSuffix(message), "\(found)")
        #expect(error?.kind == .invalid)
        #expect(!FileManager.default.fileExists(atPath: "/tmp/wavetag-was-here"))
    }

    @Test(
        "What isn't Keras's is refused with its place",
        arguments: [
            ("bad-missing.h5", "convolution1d_3/convolution1d_3_W: missing"),
            ("bad-names.h5", "layer_names: missing: not weights as Keras writes them"),
            ("bad-names-type.h5", "layer_names: strings wanted"),
            ("bad-layer.h5", "convolution1d_3: weight_names: missing"),
            ("bad-shape.h5", "convolution1d_3/convolution1d_3_W: shape [3, 1, 4, 4] wanted, [2, 1, 4, 4] found"),
            ("bad-type.h5", "convolution1d_3/convolution1d_3_W: floating-point numbers of at most 8 bytes wanted"),
            (
                "bad-huge.h5",
                "convolution1d_3/convolution1d_3_W: shape [3, 1, 4, 4] wanted, [1048576, 1048576, 1048576, 4] found"
            ),
            ("bad-empty.h5", "convolution1d_3/convolution1d_3_W: no numbers in the file"),
            ("bad-external.h5", "convolution1d_3/convolution1d_3_W: no numbers in the file"),
            ("bad-link.h5", "convolution1d_3/convolution1d_3_W: missing"),
            ("bad-soft.h5", "convolution1d_3/convolution1d_3_W: missing"),
            ("keras2.h5", "conv1d_1: conv1d_1/kernel:0 is no weight of this layout"),
            ("sample.pth", "an HDF5 file wanted: it doesn't begin as one"),
            ("tags.txt", "an HDF5 file wanted: it doesn't begin as one"),
        ])
    func badKeras(file: String, message: String) throws {
        let error = #expect(throws: ImportError.self) {
            try CheckpointImport(layout: .keras1).model(path: Checkpoint.path(file))
        }
        #expect(Checkpoint.message(error) == "\(file): \(message)")
        #expect(error?.kind == .invalid)
    }

    @Test("Another net's architecture is refused")
    func architecture() throws {
        let json = try String(contentsOfFile: Checkpoint.path("keras1-four.json"), encoding: .utf8)
        let cases = [
            ("\"subsample_length\": 4", "\"subsample_length\": 2", "Convolution1D 1: stride 4 wanted"),
            ("\"pool_length\": 4", "\"pool_length\": 2", "MaxPooling1D 7: pools of 4 wanted"),
            ("\"border_mode\": \"same\"", "\"border_mode\": \"valid\"", "Convolution1D 4: padding same wanted"),
            ("\"relu\"", "\"tanh\"", "Activation 3: relu wanted"),
            ("\"softmax\"", "\"tanh\"", "Dense 33: activation sigmoid or softmax wanted"),
            ("\"epsilon\": 0.0001", "\"epsilon\": \"x\"", "BatchNormalization: one and the same epsilon"),
            ("\"Flatten\"", "\"LSTM\"", "layer 32: LSTM is not part of a sample-level net"),
            ("\"Flatten\"", "\"Dropout\"", "not the layers of a 4^6 net, in their order"),
        ]
        for (former, other, message) in cases {
            let path = "/tmp/wavetag-architecture-\(UUID().uuidString.prefix(8)).json"
            defer { try? FileManager.default.removeItem(atPath: path) }
            try json.replacing(former, with: other).write(toFile: path, atomically: false, encoding: .utf8)
            var work = CheckpointImport(layout: .keras1)
            work.architecture = path
            let error = #expect(throws: ImportError.self) {
                try work.model(path: Checkpoint.path("keras1-four.h5"))
            }
            #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
        }
    }

    @Test("Tags are a line each, and as many as the net has outputs")
    func tags() throws {
        let path = "/tmp/wavetag-tags-\(UUID().uuidString.prefix(8)).txt"
        defer { try? FileManager.default.removeItem(atPath: path) }
        func read(_ text: String) throws -> [String] {
            try text.write(toFile: path, atomically: false, encoding: .utf8)
            return try CheckpointImport.tags(path: path)
        }
        #expect(try read("rock\r\nHip-Hop\r\nfemale vocalists\r\n\r\n") == ["rock", "Hip-Hop", "female vocalists"])
        for (text, message) in [
            ("", "\(path): a tag a line wanted, nothing found"),
            ("a\n\nb\n", "\(path):2: a tag wanted"),
            ("a\nb\na\n", "\(path):3: a stands in line 1 already"),
        ] {
            #expect(#expect(throws: ImportError.self) { try read(text) }?.description == message)
        }
        var work = CheckpointImport(layout: .keras1)
        work.tags = ["one", "two"]
        let error = #expect(throws: ImportError.self) { try work.model(path: Checkpoint.path("keras1.h5")) }
        #expect(Checkpoint.message(error) == "keras1.h5: the net has 3 outputs, 2 tags are named")
        let absent = #expect(throws: ImportError.self) {
            try CheckpointImport(layout: .keras1).model(path: Checkpoint.path("absent.h5"))
        }
        #expect(absent?.kind == .missing)
    }
}
