import Core
import Foundation
import Testing

@testable import Daemon

/// `wavetag evaluate --report`, the built program, on real sound files.
@Suite("evaluate --report")
struct EvaluateReportTests {
    private let folder = "/tmp/wavetag-evaluate-\(UUID().uuidString.prefix(8))"

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let shape = try NetShape(name: "3^5", m: 3, n: 5, widths: [4, 4, 4, 4, 4, 8, 8])
        try ModelFile.write(
            Model(
                tags: ["loud", "other"], output: .sigmoid, batchNormEpsilon: 1e-5,
                nets: [.heUniform(shape, tags: 2, seed: 5)], classifier: nil), to: "\(folder)/model.safetensors")
        for index in 0..<4 { try sound("\(index) & more.wav", amplitude: Double(index + 1) * 0.2) }
        try write(
            "manifest.tsv",
            "path\tsplit\tstart\ttag:loud\ttag:other\n"
                + (0..<4).map { "\($0) & more.wav\ttest\t\($0 == 3 ? "0.25" : "")\t\($0 / 2)\t\(1 - $0 / 2)\n" }
                .joined())
    }

    private func write(_ name: String, _ text: String) throws {
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

    private func evaluate(_ options: String...) async throws -> (code: Int32, output: String, errors: String) {
        let arguments = ["evaluate", "--model", "\(folder)/model.safetensors", "--data", "\(folder)/manifest.tsv"]
        return try await blocking { try ChildProcess([ChildProcess.wavetag] + arguments + options).end() }
    }

    @Test("The page tells of the same figures as the table, with loss curves where there is a log")
    func page() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let page = "\(folder)/report.html"
        let plain = try await evaluate("--report", page, "--json")
        #expect(plain.code == 0 && plain.errors.isEmpty, "\(plain.errors)")
        let json = try JSONValue(parsing: plain.output.dropLast().utf8)
        let html = try String(contentsOfFile: page, encoding: .utf8)
        let area = try #require(json["windows"]?["roc_auc"]?.double)
        #expect(html.contains("<dd class=\"value\">\(fixed(area, 3))</dd>"))
        #expect(html.contains("model on the test split") && html.contains(">3 &amp; more.wav</th>"))
        #expect(!html.contains("Loss by epoch") && !html.contains("Genres"))

        try write("model.log.ndjson", SampleReport.epochs.map { $0.line }.joined())
        #expect(try await evaluate("--report", page, "--log", "\(folder)/model.log.ndjson").code == 0)
        #expect(try String(contentsOfFile: page, encoding: .utf8).contains("Loss by epoch, 24 epochs."))
        #expect(!FileManager.default.fileExists(atPath: page + ".partial"))
    }

    @Test("What can't be read or written is one line, before the work is done")
    func wrong() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write("bad.ndjson", "{\"epoch\":1}\n")
        let page = "\(folder)/report.html"
        let cases: [(options: [String], code: Int32, message: String)] = [
            (["--log", "\(folder)/bad.ndjson"], 64, "--log: only with --report"),
            (
                ["--report", page, "--log", "\(folder)/bad.ndjson"], 65,
                "bad.ndjson: line 1: best: a truth value wanted"
            ),
            (["--report", page, "--log", "\(folder)/gone.ndjson"], 66, "gone.ndjson: No such file or directory"),
            (["--report", "\(folder)/gone/report.html"], 74, "gone/report.html: No such file or directory"),
            (["--report", folder], 74, "\(folder): not a regular file"),
            (["--report", "/dev/full"], 74, "/dev/full: not a regular file"),
        ]
        for (options, code, message) in cases {
            let arguments = ["evaluate", "--model", "\(folder)/model.safetensors", "--data", "\(folder)/manifest.tsv"]
            let result = try await blocking { try ChildProcess([ChildProcess.wavetag] + arguments + options).end() }
            #expect(result.code == code && result.output.isEmpty, "\(options): \(result)")
            #expect(result.errors.contains(message) && result.errors.count { $0 == "\n" } == 1, "\(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: page))
        }
    }
}
