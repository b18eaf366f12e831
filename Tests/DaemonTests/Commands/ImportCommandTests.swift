import Core
import Foundation
import Testing

@testable import Daemon

/// `wavetag import`, the built program, on checkpoints in the published layouts.
@Suite("import")
struct ImportCommandTests {
    private let folder = "/tmp/wavetag-import-\(UUID().uuidString.prefix(8))"
    private var out: String { "\(folder)/model.safetensors" }
    private static let sanitized: Comment = "what reads HDF5 may have less memory than a sanitizer takes"

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    private func checkpoint(_ name: String) -> String {
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/Fixtures/checkpoints/\(name)"
    }

    private func wavetag(_ arguments: String...) async throws -> (code: Int32, output: String, errors: String) {
        try await blocking { try ChildProcess([ChildProcess.wavetag] + arguments).end() }
    }

    @Test("A checkpoint becomes a model that every command takes", .enabled(if: !isSanitized, Self.sanitized))
    func imported() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let result = try await wavetag(
            "import", checkpoint("keras1-four.h5"), "--layout", "keras1", "--architecture",
            checkpoint("keras1-four.json"), "--tags", checkpoint("tags.txt"), "--out", out)
        #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
        #expect(result.output.hasPrefix("\(out): net 4^6, first padding 0, left 2, 3 tags, softmax, bn_epsilon 0.0001"))

        let inspected = try await wavetag("inspect", "--json", out)
        #expect(inspected.code == 0, "\(inspected.errors)")
        let json = try JSONValue(parsing: inspected.output.utf8)
        #expect(json["tags"] == .array([.string("guitar"), .string("techno"), .string("female vocal")]))
        guard case .array(let nets)? = json["nets"] else {
            Issue.record("nets wanted")
            return
        }
        #expect(nets.first?["left_padding"] == .integer(2))
        #expect(try await wavetag("inspect", "--plan", out).output.contains("left padding 2"))
        // A second of silence, as a file.
        let sound = "\(folder)/silence.wav"
        func word(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(value).littleEndian) { Array($0) } }
        let header =
            Array("RIFF".utf8) + word(36 + 44_100) + Array("WAVEfmt ".utf8) + word(16) + [1, 0, 1, 0] + word(22_050)
            + word(44_100) + [2, 0, 16, 0] + Array("data".utf8) + word(44_100)
        try Data(header + [UInt8](repeating: 0, count: 44_100)).write(to: URL(fileURLWithPath: sound))
        let tagged = try await wavetag("tag", "--model", out, sound)
        #expect(tagged.code == 0 && tagged.output.contains("\"female vocal\":"), "\(tagged.errors)")
    }

    @Test("What the user has to know is said on standard error")
    func notes() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = checkpoint("sample.pth")
        let result = try await wavetag("import", path, "--layout", "sota-music-tagging-models", "--out", out)
        #expect(result.code == 0)
        #expect(result.output == "\(out): net 3^9, first padding 1, left 1, 3 tags, sigmoid, bn_epsilon 1e-05\n")
        #expect(
            result.errors == """
                wavetag: \(path): without --tags its outputs are called tag 1 to tag 3
                wavetag: \(path): the published nets of this layout learned from 16000 Hz, wavetag's hear 22050 Hz

                """)
        #expect(try await wavetag("inspect", out).code == 0)
    }

    @Test(
        "A bad checkpoint is one line and its code, and the old model stays", .enabled(if: !isSanitized, Self.sanitized)
    )
    func refused() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("old".utf8).write(to: URL(fileURLWithPath: out))
        try FileManager.default.createDirectory(atPath: "\(folder)/directory", withIntermediateDirectories: true)
        let cases: [(file: String, layout: String, code: Int32)] = [
            (checkpoint("bad-code.pth"), "sota-music-tagging-models", 65),
            (checkpoint("bad-code-legacy.pth"), "sota-music-tagging-models", 65),
            (checkpoint("bad-missing.pth"), "sota-music-tagging-models", 65),
            (checkpoint("bad-shape.pth"), "sota-music-tagging-models", 65),
            (checkpoint("keras1.h5"), "sota-music-tagging-models", 65),
            (checkpoint("keras1.h5"), "keras2", 65),
            (checkpoint("keras2.h5"), "keras1", 65),
            (checkpoint("bad-huge.h5"), "keras1", 65),
            (checkpoint("tags.txt"), "keras2", 65),
            ("/etc/passwd", "sota-music-tagging-models", 65),
            ("\(folder)/absent.h5", "keras1", 66),
            ("\(folder)/directory", "keras1", 74),
            (checkpoint("keras1.h5"), "keras3", 64),
        ]
        for (file, layout, code) in cases {
            let result = try await wavetag("import", file, "--layout", layout, "--out", out)
            #expect(result.code == code, "\(file), \(layout): \(result.errors)")
            #expect(result.output.isEmpty)
            #expect(result.errors.hasPrefix("wavetag: "), "\(result.errors)")
            #expect(result.errors.filter { $0 == "\n" }.count == 1, "\(result.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: "/tmp/wavetag-was-here"))
        #expect(try String(contentsOfFile: out, encoding: .utf8) == "old")
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: folder)) == ["model.safetensors", "directory"])

        let good = checkpoint("keras1.h5")
        let options = try await wavetag(
            "import", checkpoint("sample.pth"), "--layout", "sota-music-tagging-models", "--backend", "theano", "--out",
            out)
        #expect(options.code == 64 && options.errors.contains("for Keras's layouts"))
        let tags = try await wavetag("import", good, "--layout", "keras1", "--tags", "\(folder)/absent", "--out", out)
        #expect(tags.code == 66)
        let epsilon = try await wavetag("import", good, "--layout", "keras1", "--bn-epsilon", "-1", "--out", out)
        #expect(epsilon.code == 64, "\(epsilon.errors)")
        let unwritable = try await wavetag("import", good, "--layout", "keras1", "--out", "\(folder)/absent/model")
        #expect(unwritable.code == 74)
        #expect(try String(contentsOfFile: out, encoding: .utf8) == "old")
    }

    @Test(
        "Damaged HDF5, on which libhdf5 itself crashes, is one line or another net",
        .enabled(if: !isSanitized, Self.sanitized))
    func damaged() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: checkpoint("keras2-even.h5"))))
        var generator = SplitMix64(state: 11)
        let path = "\(folder)/damaged.h5"
        var codes: [Int32: Int] = [:]
        for _ in 0..<40 {
            var copy = good
            for _ in 0..<(2 + Int(generator.next() % 6)) {
                copy[Int(generator.next() % 40_000)] = UInt8(truncatingIfNeeded: generator.next())
            }
            try Data(copy).write(to: URL(fileURLWithPath: path))
            let result = try await wavetag(
                "import", path, "--layout", "keras2", "--tags", checkpoint("tags.txt"), "--out", out)
            codes[result.code, default: 0] += 1
            #expect(result.errors.filter { $0 == "\n" }.count == (result.code == 0 ? 0 : 1), "\(result.errors)")
            #expect(result.errors.isEmpty || result.errors.hasPrefix("wavetag: \(path): "), "\(result.errors)")
            if result.code == 0 {
                #expect(throws: Never.self) { try ModelFile.read(path: out) }
                try FileManager.default.removeItem(atPath: out)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["damaged.h5"])
        }
        #expect(Set(codes.keys).isSubset(of: [0, 65]), "\(codes)")
        #expect(codes[65, default: 0] > 0)
    }
}
