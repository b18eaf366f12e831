import Foundation
import Testing

@testable import Daemon

/// `wavetag dataset`, the built program, on small files as they are published.
@Suite("dataset")
final class DatasetCommandTests {
    private let folder = "/tmp/wavetag-dataset-\(UUID().uuidString.prefix(8))"

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func write(_ name: String, _ text: String) throws {
        let url = URL(fileURLWithPath: "\(folder)/\(name)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    private func read(_ name: String) throws -> String {
        try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
    }

    private func dataset(_ arguments: String...) async throws -> (code: Int32, output: String, errors: String) {
        try await dataset(arguments)
    }

    /// Without the folder's path in what it says.
    private func dataset(_ arguments: [String]) async throws -> (code: Int32, output: String, errors: String) {
        let result = try await blocking { try ChildProcess([ChildProcess.wavetag, "dataset"] + arguments).end() }
        let prefix = folder + "/"
        return (result.code, result.output.replacing(prefix, with: ""), result.errors.replacing(prefix, with: ""))
    }

    private func writeGTZAN() throws {
        try write("train_filtered.txt", "blues/blues.00029.wav\nrock/rock.00001.wav\n")
        try write("valid_filtered.txt", "jazz/jazz.00054.wav\n")
        try write("test_filtered.txt", "pop/pop.00000.wav\n")
        try write("genres/blues/blues.00029.au", "x")
        try write("genres/pop/pop.00000.wav", "x")
    }

    @Test("gtzan writes what is there, and says what isn't")
    func gtzan() async throws {
        try writeGTZAN()
        let result = try await dataset(
            "gtzan", folder, "--out", folder + "/set.tsv", "--missing", folder + "/missing.txt")
        #expect(result.code == 0)
        #expect(
            result.errors
                == "wavetag: gtzan: 2 of 4 sounds are missing: rock/rock.00001.wav, jazz/jazz.00054.wav\n")
        #expect(
            result.output
                == "train: 1 of 2 sounds\nvalid: 0 of 1 sounds\ntest: 1 of 1 sounds\nset.tsv: 2 sounds, 10 tags\n")
        let lines = try read("set.tsv").split(separator: "\n")
        #expect(lines[0].hasPrefix("path\tsplit\ttag:blues\ttag:classical\t"))
        #expect(lines[1] == "genres/blues/blues.00029.au\ttrain\t1\t0\t0\t0\t0\t0\t0\t0\t0\t0")
        #expect(lines[2] == "genres/pop/pop.00000.wav\ttest\t0\t0\t0\t0\t0\t0\t0\t1\t0\t0")
        #expect(try read("missing.txt") == "rock/rock.00001.wav\tmissing\njazz/jazz.00054.wav\tmissing\n")
    }

    @Test("mtat: a missing clip, an empty one, tabs in quotes and CRLF")
    func mtat() async throws {
        func line(_ fields: [String]) -> String { fields.map { "\"\($0)\"" }.joined(separator: "\t") + "\r\n" }
        let clips = ["0/a-0-29.mp3", "6/empty-0-29.mp3", "c/gone-0-29.mp3", "d/d-0-29.mp3"]
        var annotations = line(["clip_id"] + (0..<188).map { "tag \($0)" } + ["mp3_path"])
        var info = line(["clip_id", "title", "mp3_path"])
        for (index, clip) in clips.enumerated() {
            annotations += line(["\(index)"] + (0..<188).map { $0 == 187 - index ? "1" : "0" } + [clip])
            info += line(["\(index)", "a\ttab", clip])
        }
        try write("annotations_final.csv", annotations)
        try write("clip_info_final.csv", info)
        try write("0/a-0-29.mp3", "x")
        try write("6/empty-0-29.mp3", "")
        try write("d/d-0-29.mp3", "x")
        let result = try await dataset("mtat", folder, "--out", folder + "/set.tsv", "--tags", "4")
        #expect(result.code == 0)
        #expect(
            result.errors == """
                wavetag: mtat: 1 of 4 sounds are missing: c/gone-0-29.mp3
                wavetag: mtat: 1 of 4 sounds are empty files: 6/empty-0-29.mp3

                """)
        #expect(
            try read("set.tsv") == """
                path\tsplit\ttag:tag 184\ttag:tag 185\ttag:tag 186\ttag:tag 187
                0/a-0-29.mp3\ttrain\t0\t0\t0\t1
                d/d-0-29.mp3\ttest\t1\t0\t0\t0

                """)
    }

    @Test("mtat: a clip_info_final.csv that was asked for has to be there")
    func missingClipInfo() async throws {
        try write("annotations_final.csv", "clip_id\tslow\tmp3_path\n1\t1\t0/a.mp3\n")
        try write("0/a.mp3", "x")
        let arguments = ["mtat", folder, "--out", folder + "/set.tsv", "--tags", "1"]
        #expect(try await dataset(arguments).code == 0)
        let result = try await dataset(arguments + ["--clip-info", folder + "/gone.csv"])
        #expect(result.code == 66)
        #expect(result.errors == "wavetag: gone.csv: No such file or directory\n")
    }

    private func writeTracks() throws {
        try write("MSD_id_to_7D_id.pkl", "(dS'TRAAAAA128F0000001'\nS'12'\nsS'TRAAAAA128F0000002'\nS'34'\ns.")
        try write("7D_id_to_path.pkl", "(dS'12'\nS'1/2/12.clip.mp3'\nsS'34'\nS'3/4/34.clip.mp3'\ns.")
        try write("audio/1/2/12.clip.mp3", "x")
    }

    @Test("msd and tagtraum find previews by the published dictionaries")
    func tracks() async throws {
        try writeTracks()
        try write("50tagList.txt", "rock\npop\n")
        try write("filtered_list_train.cP", "(lS'TRAAAAA128F0000001'\naS'TRAAAAA128F0000002'\na.")
        try write("filtered_list_test.cP", "(l.")
        try write(
            "msd_id_to_tag_vector.cP", "(dS'TRAAAAA128F0000001'\n(lI0\naI1\nasS'TRAAAAA128F0000002'\n(lI1\naI1\nas.")
        let msd = try await dataset("msd", folder, "--out", folder + "/msd.tsv", "--train-count", "1")
        #expect(msd.code == 0)
        #expect(msd.errors == "wavetag: msd: 1 of 2 sounds are missing: 3/4/34.clip.mp3\n")
        #expect(try read("msd.tsv") == "path\tsplit\ttag:rock\ttag:pop\naudio/1/2/12.clip.mp3\ttrain\t0\t1\n")

        try write("msd_tagtraum_cd2c.cls", "# c\nTRAAAAA128F0000001\tRock\tPop\nTRAAAAA128F0000002\tJazz\n")
        let tagtraum = try await dataset("tagtraum", folder, "--out", folder + "/tagtraum.tsv")
        #expect(tagtraum.code == 0)
        #expect(try read("tagtraum.tsv") == "path\tsplit\ttag:Jazz\ttag:Rock\naudio/1/2/12.clip.mp3\ttrain\t0\t1\n")
    }

    @Test("A missing list is 66, a bad one 65 with its line, an unwritable manifest 74, a bad option 64")
    func errors() async throws {
        try writeGTZAN()
        try FileManager.default.removeItem(atPath: folder + "/valid_filtered.txt")
        let missing = try await dataset("gtzan", folder, "--out", folder + "/set.tsv")
        #expect(missing.code == 66)
        #expect(missing.errors == "wavetag: valid_filtered.txt: No such file or directory\n")
        #expect(missing.output.isEmpty)

        try write("valid_filtered.txt", "jazz/jazz.00054.wav\npolka/polka.00000.wav\n")
        let bad = try await dataset("gtzan", folder, "--out", folder + "/set.tsv")
        #expect(bad.code == 65)
        #expect(
            bad.errors
                == "wavetag: valid_filtered.txt:2: GENRE/GENRE.00000.wav wanted, polka/polka.00000.wav found\n")
        #expect(!FileManager.default.fileExists(atPath: folder + "/set.tsv"))

        try write("valid_filtered.txt", "jazz/jazz.00054.wav\n")
        let unwritable = try await dataset("gtzan", folder, "--out", folder + "/no/set.tsv")
        #expect(unwritable.code == 74)
        #expect(try await dataset("gtzan", folder).code == 64)
        #expect(try await dataset("mtat", folder, "--out", "x", "--tags", "0").code == 64)
        let unannotated = try await dataset("mtat", folder, "--out", folder + "/set.tsv")
        #expect(unannotated.code == 66)
        #expect(unannotated.errors == "wavetag: annotations_final.csv: No such file or directory\n")
    }

    @Test("A folder with none of the sounds is 66, and the manifest that was there stays")
    func nothingThere() async throws {
        try writeGTZAN()
        try write("set.tsv", "old")
        try write("elsewhere/file", "x")
        let result = try await dataset("gtzan", folder, "--out", folder + "/set.tsv", "--audio", folder + "/elsewhere")
        #expect(result.code == 66)
        #expect(result.errors.hasSuffix("wavetag: elsewhere: none of the set's sounds is there\n"))
        #expect(try read("set.tsv") == "old")
    }
}
