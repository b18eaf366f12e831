import Core
import Foundation
import Testing

@testable import Daemon

/// `wavetag evaluate`, the built program, on real sound files.
@Suite("evaluate")
struct EvaluateCommandTests {
    private let folder = "/tmp/wavetag-evaluation-\(UUID().uuidString.prefix(8))"
    private static let window = 729

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try model("genres", ["rock", "jazz", "folk"], .softmax)
        try model("tags", ["loud", "soft", "absent"], .sigmoid)
        for index in 0..<4 { try sound("\(index).wav", amplitude: Double(index + 1) * 0.2) }
        try text(
            "genres.tsv",
            "path\tsplit\ttags\n0.wav\ttest\trock\n1.wav\ttest\tjazz\n2.wav\ttest\tfolk\n3.wav\ttest\trock\n")
        try text(
            "tags.tsv",
            "path\tsplit\ttag:absent\ttag:loud\ttag:soft\n"
                + "0.wav\ttest\t0.2\t0\t1\n1.wav\ttest\t0\t0\t1\n2.wav\ttest\t0\t0\t0\n3.wav\ttest\t0\t0.7\t0\n")
    }

    private func model(_ name: String, _ tags: [String], _ output: OutputFunction) throws {
        let shape = try NetShape(name: "3^5", m: 3, n: 5, widths: [8, 8, 8, 8, 8, 16, 16])
        try ModelFile.write(
            Model(
                tags: tags, output: output, batchNormEpsilon: 1e-5,
                nets: [.heUniform(shape, tags: tags.count, seed: 5)], classifier: nil),
            to: "\(folder)/\(name).safetensors")
    }

    private func text(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }

    /// Half a second of noise, 16-bit, 22 050 Hz.
    private func sound(_ name: String, amplitude: Double, frames: Int = 11_025) throws {
        var generator = SplitMix64(state: 3)
        let data = (0..<frames).flatMap { _ in
            withUnsafeBytes(of: Int16(Double(generator.nextUniform()) * amplitude * 32_000).littleEndian) { Array($0) }
        }
        func word(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(value).littleEndian) { Array($0) } }
        var file = Array("RIFF".utf8) + word(36 + data.count) + Array("WAVEfmt ".utf8) + word(16)
        file +=
            [1, 0, 1, 0] + word(22_050) + word(44_100) + [2, 0, 16, 0] + Array("data".utf8) + word(data.count) + data
        try Data(file).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }

    private func evaluate(_ name: String, _ options: String..., manifest: String? = nil) async throws -> (
        code: Int32, output: String, errors: String
    ) {
        let arguments =
            ["evaluate", "--model", "\(folder)/\(name).safetensors", "--data", "\(folder)/\(manifest ?? name).tsv"]
            + options
        return try await blocking { try ChildProcess([ChildProcess.wavetag] + arguments).end() }
    }

    /// JSON without what differs from run to run.
    private func json(_ result: (code: Int32, output: String, errors: String)) throws -> (JSONValue, figures: Substring)
    {
        #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
        let end = try #require(result.output.range(of: ",\"windows_per_second\""))
        return (try JSONValue(parsing: result.output.dropLast().utf8), result.output[..<end.lowerBound])
    }

    @Test("What the program says is what its parts give: scores of the reference net, scikit-learn's measures")
    func genres() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let manifest = try Manifest(path: "\(folder)/genres.tsv")
        let model = try ModelFile.read(path: "\(folder)/genres.safetensors").model
        let net = WindowNet(try #require(model.nets[0].float), batchNormEpsilon: 1e-5, function: .softmax)
        var predictions = Predictions(tags: model.tags)
        for (song, row) in manifest.rows.enumerated() {
            let samples = try SoundFile.readMono(path: manifest.file(of: row))
            for segment in 0..<(samples.count / Self.window) {
                let window = Array(samples[(segment * Self.window)..<((segment + 1) * Self.window)])
                predictions.add(
                    scores: Array(window.withUnsafeBufferPointer { net.forward($0.baseAddress!) }),
                    labels: model.tags.map { row.labels[manifest.tags.firstIndex(of: $0)!] }, song: song)
            }
        }
        let (found, _) = try json(try await evaluate("genres", "--json"))
        for (name, expected) in [("windows", predictions), ("songs", predictions.bySong())] {
            let metrics = expected.metrics(positiveFrom: 0.5, leastPositives: 1)
            #expect(found[name]?["count"]?.double == Double(metrics.count))
            #expect(found[name]?["tags_counted"]?.double == 3)
            #expect(found[name]?["accuracy"]?.double == metrics.accuracy)
            // Kernels add in another order than the reference: scores a hair apart may change places.
            #expect(abs((found[name]?["roc_auc"]?.double ?? 0) - (metrics.rocAUC ?? 2)) < 0.01)
            #expect(abs((found[name]?["average_precision"]?.double ?? 0) - (metrics.averagePrecision ?? 2)) < 0.01)
        }
        let table = try await evaluate("genres").output
        #expect(table.contains("\naccuracy: ") && table.contains(" of windows, ") && table.hasPrefix("tag "))
        #expect(table.contains("\nrock ") && table.contains("\njazz ") && table.contains("\nfolk "))
    }

    @Test("Tags without positives are named, and left out of means")
    func silentTags() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let table = try await evaluate("tags")
        #expect(table.code == 0 && table.errors.isEmpty, "\(table.errors)")
        #expect(table.output.contains("\nwithout positives: absent\n") && !table.output.contains("\nabsent "))
        #expect(table.output.contains("over 2 tags, 60 in all") && table.output.contains("over 2 tags, 4 in all"))
        #expect(!table.output.contains("accuracy"))
        let (found, _) = try json(try await evaluate("tags", "--json", "--positive", "0.1"))
        #expect(found["windows"]?["tags_counted"]?.double == 3)
        let (strict, _) = try json(try await evaluate("tags", "--json", "--positive", "0.9"))
        #expect(strict["windows"]?["tags_counted"]?.double == 1)
        guard case .array(let tags)? = strict["songs"]?["tags"] else {
            Issue.record("no tags")
            return
        }
        #expect(tags[0]["tag"] == .string("loud") && tags[0]["positives"] == .integer(0))
        #expect(tags[0]["roc_auc"] == .null && tags[0]["average_precision"] == .null)
        #expect(tags[1]["positives"] == .integer(2) && tags[1]["roc_auc"] != .null)
    }

    @Test("Intervals stand around ROC-AUC when they are asked for")
    func intervals() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (found, _) = try json(try await evaluate("tags", "--json", "--intervals"))
        for side in ["windows", "songs"] {
            guard case .array(let tags)? = found[side]?["tags"],
                case .array(let interval)? = found[side]?["roc_auc_interval"],
                case .array(let soft)? = tags[1]["roc_auc_interval"]
            else {
                Issue.record("\(found)")
                return
            }
            // One song with positives doesn't scatter.
            #expect(tags[0]["tag"] == .string("loud") && tags[0]["roc_auc_interval"] == .null)
            #expect(interval.count == 2 && soft.count == 2)
            let (low, high) = (try #require(soft[0].double), try #require(soft[1].double))
            let area = try #require(tags[1]["roc_auc"]?.double)
            #expect(low <= area && area <= high && (side == "songs" || low < high))
        }
        #expect(try await evaluate("tags", "--intervals").output.contains("\nby window: macro ROC-AUC 0."))
        #expect(try json(try await evaluate("tags", "--json")).0["windows"]?["roc_auc_interval"] == nil)
    }

    @Test("With a cache the same figures, the second time without decoding; two programs at once")
    func cache() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (_, plain) = try json(try await evaluate("tags", "--json"))
        let cache = "\(folder)/cache/of sounds"
        async let first = evaluate("tags", "--json", "--cache", cache)
        async let second = evaluate("tags", "--json", "--cache", cache, "--cache-size", "1M")
        let both = try await (first, second)
        // 16-bit sound at the nets' rate is the same from the cache.
        #expect(try json(both.0).figures == plain)
        #expect(try json(both.1).figures == plain)
        let sounds = try FileManager.default.contentsOfDirectory(atPath: cache).filter { $0.hasSuffix(".sound") }
        #expect(sounds.count == 4)
        let modified = {
            try FileManager.default.attributesOfItem(atPath: "\(cache)/\(sounds[0])")[.modificationDate] as? Date
        }
        let before = try modified()
        let third = try await evaluate("tags", "--json", "--cache", cache)
        #expect(try json(third).figures == plain)
        #expect(try modified() == before)
    }

    @Test("What is wrong is one line and a code")
    func wrong() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let head = "path\tsplit\ttag:loud\n"
        try text("file", "")
        try text("mixed.tsv", head + "0.wav\ttest\t1\ngone.wav\ttest\t0\n")
        let cases: [(manifest: String, options: [String], code: Int32, message: String)] = [
            ("path\ttag:loud\n", [], 65, "line 1: split: no such column"),
            (head + "0.wav\tdev\t1\n", [], 65, "line 2: split: train, valid or test wanted, dev found"),
            (head + "0.wav\ttest\t2\n", [], 65, "line 2: tag:loud: 0 to 1 wanted, 2 found"),
            (head + "../0.wav\ttest\t1\n", [], 65, "line 2: path: ../0.wav leaves the manifest's folder"),
            (head + "0.wav\ttrain\t1\n", [], 65, "no rows of split test"),
            ("path\tsplit\ttag:other\n0.wav\ttest\t1\n", [], 65, "none of its tags is one of tags's"),
            (head + "0.wav\ttest\t1\n", ["--cache", "\(folder)/file"], 74, "\(folder)/file: Not a directory"),
            (
                head + "0.wav\ttest\t1\n", ["--cache", "\(folder)/cache", "--cache-size", "1k"], 78,
                "this data set needs 21.62 KiB of decoded sound, 1.00 KiB are allowed (--cache-size)"
            ),
            (head + "0.wav\ttest\t1\n", ["--cache-size", "lots"], 64, "--cache-size"),
        ]
        for (manifest, options, code, message) in cases {
            try text("bad.tsv", manifest)
            let arguments =
                ["evaluate", "--model", "\(folder)/tags.safetensors", "--data", "\(folder)/bad.tsv"] + options
            let result = try await blocking { try ChildProcess([ChildProcess.wavetag] + arguments).end() }
            #expect(result.code == code && result.output.isEmpty, "\(message): \(result)")
            #expect(result.errors.contains(message), "\(result.errors)")
            if code != 64 { #expect(result.errors.count { $0 == "\n" } == 1, "\(result.errors)") }
        }
        #expect(try await evaluate("tags", manifest: "absent").code == 66)
        // Each unreadable file is named once, with a cache and without.
        for options in [[], ["--cache", "\(folder)/cache"]] {
            for keepsGoing in [false, true] {
                let arguments =
                    ["evaluate", "--model", "\(folder)/tags.safetensors", "--data", "\(folder)/mixed.tsv"] + options
                    + (keepsGoing ? ["--keep-going"] : [])
                let result = try await blocking { try ChildProcess([ChildProcess.wavetag] + arguments).end() }
                #expect(result.code == (keepsGoing ? 0 : 65), "\(result)")
                let lines = result.errors.split(separator: "\n")
                #expect(lines.first == "wavetag: \(folder)/gone.wav: No such file or directory" && lines.count == 2)
            }
        }
    }

    @Test("Sizes as people write them")
    func sizes() {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (text, bytes) in [
            ("0", 0), ("1000", 1000), ("4K", 4096), ("1.5m", 1_572_864), ("40G", 40 << 30), ("2T", 2 << 40),
        ] { #expect(ByteCount(argument: text)?.bytes == bytes, "\(text)") }
        for text in ["", "G", "-1", "1.2.3", "nan", "0x10", "1e3", "4 G", "99999999999T"] {
            #expect(ByteCount(argument: text) == nil, "\(text)")
        }
        #expect(ByteCount(bytes: 40 << 30).description == "40G" && ByteCount(bytes: 1500).description == "1500")
    }
}
