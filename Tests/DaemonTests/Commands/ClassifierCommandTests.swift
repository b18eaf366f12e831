import Core
import Foundation
import Testing

@testable import Daemon

/// `wavetag extract` and `wavetag train classifier`, the built program, on real sound files.
@Suite("extract and train classifier")
struct ClassifierCommandTests {
    private let sounds: GenreSounds

    init() throws { sounds = try GenreSounds() }

    private func wavetag(_ arguments: String...) async throws -> (code: Int32, output: String, errors: String) {
        try await blocking { try ChildProcess([ChildProcess.wavetag] + arguments).end(seconds: 180) }
    }

    private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: sounds[name])) }

    @Test("Every track's vector; a run that ended early goes on; what is there isn't made again")
    func extract() async throws {
        defer { sounds.remove() }
        let arguments = ["extract", "--model", sounds["model.safetensors"], "--data", sounds["manifest.tsv"]]
        func extract(_ out: String, _ more: String...) async throws -> (code: Int32, output: String, errors: String) {
            try await blocking {
                try ChildProcess([ChildProcess.wavetag] + arguments + ["--out", sounds[out]] + more).end(seconds: 180)
            }
        }
        let whole = try await extract("whole", "--threads", "3")
        #expect(whole.code == 0 && whole.errors.isEmpty, "\(whole.errors)")
        #expect(whole.output.hasPrefix("\(sounds["whole"]): 24 tracks in "))
        let file = try FeatureFile(path: sounds["whole"])
        #expect(file.tracks.count == 24 && file.features.count == 24 * 40 && file.labels.count == 24 * 2)
        #expect(file.probabilities.map(\.count) == [24 * 3])
        #expect(try await extract("whole").output == "\(sounds["whole"]): already there\n")

        // One file is missing: more than one in a hundred, so nothing is written, but what was heard is kept.
        let missing = sounds["7.wav"]
        try FileManager.default.moveItem(atPath: missing, toPath: missing + ".away")
        let broken = try await extract("resumed")
        #expect(broken.code == 65 && broken.errors.contains("7.wav: No such file or directory"))
        #expect(!FileManager.default.fileExists(atPath: sounds["resumed"]))
        try FileManager.default.moveItem(atPath: missing + ".away", toPath: missing)
        let other = try await extract("resumed", "--levels=-1")
        #expect(other.code == 65 && other.errors.contains("begun with other sound, nets or options"))
        let resumed = try await extract("resumed", "--threads", "1")
        #expect(resumed.code == 0 && resumed.errors.contains("goes on behind 23 of 24 tracks"), "\(resumed.errors)")
        #expect(try bytes("resumed") == bytes("whole"))
        #expect(!FileManager.default.fileExists(atPath: sounds["resumed.partial"]))

        // A level of its own is a part of the whole; overlapping windows are other means of the same kind.
        #expect(try await extract("top", "--levels=-1").code == 0)
        let top = try FeatureFile(path: sounds["top"])
        #expect(top.features.count == 24 * 16)
        #expect(Array(top.features[..<16]) == Array(file.features[24..<40]))
        #expect(try await extract("dense", "--hop", "243").code == 0)
        let dense = try FeatureFile(path: sounds["dense"])
        #expect(dense.recipe.hop == 243 && dense.features != file.features)
        let apart = zip(dense.features, file.features).map { abs($0 - $1) }.max() ?? 0
        #expect(apart < (file.features.max() ?? 0) / 2)
    }

    @Test("A classifier of tags that the nets don't know: every command uses it, windows keep their tags")
    func transfer() async throws {
        defer { sounds.remove() }
        let out = sounds["genres.safetensors"]
        let trained = try await wavetag(
            "train", "classifier", "--model", sounds["model.safetensors"], "--data", sounds["manifest.tsv"], "--out",
            out,
            "--hidden", "16", "--repeats", "3", "--json")
        #expect(trained.code == 0 && trained.errors.isEmpty, "\(trained.errors)")
        let report = try JSONValue(parsing: trained.output.dropLast().utf8)
        #expect(report["output"] == .string("softmax"))
        #expect(report["songs"]?["train"] == .integer(12))
        #expect(try #require(report["mean"]?["test"]?["accuracy"]?.double) >= 0.8)
        guard case .array(let repeats)? = report["repeats"], case .array(let baselines)? = report["baselines"] else {
            Issue.record("no repeats or baselines")
            return
        }
        #expect(repeats.count == 3)
        #expect(baselines.count == 2)

        let model = try ModelFile.read(path: out).model
        #expect(model.tags == ["loud", "other", "noise"] && model.songTags == ["noise", "tone"])
        #expect(model.classifier?.configuration.output == .softmax)

        // The features were kept, and the seed decides the rest.
        let again = try await wavetag(
            "train", "classifier", "--model", sounds["model.safetensors"], "--data", out + ".features", "--out",
            sounds["again.safetensors"], "--hidden", "16", "--repeats", "3", "--threads", "1")
        #expect(again.code == 0 && again.output.contains("mean of 3") && again.output.contains("ridge regression"))
        #expect(try bytes("again.safetensors") == bytes("genres.safetensors"))

        let tagged = try await wavetag("tag", "--model", out, sounds["1.wav"], sounds["0.wav"])
        let events = try tagged.output.split(separator: "\n").map { try JSONValue(parsing: $0.utf8) }
        #expect(events[0]["model"]?["song_tags"] == .array([.string("noise"), .string("tone")]))
        #expect(events[1]["window"]?["loud"] != nil && events[1]["window"]?["tone"] == nil)
        #expect(events[1]["song"]?["tone"] != nil && events[1]["song"]?["loud"] == nil)
        let songs = events.filter { $0["type"] == .string("song") }
        #expect(songs.count == 2)
        let tone = try #require(songs[0]["song"]?["tone"]?.double),
            noise = try #require(songs[1]["song"]?["noise"]?.double)
        #expect(tone > 0.5 && noise > 0.5)

        let text = try await wavetag("tag", "--model", out, "--format", "text", "--every", "10", sounds["1.wav"])
        let lines = text.output.split(separator: "\n")
        #expect(lines[1].contains("  | song  tone ") && lines.last?.contains("  tone ") == true)
        let table = try await wavetag("tag", "--model", out, "--format", "csv", sounds["1.wav"]).output
        #expect(table.hasPrefix("file,position,seconds,loud,other,noise,song:noise,song:tone\n"))
        let inspected = try await wavetag("inspect", out)
        #expect(inspected.output.contains("songs' tags 2: noise, tone\nsongs' output softmax\n"))
    }

    @Test("A classifier of the nets' own tags starts with their output; refit, sharpened labels")
    func started() async throws {
        defer { sounds.remove() }
        let manifest = try String(contentsOfFile: sounds["manifest.tsv"], encoding: .utf8)
            .replacing("\tnoise", with: "\tloud").replacing("\ttone", with: "\tnoise")
        try manifest.write(toFile: sounds["known.tsv"], atomically: true, encoding: .utf8)
        func train(_ out: String, _ more: String...) async throws -> (code: Int32, output: String, errors: String) {
            let arguments = [
                ChildProcess.wavetag, "train", "classifier", "--model", sounds["model.safetensors"], "--data",
                sounds["known.tsv"], "--out", sounds[out], "--hidden", "8", "--repeats", "2", "--output", "sigmoid",
            ]
            return try await blocking { try ChildProcess(arguments + more).end(seconds: 60) }
        }
        let trained = try await train("started", "--refit", "--sharpen", "2")
        #expect(trained.code == 0, "\(trained.errors)")
        #expect(
            trained.output.contains(
                "starts with 1.0 of the nets' output; labels sharpened 2.0 times; refit on train and valid songs"))
        // Two units a tag let the nets' logits pass.
        let model = try ModelFile.read(path: sounds["started"]).model
        #expect(model.classifier?.configuration.hidden == [12])
        let random = try await train("random", "--start", "0")
        #expect(random.code == 0 && !random.output.contains("starts with"))
        #expect(try ModelFile.read(path: sounds["random"]).model.classifier?.configuration.hidden == [8])
        let refused = try await train("refused", "--start", "2")
        #expect(refused.code == 64 && refused.errors.contains("--start: 0 to 1 wanted, 2.0 found"), "\(refused.errors)")
    }

    @Test("Two models' nets under one classifier")
    func combined() async throws {
        defer { sounds.remove() }
        let out = sounds["both.safetensors"]
        let trained = try await wavetag(
            "train", "classifier", "--model", sounds["model.safetensors"], "--model", sounds["other.safetensors"],
            "--data", sounds["manifest.tsv"], "--levels=-2,-1", "--hidden", "none", "--repeats", "1", "--out", out)
        #expect(
            trained.code == 0 && trained.output.hasPrefix("56 features: nets 3^5, 2^6, levels -2 -1\n"), "\(trained)")
        let model = try ModelFile.read(path: out).model
        #expect(model.nets.map(\.shape.name) == ["3^5", "2^6"])
        #expect(model.classifier?.configuration.nets == ["3^5", "2^6"] && model.classifier?.batchNorms.isEmpty == true)
        let twice = try await wavetag(
            "train", "classifier", "--model", sounds["model.safetensors"], "--model", sounds["model.safetensors"],
            "--data", sounds["manifest.tsv"], "--out", out)
        #expect(twice.code == 65 && twice.errors == "wavetag: model: a net 3^5 is there already\n")
    }

    @Test("What can't be trained is one line")
    func refused() async throws {
        defer { sounds.remove() }
        let model = sounds["model.safetensors"]
        #expect(
            try await wavetag("extract", "--model", model, "--data", sounds["manifest.tsv"], "--out", sounds["f"]).code
                == 0)
        let valid = try String(contentsOfFile: sounds["manifest.tsv"], encoding: .utf8).replacing(
            "\tvalid", with: "\ttest")
        try valid.write(toFile: sounds["novalid.tsv"], atomically: true, encoding: .utf8)
        for (arguments, code, message) in [
            (["--model", sounds["other.safetensors"], "--data", sounds["f"]], 65, "features of another model: model"),
            (
                ["--model", model, "--data", sounds["f"], "--nets", "3^9"], 64,
                "nets: 3^9 is not one of the model's nets"
            ),
            (["--model", model, "--data", sounds["f"], "--levels=1"], 64, "levels: -3, -2 or -1 wanted, 1 found"),
            (["--model", model, "--data", sounds["f"], "--hidden", "0"], 64, "--hidden: at most 16 widths"),
            (["--model", model, "--data", sounds["f"], "--repeats", "0"], 64, "--repeats: 1 to 1000 wanted, 0 found"),
            (["--model", model, "--data", sounds["novalid.tsv"]], 65, "no songs of split valid"),
            (["--model", model, "--data", sounds["absent"]], 66, "No such file"),
        ] as [([String], Int32, String)] {
            let all = ["train", "classifier", "--out", sounds["out"]] + arguments
            let result = try await blocking { try ChildProcess([ChildProcess.wavetag] + all).end(seconds: 180) }
            #expect(result.code == code, "\(arguments)")
            #expect(result.errors.contains(message), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1)
            #expect(!FileManager.default.fileExists(atPath: sounds["out"]))
        }
    }
}

