import Foundation
import Testing

@testable import Core

@Suite("Feature files, and what they are resumed from")
struct FeatureFileTests {
    private let folder = "/tmp/wavetag-features-\(UUID().uuidString.prefix(8))"
    private var journalPath: String { "\(folder)/f.partial" }

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    private static let recipe = FeatureRecipe(
        model: "m", sha256: "00", precision: .float, hop: nil,
        layout: FeatureLayout(parts: [.init(net: "3^2", level: -2, width: 2), .init(net: "3^2", level: -1, width: 3)]),
        tags: ["a \"b\"", "c"], netTags: ["x", "c"])

    private func song(_ track: Int, windows: Int = 4) -> FeatureExtractor.Song {
        let start = Float(track)
        return FeatureExtractor.Song(
            track: track, windows: [windows], features: (0..<5).map { start + Float($0) / 8 },
            probabilities: [start / 16, start / 32])
    }

    private func journal(_ recipe: String = "recipe", tracks: Int = 10) throws -> FeatureJournal {
        try FeatureJournal(path: journalPath, recipe: recipe, tracks: tracks, nets: 1, features: 5, tags: 2)
    }

    private func manifest() throws -> Manifest {
        try Manifest(
            parsing: Array(
                """
                path\tsplit\tstart\tlength\ttag:a "b"\ttag:c
                one.wav\ttrain\t0\t2.5\t1\t0.5
                two.wav\ttest\t\t\t0\t1
                one.wav\ttrain\t2.5004\t7.5\t0\t0.5
                one.wav\tvalid\t20\t1\t0\t0
                one.wav\ttrain\t30\t2\t1\t1
                """.utf8), path: "\(folder)/manifest.tsv")
    }

    @Test("Rows of one file that follow each other are one part of one track; labels are weighted with their lengths")
    func tracks() throws {
        let tracks = try manifest().tracks
        #expect(tracks.map(\.path) == ["one.wav", "two.wav", "one.wav"])
        #expect(tracks.map(\.split) == [.train, .test, .valid])
        #expect(tracks[0].spans.count == 2)
        #expect(tracks[0].spans[0].start == 0 && abs((tracks[0].spans[0].length ?? 0) - 10.0004) < 1e-9)
        #expect(tracks[0].spans[1] == Track.Span(start: 30, length: 2))
        #expect(abs(tracks[0].labels[0] - 4.5 / 12) < 1e-6 && abs(tracks[0].labels[1] - 7.0 / 12) < 1e-6)
        #expect(tracks[1].spans == [Track.Span(start: 0, length: nil)])
        #expect(tracks[1].samples(of: tracks[1].spans[0], in: 1000) == 0..<1000)
        #expect(tracks[0].samples(of: tracks[0].spans[1], in: 30 * 22_050 + 5) == 661_500..<661_505)
    }

