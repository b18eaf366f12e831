import Core
import Foundation
import Testing

@testable import Daemon

/// `wavetag train net`, the built program, on sounds that `demo/four_sounds.py` makes.
@Suite("train net")
struct TrainNetCommandTests {
    private let folder = "/tmp/wavetag-training-\(UUID().uuidString.prefix(8))"

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func sounds(each: Int = 5, seconds: Double = 1) throws {
        let script = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let python = try ChildProcess(
            ["/usr/bin/env", "python3", "/\(script)/demo/four_sounds.py", "\(folder)/data", "\(each)", "\(seconds)"])
        let result = try python.end(seconds: 180)
        try #require(result.code == 0, "\(result.errors)")
    }

    /// A net that learns in seconds.
    private func arguments(_ out: String, _ more: [String] = [], epochs: Int = 4) -> [String] {
        let recipe = [
            "--net", "3^6", "--widths", "8,8,8,16,16,16,32,32", "--optimiser", "adamw", "--rate", "0.003",
            "--schedule", "cosine", "--epochs", "\(epochs)", "--batch", "12", "--dropout", "0.2",
        ]
        let isFresh = !more.contains("--init")
        return [ChildProcess.wavetag, "train", "net", "--data", "\(folder)/data/manifest.tsv"]
            + ["--cache", "\(folder)/cache", "--threads", "2", "--out", "\(folder)/\(out)"]
            + (isFresh ? recipe : Array(recipe.dropFirst(4))) + more
    }

    private func train(
        _ out: String, _ more: String..., epochs: Int = 4
    ) throws -> (code: Int32, output: String, errors: String) {
        try ChildProcess(arguments(out, more, epochs: epochs)).end(seconds: 120)
    }

    private func bytes(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
    }

    private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/\(name)") }

    /// The log without what a clock has said.
    private func log(_ name: String) throws -> [EpochRecord] {
        try EpochRecord.log(path: "\(folder)/\(name).log.ndjson").map { record in
            var record = record
            record.seconds = 0
            return record
        }
    }