/// Twenty-four sounds of two genres that anything can tell apart, a manifest of them, and two small models.
struct GenreSounds {
    private let folder = "/tmp/wavetag-genres-\(UUID().uuidString.prefix(8))"

    subscript(name: String) -> String { "\(folder)/\(name)" }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let shapes = [
            try NetShape(name: "3^5", m: 3, n: 5, widths: [8, 8, 8, 8, 8, 16, 16]),
            try NetShape(name: "2^6", m: 2, n: 6, widths: [4, 4, 4, 8, 8, 12, 12, 12]),
        ]
        for (shape, name) in zip(shapes, ["model", "other"]) {
            try ModelFile.write(
                Model(
                    tags: ["loud", "other", "noise"], output: .sigmoid, batchNormEpsilon: 1e-5,
                    nets: [.heUniform(shape, tags: 3, seed: 5)], classifier: nil), to: self["\(name).safetensors"])
        }
        var manifest = "path\tsplit\ttags\n"
        for index in 0..<24 {
            let isTone = index % 2 == 1
            try Self.write(Self.sound(index, isTone: isTone), to: self["\(index).wav"])
            let split = index < 12 ? "train" : index < 18 ? "valid" : "test"
            manifest += "\(index).wav\t\(split)\t\(isTone ? "tone" : "noise")\n"
        }
        try manifest.write(toFile: self["manifest.tsv"], atomically: true, encoding: .utf8)
    }

    /// Half a second of noise, or of a low tone, each a little different.
    private static func sound(_ index: Int, isTone: Bool) -> [Double] {
        var generator = SplitMix64(state: UInt64(index))
        let frequency = 90.0 + 11 * Double(index)
        return (0..<11_025).map { sample in
            isTone
                ? sin(Double(sample) * frequency * 2 * .pi / 22_050) * 0.5
                : Double(generator.nextUniform()) * (0.3 + 0.01 * Double(index))
        }
    }

    /// 16 bits, mono, 22 050 Hz.
    private static func write(_ samples: [Double], to path: String) throws {
        let data = samples.flatMap { withUnsafeBytes(of: Int16($0 * 32_000).littleEndian) { Array($0) } }
        func word(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(value).littleEndian) { Array($0) } }
        var file = Array("RIFF".utf8) + word(36 + data.count) + Array("WAVEfmt ".utf8) + word(16)
        file += [1, 0, 1, 0] + word(22_050) + word(44_100) + [2, 0, 16, 0]
        file += Array("data".utf8) + word(data.count) + data
        try Data(file).write(to: URL(fileURLWithPath: path))
    }
}
