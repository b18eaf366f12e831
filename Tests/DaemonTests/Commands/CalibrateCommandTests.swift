import Core
import Foundation
import Testing

@testable import Daemon

/// `wavetag calibrate`, the built program, on real sound files.
@Suite("calibrate")
struct CalibrateCommandTests {
    private let folder: CalibrationFolder

    init() throws { folder = try CalibrationFolder() }

    private func list(_ json: JSONValue?) -> [JSONValue] {
        guard case .array(let values)? = json else { return [] }
        return values
    }

    private func names(_ json: JSONValue?) -> [String] {
        list(json).map { if case .string(let name) = $0 { name } else { "" } }
    }

    private func model(_ name: String) throws -> Model {
        try ModelFile.read(path: "\(folder.path)/\(name).safetensors").model
    }

    @Test("A net that is too sure is put right, on windows that it was not fitted to as well; the file has it all")
    func putRight() async throws {
        defer { folder.remove() }
        let result = try await folder.calibrate("--json", "--report-split", "test")
        #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
        let json = try JSONValue(parsing: result.output.dropLast().utf8)
        let scalings = list(json["scalings"])
        #expect(scalings.map { $0["tag"] } == [.string("a"), .string("b")])
        let found = try scalings.map { scaling in
            LogitScaling(
                scale: try #require(list(scaling["scale"]).first?.double),
                shift: try #require(list(scaling["shift"]).first?.double))
        }
        // The soft labels of b are the truth itself, those of a were drawn.
        for (scaling, tolerance) in zip(found, [0.3, 0.08]) {
            let all = CalibrationFolder.wrong.followed(by: scaling)
            #expect(abs(all.scale - 1) < tolerance && abs(all.shift) < tolerance, "\(all)")
        }
        let splits = list(json["splits"])
        #expect(splits.map { $0["split"] } == [.string("valid"), .string("test")])
        #expect(splits.map { $0["windows"]?["count"]?.double } == [480, 240])
        for split in splits {
            for tag in list(split["windows"]?["tags"]) {
                let (before, after) = (tag["error_before"]?.double ?? 0, tag["error"]?.double ?? 1)
                #expect(before > 0.1 && after < (tag["tag"] == .string("b") ? 0.01 : 0.09), "\(tag)")
            }
        }
        #expect(names(json["not_in_manifest"]) == ["c"] && names(json["only_in_manifest"]) == ["other"])
        // As positives the soft labels of b are extremes, which its probabilities are not.
        let windows = splits.first?["windows"]
        #expect((windows?["error_otherwise"]?.double ?? 0) > 2 * (windows?["error"]?.double ?? 1))

        let (old, new) = (try model("model"), try model("out"))
        #expect(new.tags == old.tags && Set(new.thresholds.keys) == ["a", "b"])
        let sound = try SoundFile.readMono(path: "\(folder.path)/3.wav")
        for (before, after) in zip(
            try CalibrationFolder.logits(old, sound), try CalibrationFolder.logits(new, sound))
        {
            for tag in 0..<2 { #expect(abs(Double(after[tag]) - found[tag](before[tag])) < 1e-4) }
            #expect(after[2] == before[2])
        }
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/out.safetensors.partial"))

        let table = try await folder.calibrate()
        #expect(
            table.output.contains("\n  a ") && table.output.contains("\nnot in the manifest, so left as they are: c\n"))
        #expect(table.output.contains("mean over 2 tags; all together"))
    }

    @Test("The file's thresholds are the best on the split, and other commands keep and show them")
    func thresholds() async throws {
        defer { folder.remove() }
        #expect(try await folder.calibrate("--positive", "0.4").code == 0)
        let calibrated = try model("out")
        let evaluated = try await folder.wavetag(
            "evaluate", "--model", "\(folder.path)/out.safetensors", "--data", "\(folder.path)/manifest.tsv", "--split",
            "valid", "--positive", "0.4", "--json")
        let json = try JSONValue(parsing: evaluated.output.dropLast().utf8)
        #expect(names(json["not_in_manifest"]) == ["c"] && names(json["not_in_model"]) == ["other"])
        #expect((json["calibration"]?["error"]?.double ?? 1) < 0.05)
        for tag in list(json["calibration"]?["tags"]) {
            guard case .string(let name)? = tag["tag"] else { continue }
            let threshold = try #require(calibrated.thresholds[name])
            #expect(tag["threshold"]?.double.map { Float($0) } == threshold)
            // Half as high or twice as high is worse.
            for factor in [0.5, 1.8] {
                var other = calibrated
                other.thresholds = [name: min(1, threshold * Float(factor))]
                try ModelFile.write(other, to: "\(folder.path)/other.safetensors")
                let worse = try await folder.wavetag(
                    "evaluate", "--model", "\(folder.path)/other.safetensors", "--data",
                    "\(folder.path)/manifest.tsv", "--split", "valid", "--positive", "0.4", "--json")
                let tags = list(try JSONValue(parsing: worse.output.dropLast().utf8)["calibration"]?["tags"])
                let found = tags.first { $0["tag"] == .string(name) }
                #expect((found?["f1"]?.double ?? 2) < tag["f1"]?.double ?? 0, "\(name) \(factor)")
            }
        }
        let text = try await folder.wavetag(
            "evaluate", "--model", "\(folder.path)/out.safetensors", "--data", "\(folder.path)/manifest.tsv")
        #expect(text.output.contains("\nnot in the model, not evaluated: other\n"))
        #expect(text.output.contains("\nnot in the manifest, not evaluated: c\n"))
        #expect(
            text.output.contains("\nat the model's thresholds: precision ")
                && text.output.contains("\ncalibration error: "))

        let quantised = try await folder.wavetag(
            "quantize", "--model", "\(folder.path)/out.safetensors", "--data", "\(folder.path)/manifest.tsv", "--out",
            "\(folder.path)/int8.safetensors", "--windows", "32", "--held-out", "16")
        #expect(quantised.code == 0, "\(quantised.errors)")
        #expect(try model("int8").thresholds == calibrated.thresholds)
        let shown = try await folder.wavetag("inspect", "\(folder.path)/int8.safetensors").output
        let threshold = try #require(calibrated.thresholds["a"])
        #expect(shown.contains("\nthresholds a \(fixed(Double(threshold))), b "))
        let inspected = try JSONValue(
            parsing: try await folder.wavetag("inspect", "--json", "\(folder.path)/int8.safetensors").output.utf8)
        #expect(inspected["thresholds"]?["a"]?.double.map { Float($0) } == threshold)

        // What is in 8 bits can be calibrated as well.
        let again = try await folder.calibrate("--json", model: "int8", out: "again")
        #expect(again.code == 0, "\(again.errors)")
        #expect(try model("again").nets[0].int8?.output.weight == model("int8").nets[0].int8?.output.weight)
    }

