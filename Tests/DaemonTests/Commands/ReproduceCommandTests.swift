import Core
import Foundation
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
        return try await blocking { try ChildProcess(all).end(seconds: 60) }
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
