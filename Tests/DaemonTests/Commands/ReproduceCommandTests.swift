import Core
import Foundation
import FoundationXML
import Testing

@testable import Daemon

/// `wavetag reproduce`, the built program, with all parts small.
@Suite("reproduce")
struct ReproduceCommandTests {
    private let sounds: GenreSounds

    init() throws { sounds = try GenreSounds() }

    private func reproduce(_ arguments: String...) async throws -> (code: Int32, output: String, errors: String) {
        let all =
            [ChildProcess.wavetag, "reproduce"] + arguments + [
                "--data", "genres=\(sounds["manifest.tsv"])", "--folder", sounds["run"], "--hidden", "8", "--repeats",
                "3",
                "--epochs", "20",
            ]
        return try await blocking { try ChildProcess(all).end(seconds: 180) }
    }

    /// A row's cells, behind its name.
    private func cells(_ name: String, in output: String) throws -> [String] {
        let line = try #require(output.split(separator: "\n").first { $0.hasPrefix(name + "  ") })
        return line.dropFirst(name.count).components(separatedBy: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
    }

    @Test("Table 1: a row for each level; what is done is never done again; published numbers stand beside ours")
    func table1() async throws {
        defer { sounds.remove() }
        let first = try await reproduce("table1", "--model", sounds["model.safetensors"], "--threads", "2")
        #expect(first.code == 0 && first.errors.isEmpty, "\(first.errors)")
        #expect(first.output.hasPrefix("Table 1: levels of 3^5\n"))
        #expect(first.output.contains("genres: 12 train, 6 valid, 6 test songs; accuracy\n"))
        #expect(first.output.contains("No published numbers stand beside these"))
        for name in ["level -3", "level -2", "level -1", "levels -3 -2 -1"] {
            let cell = try #require(try cells(name, in: first.output).first)
            let mean = try #require(Double(cell.prefix { $0 != " " }))
            #expect(cell.contains(" ± ") && mean > 0.4 && mean <= 1)
        }
        let page = try String(contentsOfFile: sounds["run/table1.html"], encoding: .utf8)
        #expect(page.contains("level -3") && page.contains("<svg") && page.hasSuffix("</html>\n"))

        // Cut in the middle of its last line, as a crash would leave it.
        let results = sounds["run/results.tsv"]
        let whole = try String(contentsOfFile: results, encoding: .utf8)
        #expect(whole.split(separator: "\n").count == 12)
        try whole.dropLast(25).write(toFile: results, atomically: true, encoding: .utf8)
        try "# from somewhere\ngenres\tlevel -3\t0.75\n".write(
            toFile: sounds["published.tsv"], atomically: true, encoding: .utf8)
        let again = try await reproduce(
            "table1", "--model", sounds["model.safetensors"], "--published", sounds["published.tsv"])
        #expect(again.code == 0, "\(again.errors)")
        let resumed = try String(contentsOfFile: results, encoding: .utf8)
        #expect(resumed == whole)
        #expect(try cells("level -3", in: again.output) == [try cells("level -3", in: first.output)[0], "0.7500"])
        #expect(
            try cells("levels -3 -2 -1", in: again.output)[0] == cells("levels -3 -2 -1", in: first.output)[0])
        #expect(!again.output.contains("No published numbers"))

        let lines = try String(contentsOfFile: results, encoding: .utf8)
        #expect(try await reproduce("table1", "--model", sounds["model.safetensors"]).output == first.output)
        #expect(try String(contentsOfFile: results, encoding: .utf8) == lines)
    }