    @Test("Only thresholds: the nets stay what they are")
    func onlyThresholds() async throws {
        defer { folder.remove() }
        #expect(try await folder.calibrate("--only-thresholds").code == 0)
        var found = try model("out")
        #expect(!found.thresholds.isEmpty)
        found.thresholds = [:]
        #expect(try found == model("model"))
    }

    @Test("Sounds that aren't music raise thresholds until they are quiet enough")
    func quiet() async throws {
        defer { folder.remove() }
        func run(_ options: String...) async throws -> (any: [Double], thresholds: [String: Float]) {
            let result = try await folder.wavetag(
                [
                    "calibrate", "--model", "\(folder.path)/model.safetensors", "--data",
                    "\(folder.path)/manifest.tsv", "--out", "\(folder.path)/out.safetensors", "--json", "--quiet",
                    "\(folder.path)/quiet.tsv", "--report-split", "test",
                ] + options)
            #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
            let splits = list(try JSONValue(parsing: result.output.dropLast().utf8)["splits"])
            return (
                splits.compactMap { $0["quiet"]?["false_alarms"]?.double }, try model("out").thresholds
            )
        }
        let free = try await run()
        #expect(free.any.count == 2 && free.any[0] > 0.3)
        let held = try await run("--false-alarms", "0.02")
        #expect(held.any[0] <= 0.02 && held.any[1] < 0.1)
        for (tag, threshold) in free.thresholds { #expect((held.thresholds[tag] ?? 0) > threshold) }
        // What says that there is no music is no alarm.
        let excepted = try await run("--false-alarms", "0.02", "--not-music", "a,b,c")
        #expect(excepted.any == [0, 0] && excepted.thresholds == free.thresholds)

        let evaluated = try await folder.wavetag(
            "evaluate", "--model", "\(folder.path)/out.safetensors", "--data", "\(folder.path)/quiet.tsv", "--split",
            "valid", "--false-alarms", "--json")
        let json = try JSONValue(parsing: evaluated.output.dropLast().utf8)
        #expect(json["false_alarms"]?.double == free.any[0])
        #expect(list(json["calibration"]?["tags"]).count == 3)
    }

    @Test("Tags that are dropped, chosen, or not known well enough are gone")
    func dropped() async throws {
        defer { folder.remove() }
        for (options, wanted) in [
            (["--drop", "b,c"], ["a"]), (["--tags", "c,b"], ["b", "c"]), (["--least-auc", "0.9"], ["b", "c"]),
            (["--least-auc", "0.9", "--least", "481"], ["a", "b", "c"]),
        ] {
            let result = try await folder.wavetag(
                [
                    "calibrate", "--model", "\(folder.path)/model.safetensors", "--data",
                    "\(folder.path)/manifest.tsv", "--out", "\(folder.path)/out.safetensors", "--json",
                ] + options)
            #expect(result.code == 0, "\(result.errors)")
            let json = try JSONValue(parsing: result.output.dropLast().utf8)
            #expect(try model("out").tags == wanted && names(json["kept"]) == wanted, "\(options)")
            #expect(names(json["left_out"]) == ["a", "b", "c"].filter { !wanted.contains($0) })
        }
    }

    @Test("A song-level classifier is calibrated on songs, and gets thresholds of its own")
    func songs() async throws {
        defer { folder.remove() }
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Fixtures/classifiers/sigmoid.safetensors").path
        let old = try ModelFile.read(path: path).model
        try ModelFile.write(old, to: "\(folder.path)/songs.safetensors")
        var manifest = "path\tsplit\ttags\n"
        for index in 0..<12 { manifest += "\(index).wav\tvalid\t\(["guitar", "techno", "guitar,techno"][index % 3])\n" }
        try folder.text("songs.tsv", manifest)
        let result = try await folder.calibrate("--json", model: "songs", manifest: "songs", out: "songs-out")
        #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
        let json = try JSONValue(parsing: result.output.dropLast().utf8)
        let songs = list(json["splits"]).first?["songs"]
        #expect(songs?["count"]?.double == 12)
        #expect(try #require(songs?["error"]?.double) < (try #require(songs?["error_before"]?.double)))
        // Two nets have a scaling each.
        #expect(list(json["scalings"]).allSatisfy { list($0["scale"]).count == 2 })

        let new = try model("songs-out")
        #expect(new.classifier?.configuration.thresholds?.keys.sorted() == ["guitar", "techno"])
        let scaling = try #require(list(json["song_scalings"]).first)
        let scale = try #require(list(scaling["scale"]).first?.double)
        let shift = try #require(list(scaling["shift"]).first?.double)
        let (before, after) = (try #require(old.classifier?.layers.last), try #require(new.classifier?.layers.last))
        #expect(scaling["tag"] == .string("guitar"))
        #expect(abs(Double(after.bias[0]) - (scale * Double(before.bias[0]) + shift)) < 1e-5)
        #expect(abs(Double(after.weight[0]) - scale * Double(before.weight[0])) < 1e-5)
        #expect(after.bias[2] == before.bias[2])
    }

    @Test("What is wrong is one line and a code, and nothing is written")
    func wrong() async throws {
        defer { folder.remove() }
        try folder.text("strange.tsv", "path\tsplit\ttags\n0.wav\tvalid\tstrange\n")
        let cases: [(options: [String], manifest: String, code: Int32, message: String)] = [
            (["--tags", "a,x"], "manifest", 64, "--tags: x is not one of the tags of model"),
            (["--drop", "x"], "manifest", 64, "--drop: x is not one of the tags of model"),
            (["--drop", "a,b,c"], "manifest", 64, "--drop: no tag is left"),
            (["--false-alarms", "0.1"], "manifest", 64, "--false-alarms: --quiet wanted too"),
            (["--positive", "2"], "manifest", 64, "--positive: 0 to 1 wanted"),
            (["--split", "train"], "manifest", 65, "manifest.tsv: no rows of split train"),
            (["--report-split", "train"], "manifest", 65, "manifest.tsv: no rows of split train"),
            (["--quiet", "\(folder.path)/gone.tsv"], "manifest", 66, "gone.tsv: No such file or directory"),
            (["--tags", "a,c", "--least-auc", "1"], "manifest", 65, "none of the tags that are left is one of its"),
            ([], "strange", 65, "strange.tsv: none of its tags is one of model's"),
            (["--out", "\(folder.path)/gone/out.safetensors"], "manifest", 74, "No such file or directory"),
        ]
        for (options, manifest, code, message) in cases {
            let result = try await folder.wavetag(
                [
                    "calibrate", "--model", "\(folder.path)/model.safetensors", "--data",
                    "\(folder.path)/\(manifest).tsv", "--out", "\(folder.path)/out.safetensors",
                ] + options)
            #expect(result.code == code && result.output.isEmpty, "\(options): \(result)")
            #expect(result.errors.contains(message), "\(result.errors)")
            #expect(result.errors.count { $0 == "\n" } == 1, "\(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/out.safetensors"))
        }
    }
}