    @Test("Four kinds of sound that anyone can tell apart are told apart, and the report says so")
    func learns() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await blocking {
            try sounds(each: 15, seconds: 3)
            let result = try train("four", epochs: 12)
            #expect(result.code == 0, "\(result.errors)")
            let lines = result.errors.split(separator: "\n")
            #expect(lines.first?.contains("1080 segments to train on, 360 to choose by") == true, "\(result.errors)")
            #expect(lines.count { $0.hasPrefix("epoch ") } == 12)
            #expect(try log("four").map(\.epoch) == Array(1...12))
            #expect(exists("four") && !exists("four.checkpoint"))
            let page = String(decoding: try bytes("four.html"), as: UTF8.self)
            #expect(page.contains("id=\"training\"") && page.contains("id=\"genres\""))

            let evaluation = try ChildProcess([
                ChildProcess.wavetag, "evaluate", "--model", "\(folder)/four", "--data",
                "\(folder)/data/manifest.tsv", "--json",
            ]).end(seconds: 180)
            let json = try JSONValue(parsing: evaluation.output.dropLast().utf8)
            #expect(try #require(json["windows"]?["accuracy"]?.double) >= 0.99, "\(evaluation.output)")
        }
    }

    @Test("A run that is killed again and again comes to the same bits as one that never was")
    func resumes() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await blocking {
            try sounds()
            let options = [
                "--mixup", "0.3", "--random-gain", "-12:3", "--random-start", "--random-filter", "6",
                "--checkpoint-steps", "1",
            ]
            let whole = try ChildProcess(arguments("whole", options)).end(seconds: 120)
            #expect(whole.code == 0, "\(whole.errors)")

            let checkpoint = "\(folder)/killed.checkpoint"
            var seen: Set<Data> = []
            // Each time as soon as a checkpoint has come that it didn't begin with: in the middle of an epoch, at its
            // end, between the log and the checkpoint, wherever it happens to be.
            for _ in 0..<12 {
                let child = try ChildProcess(arguments("killed", options + ["--resume"]))
                let begun = try? Data(contentsOf: URL(fileURLWithPath: checkpoint))
                let deadline = ContinuousClock.now + .seconds(60)
                while ContinuousClock.now < deadline, kill(child.identifier, 0) == 0 {
                    if let now = try? Data(contentsOf: URL(fileURLWithPath: checkpoint)), now != begun {
                        seen.insert(now)
                        break
                    }
                    if begun != nil, !FileManager.default.fileExists(atPath: checkpoint) { break }
                }
                child.signal(SIGKILL)
                _ = try child.end(seconds: 180)
                if begun != nil, !FileManager.default.fileExists(atPath: checkpoint) { break }
            }
            #expect(seen.count >= 3, "it was hardly ever killed in between")
            let last = try ChildProcess(arguments("killed", options + ["--resume"])).end(seconds: 120)
            #expect(last.code == 0, "\(last.errors)")
            #expect(try bytes("killed") == bytes("whole"))
            #expect(try log("killed") == log("whole"))
        }
    }

    @Test("Ctrl-C keeps a checkpoint; it is neither overwritten by mistake nor used for another run")
    func interrupted() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await blocking {
            try sounds()
            let child = try ChildProcess(arguments("net", epochs: 2000))
            try child.waitForErrorLine(containing: "epoch 2:", seconds: 180)
            child.signal(SIGINT)
            let stopped = try child.end(seconds: 180)
            #expect(stopped.code == 0 && stopped.errors.contains("--resume goes on"), "\(stopped.errors)")
            #expect(exists("net") && exists("net.checkpoint"))

            let again = try train("net", epochs: 2000)
            #expect(again.code == 64)
            #expect(again.errors.hasPrefix("wavetag: \(folder)/net.checkpoint: of a run that isn't finished"))
            let other = try train("net", "--resume", epochs: 3)
            #expect(other.code == 64 && other.errors.contains("net.checkpoint: recipe: it was "), "\(other.errors)")
            let manifest = "\(folder)/data/manifest.tsv"
            let text = try String(contentsOfFile: manifest, encoding: .utf8)
            try text.replacingOccurrences(of: "whistle-0.wav\ttrain\twhistle", with: "whistle-0.wav\ttrain\tbuzz")
                .write(toFile: manifest, atomically: true, encoding: .utf8)
            let relabelled = try train("net", "--resume", epochs: 2000)
            #expect(
                relabelled.code == 64 && relabelled.errors.contains("net.checkpoint: data: it was "),
                "\(relabelled.errors)")
            #expect(try train("net", "--restart", epochs: 1).code == 0)
            #expect(!exists("net.checkpoint"))

            try Data("nonsense".utf8).write(to: URL(fileURLWithPath: "\(folder)/net.checkpoint"))
            let damaged = try train("net", "--resume")
            #expect(damaged.code == 65 && damaged.errors.hasPrefix("wavetag: \(folder)/net.checkpoint: "))
        }
    }

    @Test("The report has the epochs behind the best one too")
    func reportsAllEpochs() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await blocking {
            try sounds()
            // A plateau ends with an epoch that is not the best.
            let result = try train(
                "net", "--schedule", "plateau", "--patience", "1", "--rate", "0.05", epochs: 300)
            #expect(result.code == 0, "\(result.errors)")
            let records = try log("net")
            try #require(records.last?.isBest == false)
            #expect(String(decoding: try bytes("net.html"), as: UTF8.self).contains("\(records.count) epochs"))
        }
    }

    @Test("A report that can't be written is one line")
    func unwritableReport() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(
            atPath: "\(folder)/net.html.partial", withIntermediateDirectories: true)
        try await blocking {
            try sounds()
            let result = try train("net")
            #expect(result.code == 74)
            let complaints = result.errors.split(separator: "\n").filter { $0.hasPrefix("wavetag: ") }
            #expect(complaints == ["wavetag: \(folder)/net.html: Is a directory"], "\(result.errors)")
        }
    }

    @Test("Fine-tuning: what is frozen stays to the bit, and new tags get a new output layer")
    func fineTunes() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await blocking {
            try sounds()
            #expect(try train("first", epochs: 1).code == 0)
            let second = try train("second", "--init", "\(folder)/first", "--new-tags", "--freeze", "5", epochs: 2)
            #expect(second.code == 0, "\(second.errors)")
            let before = try #require(try ModelFile.read(path: "\(folder)/first").model.nets[0].float)
            let after = try #require(try ModelFile.read(path: "\(folder)/second").model.nets[0].float)
            #expect(before.layers[..<5] == after.layers[..<5])
            for layer in 5..<8 { #expect(before.layers[layer].weight != after.layers[layer].weight) }
            #expect(before.output != after.output)

            let text = try String(contentsOfFile: "\(folder)/data/manifest.tsv", encoding: .utf8)
            try text.replacingOccurrences(of: "\tbuzz", with: "\thum")
                .write(toFile: "\(folder)/data/manifest.tsv", atomically: true, encoding: .utf8)
            let renamed = try train("third", "--init", "\(folder)/first")
            #expect(renamed.code == 65 && renamed.errors.contains("buzz: the model's tag is none of the manifest's"))
        }
    }

    @Test("A loss that is no number stops the run, names the step and leaves no model")
    func diverges() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await blocking {
            try sounds()
            let shape = try NetShape(name: "3^6", m: 3, n: 6, widths: [8, 8, 8, 8, 8, 8, 8, 8])
            var net = NetParameters.heUniform(shape, tags: 4, seed: 1)
            net.output.weight = net.output.weight.map { $0 * 1e38 }
            try ModelFile.write(
                Model(
                    tags: ["buzz", "clicks", "hiss", "whistle"], output: .softmax, batchNormEpsilon: 1e-5, nets: [net],
                    classifier: nil),
                to: "\(folder)/huge")
            let result = try train("out", "--init", "\(folder)/huge")
            #expect(result.code == 65)
            let line = result.errors.split(separator: "\n").last ?? ""
            #expect(line.hasPrefix("wavetag: epoch 1, step 1 of ") && line.contains("the loss is"), "\(result.errors)")
            #expect(!exists("out"))
        }
    }

    @Test("A disk that fills leaves the last checkpoint whole")
    func fullDisk() async throws {
        let place = "\(folder)/small"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let mounted = try await blocking {
            try ChildProcess(["/usr/bin/env", "mount", "-t", "tmpfs", "-o", "size=2m", "wavetag-test", place]).end()
                .code == 0
        }
        guard mounted else { return print("not tested: a full disk, since this user may not mount one") }
        defer { _ = try? ChildProcess(["/usr/bin/env", "umount", "-l", place]).end() }
        try await blocking {
            try sounds()
            let child = try ChildProcess(arguments("small/net", epochs: 100_000))
            try child.waitForErrorLine(containing: "epoch 2:", seconds: 180)
            let fill = try ChildProcess(["/bin/sh", "-c", "cat /dev/zero > \(place)/filler"]).end()
            #expect(fill.code != 0)
            let result = try child.end(seconds: 180)
            #expect(result.code == 74, "\(result.errors)")
            #expect(result.errors.split(separator: "\n").last?.contains("No space left on device") == true)
            let kept = try TrainingCheckpoint(path: "\(place)/net.checkpoint")
            #expect(kept.progress.epoch >= 1)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: place).contains { $0.hasSuffix(".writing") }
                    == false)
        }
    }

    @Test(
        "What can't be trained is one line",
        arguments: [
            (["--net", "three"], 64, "--net: m^n wanted"), (["--net", "1^9"], 64, "m: 2 to 64 wanted"),
            (["--widths", "1,2"], 64, "widths: "), (["--freeze", "2"], 64, "--init wanted too"),
            (["--batch", "1"], 64, "--batch: 2 to 4096 wanted"), (["--random-gain", "4:-4"], 64, "random-gain"),
            (["--random-filter", "41"], 64, "--random-filter: 0.0 to 40.0 wanted"),
            (["--init", "/nowhere/model"], 66, "/nowhere/model"), (["--cache-size", "1K"], 78, "1.00 KiB are allowed"),
            (["--net", "3^13", "--widths", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"], 65, "has no segment of 4782969 samples"),
        ] as [([String], Int32, String)])
    func refused(options: [String], code: Int32, reason: String) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await blocking {
            try sounds(each: 5, seconds: 0.2)
            var base = [ChildProcess.wavetag, "train", "net", "--data", "\(folder)/data/manifest.tsv"]
            base += ["--cache", "\(folder)/cache", "--out", "\(folder)/out"]
            let result = try ChildProcess(base + options).end(seconds: 180)
            #expect(result.code == code, "\(result.errors)")
            let lines = result.errors.split(separator: "\n")
            #expect(lines.count == 1 && lines.first?.hasPrefix("wavetag: ") == true, "\(result.errors)")
            #expect(result.errors.contains(reason), "\(result.errors)")
            #expect(!exists("out") && !exists("out.checkpoint"))
        }
    }
}