    @Test("Table 2: what the model has no nets for is said, and its own nets stand alone and together")
    func table2() async throws {
        defer { sounds.remove() }
        let result = try await reproduce(
            "table2", "--model", sounds["model.safetensors"], "--model", sounds["other.safetensors"])
        #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
        for name in ["3^5", "2^6", "3^5 2^6"] { #expect(try cells(name, in: result.output).count == 1) }
        #expect(result.output.contains("left out: 3^9: the model has no 3^9\n"))
        #expect(result.output.contains("left out: 3^8 3^9: the model has no 3^8, 3^9\n"))
    }

    /// Silhouettes of the two genres in the standardised features of a level, computed here from the feature file.
    private func silhouette(level: Int, songs wanted: Manifest.Split? = nil) throws -> Double? {
        let file = try FeatureFile(path: sounds["run/genres.features"])
        let layout = FeatureLayout(parts: file.recipe.layout.parts.filter { $0.level == level })
        let run = try #require(try file.recipe.layout.runs(of: layout).first)
        let songs = file.tracks.indices
        var columns = run.map { place in songs.map { Double(file.features[$0 * file.recipe.layout.count + place]) } }
        for (index, column) in columns.enumerated() {
            let mean = column.reduce(0, +) / Double(column.count)
            let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(column.count)
            columns[index] = column.map { variance > 0 ? ($0 - mean) / variance.squareRoot() : 0 }
        }
        let some = songs.filter { wanted == nil || file.splits[$0] == wanted }
        return Silhouette.score(
            some.flatMap { song in columns.map { $0[song] } }, dimensions: columns.count,
            labels: some.map { $0 % 2 })
    }

    @Test("Figure 2: a picture for each level, a dot for each song, and silhouettes; features are the tables'")
    func figure2() async throws {
        defer { sounds.remove() }
        let model = sounds["model.safetensors"]
        let first = try await reproduce("figure2", "--model", model)
        #expect(first.code == 0 && first.errors.isEmpty, "\(first.errors)")
        #expect(first.output.hasPrefix("Figure 2: songs of two tags by t-SNE, 3^5\n"))
        #expect(
            first.output.contains(
                "genres: 12 noise, 12 tone, songs that have the tag and not the other; 6 of split test"))
        for level in [-3, -1] {
            let numbers = try cells("genres, level \(level)", in: first.output).map { try #require(Double($0)) }
            #expect(numbers.count == 5)
            #expect(abs(numbers[0] - (try #require(try silhouette(level: level)))) < 2e-4)
            #expect(abs(numbers[2] - (try #require(try silhouette(level: level, songs: .test)))) < 2e-4)
            // Anything can tell these sounds apart.
            #expect(numbers[1] > 0.2 && numbers[1] <= 1 && numbers[4] >= 0)
        }
        let page = try String(contentsOfFile: sounds["run/figure2.html"], encoding: .utf8)
        func count(_ text: String) -> Int { page.components(separatedBy: text).count - 1 }
        // Two levels, each for wide and narrow pages.
        #expect(count("<svg") == 4 && count("<circle") == 4 * 24 && count("class=\"second hollow\"") == 4 * 12)
        #expect(count("<title>tone: 7.wav</title>") == 2 && page.hasSuffix("</html>\n"))
        #expect(XMLParser(data: Data(page.utf8)).parse())

        // Where table1 has extracted them, or figure2 has, features are not extracted again.
        let features = sounds["run/genres.features"]
        let made = try FileManager.default.attributesOfItem(atPath: features)[.systemFileNumber] as? Int
        for index in 0..<24 { try FileManager.default.removeItem(atPath: sounds["\(index).wav"]) }
        #expect(try await reproduce("table1", "--model", model).code == 0)
        let again = try await reproduce(
            "figure2", "--model", model, "--tags", "noise,tone", "--levels=-1,-3", "--threads", "1")
        #expect(again.code == 0 && again.errors.isEmpty, "\(again.errors)")
        for level in [-3, -1] {
            let name = "genres, level \(level)"
            #expect(try cells(name, in: again.output) == cells(name, in: first.output))
        }
        #expect(try FileManager.default.attributesOfItem(atPath: features)[.systemFileNumber] as? Int == made)

        let few = try await reproduce(
            "figure2", "--model", model, "--songs", "9", "--levels=-2", "--tags", "tone,noise", "--seed", "3")
        #expect(few.code == 0 && few.output.contains("genres: 4 tone, 5 noise, "), "\(few.output)")
        #expect(few.output.contains("; 9 of 24 drawn, seed 3; "))
    }

    @Test("What Figure 2 can't be is one line")
    func figureRefused() async throws {
        defer { sounds.remove() }
        let model = sounds["model.safetensors"]
        let lone = "path\tsplit\ttags\n0.wav\ttrain\tnoise,slow\n1.wav\ttrain\ttone\n2.wav\ttrain\ttone,slow\n"
        try lone.write(toFile: sounds["lone.tsv"], atomically: true, encoding: .utf8)
        for (arguments, code, message) in [
            (["--tags", "tone"], 64, "--tags: two different tags wanted, tone found"),
            (["--tags", "tone,tone"], 64, "--tags: two different tags wanted, tone,tone found"),
            (["--tags", "tone,jazz"], 64, "--tags: \(sounds["manifest.tsv"]) has no tag jazz"),
            (["--levels=-3,-3"], 64, "--levels: -3,-3: one stands twice"),
            (["--levels=-4"], 64, "--levels: -3, -2 or -1 wanted, -4 found"),
            (["--songs", "3"], 64, "--songs: 4 to 5000 wanted, 3 found"),
            (["--published", "x"], 64, "--published: figure2 has no published numbers"),
            (["--net", "5^5"], 64, "--net: the model has no 5^5"),
            (
                ["--data", sounds["lone.tsv"]], 65,
                "\(sounds["lone.tsv"]): no two tags with two songs each that lack the other, at --positive 0.5"
            ),
            (["--data", sounds["absent.tsv"]], 66, "\(sounds["absent.tsv"]): No such file or directory"),
        ] as [([String], Int32, String)] {
            let all =
                [ChildProcess.wavetag, "reproduce", "figure2", "--model", model]
                + ["--data", "genres=\(sounds["manifest.tsv"])", "--folder", sounds["run"]] + arguments
            let result = try await blocking { try ChildProcess(all).end(seconds: 180) }
            #expect(result.code == code && result.errors == "wavetag: \(message)\n", "\(result.errors)")
        }
        let table = try await reproduce("table1", "--model", model, "--songs", "5")
        #expect(table.code == 64 && table.errors == "wavetag: --songs: table1 has none; figure2 has\n")
    }

    @Test("What can't be is one line")
    func refused() async throws {
        defer { sounds.remove() }
        let net = try await reproduce("table1", "--model", sounds["model.safetensors"], "--net", "5^5")
        #expect(net.code == 64 && net.errors == "wavetag: --net: the model has no 5^5\n")
        try "x\t2\n".write(toFile: sounds["published.tsv"], atomically: true, encoding: .utf8)
        let published = try await reproduce(
            "table1", "--model", sounds["model.safetensors"], "--published", sounds["published.tsv"])
        #expect(published.code == 65 && published.errors.contains("line 1: set, row and a number from 0 to 1 wanted"))
        let twice = try await reproduce("table2", "--data", "genres=x.tsv")
        #expect(twice.code == 64 && twice.errors == "wavetag: --data: two sets of one name\n")
    }
}
