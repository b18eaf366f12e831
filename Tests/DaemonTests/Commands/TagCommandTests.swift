import Core
import Foundation
import Testing

@testable import Daemon

/// `wavetag tag`, the built program, on real files.
@Suite("tag")
struct TagCommandTests {
    private let folder = "/tmp/wavetag-tag-\(UUID().uuidString.prefix(8))"
    private static let repository = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    /// Seven seconds of noise that comes and goes, as a 16-bit wav at 22 050 Hz, and its samples.
    private func sound(_ name: String = "sound.wav") throws -> (path: String, samples: [Float]) {
        var generator = SplitMix64(state: 3)
        let integers = (0..<150_000).map { index in
            Int16(generator.nextUniform() * 12_000 * Float(1 + sin(Double(index) / 4000)) / 2)
        }
        let data = integers.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
        func word(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(value).littleEndian) { Array($0) } }
        var file = Array("RIFF".utf8) + word(36 + data.count) + Array("WAVEfmt ".utf8) + word(16)
        file +=
            [1, 0, 1, 0] + word(22_050) + word(44_100) + [2, 0, 16, 0] + Array("data".utf8) + word(data.count) + data
        let path = "\(folder)/\(name)"
        try Data(file).write(to: URL(fileURLWithPath: path))
        return (path, integers.map { Float($0) / 32_768 })
    }

    /// The bundled model's first net alone: a 3^9, so that every hop has one answer.
    private func single() throws -> String {
        var model = try ModelFile.read(path: Self.repository + "/models/default.safetensors").model
        model.nets = [model.nets[0]]
        let path = "\(folder)/single.safetensors"
        try ModelFile.write(model, to: path)
        return path
    }

    private func tag(_ arguments: [String]) async throws -> (code: Int32, output: String, errors: String) {
        try await blocking { try ChildProcess([ChildProcess.wavetag, "tag"] + arguments).end() }
    }

    private func shell(_ command: String) async throws -> (code: Int32, output: String, errors: String) {
        try await blocking {
            try ChildProcess(["/bin/sh", "-c", command], environment: ["WAVETAG": ChildProcess.wavetag]).end()
        }
    }

    @Test("Every window that is due, with the numbers of full windows")
    func windows() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (path, samples) = try sound()
        let result = try await tag(["--model", single(), "--detail", "nets", "--hop", "1000", path])
        #expect(result.code == 0 && result.errors.isEmpty)
        let events = try result.output.split(separator: "\n").map { try JSONValue(parsing: $0.utf8) }
        #expect(events.first?["type"] == .string("hello") && events.first?["source"] == .string(path))
        #expect(events.last?["type"] == .string("song") && events.last?["end"] == .integer(150_000))

        let file = try ModelFile.read(path: Self.repository + "/models/default.safetensors")
        let net = WindowNet(
            try #require(file.model.nets[0].float), batchNormEpsilon: file.model.batchNormEpsilon, function: .sigmoid)
        let tags = events.dropFirst().dropLast()
        #expect(tags.map { $0["position"] } == stride(from: 59_049, through: 150_000, by: 1000).map { .integer($0) })
        for event in tags.enumerated().filter({ $0.offset % 13 == 0 }).map(\.element) {
            let answer = try #require(event["nets"]?["3^9"])
            guard case .integer(let end)? = answer["end"] else {
                Issue.record("no end")
                continue
            }
            let expected = samples.withUnsafeBufferPointer { Array(net.forward($0.baseAddress! + end - 59_049)) }
            for (tag, probability) in zip(file.model.tags, expected) {
                let found = try #require(answer["tags"]?[tag]?.double)
                #expect(abs(found - Double(probability)) <= 1.05e-5)
            }
        }
    }

    @Test("Text has the tags above the model's thresholds; with --top a star on them; --threshold is for all alike")
    func thresholds() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (path, _) = try sound()
        let shape = try NetShape(name: "3^5", m: 3, n: 5, widths: [4, 4, 4, 4, 4, 8, 8])
        let tags = ["always", "never", "a", "b", "c", "d", "e"]
        var model = Model(
            tags: tags, output: .sigmoid, batchNormEpsilon: 1e-5,
            nets: [.heUniform(shape, tags: tags.count, seed: 2)], classifier: nil)
        func lines(_ options: String..., thresholds: [String: Float]) async throws -> [[Substring]] {
            model.thresholds = thresholds
            try ModelFile.write(model, to: "\(folder)/model.safetensors")
            let result = try await tag(
                ["--model", "\(folder)/model.safetensors", "--format", "text", "--every", "3"] + options + [path])
            #expect(result.code == 0 && result.errors.isEmpty)
            return result.output.split(separator: "\n").dropFirst().map { $0.split(separator: " ") }
        }
        let none = Dictionary(uniqueKeysWithValues: tags.map { ($0, Float(1)) })
        for line in try await lines(thresholds: none.merging(["always": 0]) { $1 }) {
            #expect(
                line.filter { $0.contains { $0.isLetter } && $0 != "song" && $0 != "to" }.allSatisfy { $0 == "always" })
            #expect(line.contains("always"))
        }
        #expect(try await lines(thresholds: none).allSatisfy { $0.contains("-") && !$0.contains("always") })
        for line in try await lines("--top", "7", thresholds: none.merging(["always": 0]) { $1 }) {
            #expect(line.contains("always*") && line.contains("never") && line.contains("e"))
        }
        for line in try await lines("--threshold", "0", thresholds: none) {
            #expect(line.count { tags.contains(String($0)) } % 5 == 0 && !line.contains("-"))
        }
        // Without any, the five likeliest.
        for line in try await lines(thresholds: [:]) {
            let count = line.count { tags.contains(String($0)) }
            #expect(count == 5 || count == 10)
        }
    }

    @Test("Text and tables")
    func formats() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (path, _) = try sound()
        let text = try await tag(["--model", single(), "--format", "text", "--top", "2", "--every", "1", path])
        let lines = text.output.split(separator: "\n")
        #expect(lines.first.map(String.init) == path)
        #expect(lines.dropFirst().first?.hasPrefix("00:02.677  ") == true)
        #expect(lines.last?.hasPrefix("song 00:00.000 to 00:06.802  ") == true)
        #expect(lines.count == 2 + 5)
        let table = try await tag(["--model", single(), "--format", "csv", "--hop", "40000", path]).output.split(
            separator: "\n")
        #expect(table.count == 1 + 3)
        let tags = try ModelFile.read(path: Self.repository + "/models/default.safetensors").model.tags
        #expect(table[0] == "file,position,seconds," + tags.joined(separator: ","))
        #expect(table[1].hasPrefix("\(path),59049,2.677,"))
        #expect(Set(table.map { $0.split(separator: ",").count }) == [3 + tags.count])
    }

    @Test("What ends a song can be said")
    func songs() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (path, _) = try sound()
        // The sound, three seconds of silence, the sound: raw samples behind one header, which libsndfile reads to the end.
        let joined = "{ cat \(path); head -c 132300 /dev/zero; tail -c +45 \(path); } > \(folder)/two.wav"
        #expect(try await shell(joined).code == 0)
        let file = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/two.wav"))
        var patched = file
        for (offset, value) in [(4, file.count - 8), (40, file.count - 44)] {
            patched.replaceSubrange(
                offset..<(offset + 4), with: withUnsafeBytes(of: UInt32(value).littleEndian) { Data($0) })
        }
        try patched.write(to: URL(fileURLWithPath: "\(folder)/two.wav"))
        for (songs, count) in [("off", 1), ("silence", 2), ("novelty", 2)] {
            let result = try await tag(["--songs", songs, "--every", "100", "\(folder)/two.wav"])
            #expect(result.output.split(separator: "\n").filter { $0.contains("\"type\":\"song\"") }.count == count)
        }
        #expect(try await tag(["--songs", "all", path]).code == 64)
    }

    @Test("A bad file is named and passed over; the exit code is 65")
    func badFile() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (path, _) = try sound()
        let result = try await tag(["--every", "100", "/nonexistent.wav", path])
        #expect(result.code == 65)
        #expect(result.errors == "wavetag: /nonexistent.wav: No such file or directory\n")
        #expect(result.output.contains("\"type\":\"song\""))
    }

    @Test("Standard input is a file like any other")
    func pipe() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (path, _) = try sound()
        let file = try await tag(["--format", "csv", path]).output
        let piped = try await shell("cat \(path) | $WAVETAG tag --format csv -")
        #expect(piped.code == 0)
        #expect(piped.output == file.replacing(path, with: "-"))
        let substituted = try await shell("cat \(path) | $WAVETAG tag --format csv /dev/stdin")
        #expect(substituted.output == file.replacing(path, with: "/dev/stdin"))
    }

    @Test("Who stops reading is no error; a full disk is")
    func output() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (path, _) = try sound()
        let closed = try await shell("{ $WAVETAG tag \(path); echo $? >&2; } | head -n 1")
        #expect(closed.errors == "0\n")
        let full = try await shell("$WAVETAG tag \(path) > /dev/full")
        #expect(full.code == 74)
        #expect(full.errors == "wavetag: standard output: No space left on device\n")
    }

    @Test("Interrupted, it finishes its line, tells the song so far, and exits with 0", arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (path, _) = try sound()
        let model = try single()
        let result = try await blocking {
            // More lines than fit between it and a reader that waits: it can't have come to the end.
            let tag = try ChildProcess([ChildProcess.wavetag, "tag", "--model", model, "--hop", "20", path])
            #expect(try tag.readLine()?.hasPrefix(#"{"type":"hello""#) == true)
            #expect(try tag.readLine()?.hasPrefix(#"{"type":"tags""#) == true)
            tag.signal(signal)
            return try tag.end()
        }
        #expect(result.code == 0 && result.errors.isEmpty)
        let events = try result.output.split(separator: "\n").map { try JSONValue(parsing: $0.utf8) }
        #expect(events.last?["type"] == .string("song"))
        guard case .integer(let end)? = events.last?["end"] else {
            Issue.record("no end")
            return
        }
        #expect(end > 59_049 && end < 150_000)
        #expect(events.dropLast().allSatisfy { $0["type"] == .string("tags") })
    }

    @Test("On a terminal it shows how far it is, and takes that away")
    func progress() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (path, _) = try sound()
        let shown = try await blocking {
            try ChildProcess.inTerminal("$WAVETAG tag --every 1 \(path) > \(folder)/out").end()
        }
        #expect(shown.code == 0)
        #expect(shown.output.contains("\(path)  ") && shown.output.contains("× real time"))
        #expect(shown.output.hasSuffix("\r\u{1B}[K"))
        #expect(try String(contentsOfFile: folder + "/out", encoding: .utf8).contains(#""type":"song""#))
    }

    @Test(
        "What can't be asked is one line and 64",
        arguments: [
            (["--hop", "0", "x.wav"], "wavetag: --hop: 1 to 13230000 wanted, 0 found\n"),
            (["--top=-1", "x.wav"], "wavetag: --top: 0 or more wanted\n"),
            ([], "wavetag: Missing expected argument '<file> ...'\n"),
        ] as [([String], String)])
    func usage(arguments: [String], message: String) async throws {
        let result = try await tag(arguments)
        #expect(result.code == 64)
        #expect(result.errors == message)
    }

    @Test("A bad model is 65, a missing one 66")
    func models() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (path, _) = try sound()
        let bad = try await tag(["--model", path, path])
        #expect(bad.code == 65 && bad.errors.hasPrefix("wavetag: \(path): header: "))
        #expect(try await tag(["--model", "/nonexistent", path]).code == 66)
    }
}