    @Test("A journal that was cut off anywhere, or damaged, goes on behind its last whole record")
    func resumes() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for track in [3, 0, 7] { try journal().append(song(track)) }
        #expect(try journal().finished == [0, 3, 7])
        let whole = try Data(contentsOf: URL(fileURLWithPath: journalPath))
        let record = 16 + 4 * 8
        for cut in [1, record - 1, record] {
            try whole.dropLast(cut).write(to: URL(fileURLWithPath: journalPath))
            let resumed = try journal()
            #expect(resumed.finished == [0, 3])
            #expect(try resumed.song(3) == song(3))
            try resumed.append(song(5))
            #expect(try resumed.song(5) == song(5))
        }
        #expect(try journal().finished == [0, 3, 5])
        var damaged = whole
        damaged[damaged.count - record - 3] ^= 1
        try damaged.write(to: URL(fileURLWithPath: journalPath))
        #expect(try journal().finished == [3])
        try Data(whole.prefix(4)).write(to: URL(fileURLWithPath: journalPath))
        #expect(try journal().finished.isEmpty)
    }

    @Test("A journal can be opened again while a program that was being started meanwhile has a copy of its descriptor")
    func copiedDescriptor() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var copy: Int32 = -1
        try withExtendedLifetime(try journal()) {
            let files = FileManager.default
            for name in try files.contentsOfDirectory(atPath: "/proc/self/fd") {
                let target = try? files.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
                if target?.hasSuffix(journalPath) == true { copy = fcntl(Int32(name) ?? -1, F_DUPFD_CLOEXEC, 3) }
            }
        }
        try #require(copy >= 0)
        defer { close(copy) }
        _ = try journal()
    }

    @Test("A journal of other options is refused, and so is one that is being written")
    func refused() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try journal()
        let busy = #expect(throws: ModelFileError.self) { try journal() }
        #expect(busy?.description == "\(journalPath): another extraction is writing it")
        try withExtendedLifetime(first) { try first.append(song(1)) }
        let other = "/tmp/\(UUID().uuidString)"
        try FileManager.default.copyItem(atPath: journalPath, toPath: other)
        defer { try? FileManager.default.removeItem(atPath: other) }
        let error = #expect(throws: ModelFileError.self) {
            try FeatureJournal(path: other, recipe: "another", tracks: 10, nets: 1, features: 5, tags: 2)
        }
        #expect(error?.description.hasPrefix("\(other): begun with other sound, nets or options") == true)
    }

    @Test("What is written is read again: features, labels, sides, the nets' own probabilities")
    func roundTrip() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tracks = try manifest().tracks
        let text = Self.recipe.text(for: tracks)
        let out = "\(folder)/f.safetensors"
        do {
            let journal = try journal(text, tracks: 3)
            try journal.append(song(2))
            try journal.append(song(0))
            try journal.append(song(1, windows: 0))
            #expect(try FeatureFile.write(journal, recipe: Self.recipe, tracks: tracks, to: out) == ["two.wav"])
        }
        #expect(FeatureFile.isOne(out) && !FeatureFile.isOne(#filePath))
        #expect(FeatureFile.recipeText(path: out) == text)
        let file = try FeatureFile(path: out)
        #expect(file.recipe == Self.recipe)
        #expect(file.tracks == ["one.wav", "one.wav"] && file.splits == [.train, .valid])
        #expect(file.features == song(0).features + song(2).features)
        #expect(file.labels == tracks[0].labels + tracks[2].labels)
        #expect(file.probabilities == [[0, 0, 0.125, 0.0625]])
        let level = FeatureLayout(parts: [.init(net: "3^2", level: -1, width: 3)])
        #expect(try file.songs(.valid, layout: level).features == [2.25, 2.375, 2.5])
        // The nets don't know one of the tags.
        #expect(file.windowPredictions(.valid, nets: ["3^2"]) == nil)
    }

    @Test("A feature file with another's parts is one line")
    func invalid() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = "\(folder)/bad.safetensors"
        func write(_ config: String, splits: String = "[\"train\"]", shape: [Int] = [1, 5]) throws -> String? {
            let writer = try SafetensorsWriter(
                path: path,
                metadata: [
                    ("format", "wavetag-features"), ("version", "1"), ("config", config), ("tracks", "[\"a\"]"),
                    ("splits", splits),
                ], tensors: [.init("features", shape)])
            try writer.append([Float](repeating: 1, count: shape.reduce(1, *)))
            try writer.finish()
            return #expect(throws: ModelFileError.self) { try FeatureFile(path: path) }?.description
        }
        #expect(try write("{") == "\(path): __metadata__.config: byte 1: a name wanted")
        let good = Self.recipe.json
        #expect(
            try write(good, splits: "[\"dev\"]")?.hasSuffix("splits: train, valid or test wanted, dev found") == true)
        #expect(try write(good, splits: "[]")?.hasSuffix("splits: 1 wanted, 0 found") == true)
        #expect(try write(good, shape: [1, 4]) == "\(path): features: shape [1, 5] wanted, [1, 4] found")
        #expect(try write(good) == "\(path): labels: missing")
        let model = #expect(throws: ModelFileError.self) { try FeatureFile(path: Fixture.path("classifiers/sigmoid")) }
        #expect(model?.description.hasSuffix("format: wavetag-features wanted") == true)
    }
}
