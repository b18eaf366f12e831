import Core
import Foundation
import Testing

@testable import Daemon

/// `wavetag quantize` and `wavetag evaluate`, the built program, on real sound files.
@Suite("quantize and evaluate")
struct QuantizeCommandTests {
    private let folder = "/tmp/wavetag-quantize-\(UUID().uuidString.prefix(8))"
    private var model: String { "\(folder)/float.safetensors" }
    private static let window = 729

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let shape = try NetShape(name: "3^5", m: 3, n: 5, widths: [8, 8, 8, 8, 8, 16, 16])
        try ModelFile.write(
            Model(
                tags: ["loud", "other"], output: .sigmoid, batchNormEpsilon: 1e-5,
                nets: [.heUniform(shape, tags: 2, seed: 5)], classifier: nil), to: model)
        for index in 0..<4 { try sound("\(index).wav", amplitude: Double(index + 1) * 0.2) }
        try sound("silent.wav", amplitude: 0)
        try text(
            "manifest.tsv",
            "path\tsplit\ttag:loud\ttag:other\n"
                + "0.wav\ttrain\t0\t1\n1.wav\tvalid\t0\t0\n2.wav\ttest\t0\t1\n3.wav\ttest\t1\t0\n")
    }

    private func text(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }

    /// Half a second of noise, 16-bit, 22 050 Hz.
    private func sound(_ name: String, amplitude: Double) throws {
        var generator = SplitMix64(state: 3)
        let data = (0..<11_025).flatMap { _ in
            withUnsafeBytes(of: Int16(Double(generator.nextUniform()) * amplitude * 32_000).littleEndian) { Array($0) }
        }
        func word(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(value).littleEndian) { Array($0) } }
        var file = Array("RIFF".utf8) + word(36 + data.count) + Array("WAVEfmt ".utf8) + word(16)
        file +=
            [1, 0, 1, 0] + word(22_050) + word(44_100) + [2, 0, 16, 0] + Array("data".utf8) + word(data.count) + data
        try Data(file).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }

    private func wavetag(_ arguments: String...) async throws -> (code: Int32, output: String, errors: String) {
        try await blocking { try ChildProcess([ChildProcess.wavetag] + arguments).end() }
    }

    private func quantize(_ manifest: String, _ options: String...) async throws -> (
        code: Int32, output: String, errors: String
    ) {
        let arguments =
            ["quantize", "--model", model, "--data", "\(folder)/\(manifest)", "--out", "\(folder)/int8.safetensors"]
            + options
        return try await blocking { try ChildProcess([ChildProcess.wavetag] + arguments).end() }
    }

    @Test("A quarter of the size, nearly the same probabilities, and every command can use it")
    func quantised() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let result = try await quantize("manifest.tsv")
        #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
        #expect(result.output.contains("SNR dB") && result.output.contains("-50 dB"))

        let int8 = "\(folder)/int8.safetensors"
        let evaluation = try await wavetag(
            "evaluate", "--model", int8, "--against", model, "--data", "\(folder)/manifest.tsv", "--json")
        #expect(evaluation.code == 0, "\(evaluation.errors)")
        let json = try JSONValue(parsing: evaluation.output.dropLast().utf8)
        #expect(json["windows"]?["count"] == .integer(2 * (11_025 / Self.window)))
        #expect(json["songs"]?["count"] == .integer(2))
        #expect(try #require(json["difference"]?["mean"]?.double) < 0.03)
        #expect(try #require(json["difference"]?["largest"]?.double) > 0)

        let tagged = try await wavetag("tag", "--model", int8, "\(folder)/3.wav")
        #expect(tagged.code == 0 && tagged.output.contains(#""precision":"int8""#))
        let inspected = try await wavetag("inspect", "--json", int8)
        #expect(inspected.output.contains(#""weights":["int8"]"#))
        let float = try await wavetag("tag", "--model", int8, "--precision", "float", "\(folder)/3.wav")
        #expect(float.code == 64 && float.errors.contains("3^5: the model has only int8 weights"), "\(float.errors)")

        let again = try await wavetag(
            "quantize", "--model", int8, "--data", "\(folder)/manifest.tsv", "--out", "\(folder)/again.safetensors")
        #expect(again.code == 65 && again.errors == "wavetag: int8: already quantised: it has no float weights\n")
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/again.safetensors"))
    }

    @Test("With ranges in a float file either precision is there")
    func ranges() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let without = try await wavetag("tag", "--model", model, "--precision", "int8", "\(folder)/3.wav")
        #expect(without.code == 64 && without.errors.contains("no calibrated steps in the model"))
        #expect(try await quantize("manifest.tsv", "--ranges").code == 0)
        let out = "\(folder)/int8.safetensors"
        for precision in ["float", "int8"] {
            let tagged = try await wavetag("tag", "--model", out, "--precision", precision, "\(folder)/3.wav")
            #expect(tagged.code == 0 && tagged.output.contains(#""precision":"\#(precision)""#))
        }
    }

    @Test("What can't calibrate is one line, and no file is written")
    func badManifests() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let head = "path\tsplit\ttag:loud\n"
        let cases = [
            ("", "line 1: a header wanted, nothing found"),
            (head, "no rows of split train or valid to calibrate with"),
            (head + "0.wav\ttrain\t1\n", "two files or more wanted to calibrate with and to choose by, one found"),
            (
                head + "silent.wav\ttrain\t0\n0.wav\ttrain\t1\n",
                "3^5: calibration: windows with sound wanted, only silence found"
            ),
            (head + "gone.wav\ttrain\t0\n0.wav\ttrain\t1\n", "1 of 2 files can't be read, more than 1 %"),
        ]
        for (manifest, message) in cases {
            try text("bad.tsv", manifest)
            let result = try await quantize("bad.tsv")
            #expect(result.code == 65, "\(manifest)")
            #expect(result.errors.contains(message), "\(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/int8.safetensors"))
        }
        #expect(try await quantize("absent.tsv").code == 66)
        // Nothing is left beside either, and what stood there before stays.
        let out = "\(folder)/int8.safetensors"
        try text("int8.safetensors", "before")
        try text("bad.tsv", head + "silent.wav\ttrain\t0\n0.wav\ttrain\t1\n")
        #expect(try await quantize("bad.tsv").code == 65)
        #expect(try String(contentsOfFile: out, encoding: .utf8) == "before")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(
            Set(files) == [
                "0.wav", "1.wav", "2.wav", "3.wav", "silent.wav", "bad.tsv", "manifest.tsv", "float.safetensors",
                "int8.safetensors",
            ])
    }

    @Test("The bundled model runs live in 8 bits")
    func live() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let bundled =
            "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") + "/models/default.safetensors"
        try await blocking {
            let fixture = try LiveFixture()
            let daemon = try fixture.daemon(["--precision", "int8", "--duration", "4"], model: bundled)
            let client = try fixture.connect(to: daemon)
            #expect(try client.readLine()?.contains(#""precision":"int8""#) == true)
            let tags = try client.readLine()
            #expect(tags?.hasPrefix(#"{"type":"tags""#) == true)
            #expect(try daemon.end().code == 0)
        }
    }
}
