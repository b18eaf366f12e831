import Foundation
import Testing

@testable import Core

@Suite("Manifest writer")
struct ManifestWriterTests {
    private let folder: DatasetFolder

    init() throws { folder = try DatasetFolder() }

    private let listing = DatasetListing(
        tags: ["slow", "no voice", "never"],
        sounds: [
            .init(name: "0/a.mp3", candidates: ["0/a.mp3"], split: .train, labels: [0, 1]),
            .init(name: "c/gone.mp3", candidates: ["c/gone.mp3"], split: .valid, labels: [0]),
            .init(name: "c/b.wav", candidates: ["c/b.wav", "c/b.au"], split: .valid, labels: [1]),
            .init(name: "d/empty.mp3", candidates: ["d/empty.mp3"], split: .test, labels: [1]),
            .init(name: "d/folder.mp3", candidates: ["d/folder.mp3"], split: .test, labels: [1]),
            .init(name: "TRX", candidates: [], split: .test, labels: []),
        ])

    private func found() throws -> FoundSounds {
        try folder.write("audio/0/a.mp3", "x")
        try folder.write("audio/c/b.au", "x")
        try folder.write("audio/d/empty.mp3", "")
        try folder.write("audio/d/folder.mp3/file", "x")
        return try FoundSounds(listing, in: folder.path + "/audio")
    }

    private func manifest(_ name: String) throws -> String {
        try ManifestWriter.write(try found(), audio: folder.path + "/audio", to: "\(folder.path)/\(name)")
        return try folder.read(name)
    }

    private func expected(_ prefix: String) -> String {
        "path\tsplit\ttag:slow\ttag:no voice\ttag:never\n"
            + "\(prefix)0/a.mp3\ttrain\t1\t1\t0\n\(prefix)c/b.au\tvalid\t0\t1\t0\n"
    }

    @Test("Sounds that are there are written; what is missing and what is empty are told apart")
    func presence() throws {
        let found = try found()
        #expect(found.sounds.map(\.path) == ["0/a.mp3", "c/b.au"])
        #expect(found.absent.map(\.absence) == [.missing, .empty, .missing, .missing])
        try ManifestWriter.writeAbsent(found, to: folder.path + "/missing.txt")
        #expect(
            try folder.read("missing.txt")
                == "c/gone.mp3\tmissing\nd/empty.mp3\tempty\nd/folder.mp3\tmissing\nTRX\tmissing\n")
    }

    @Test("Paths are relative to a manifest beside, in or above the folder of audio")
    func relative() throws {
        #expect(try manifest("set.tsv") == expected("audio/"))
        #expect(try manifest("audio/set.tsv") == expected(""))
    }

    @Test("Paths are absolute where the audio isn't below the manifest")
    func absolute() throws {
        // A folder whose name begins as the other's, too.
        for place in ["elsewhere", "aud"] {
            try folder.write("\(place)/other", "")
            #expect(try manifest("\(place)/set.tsv") == expected(folder.path + "/audio/"))
        }
    }

    @Test("Links are followed before paths are compared")
    func links() throws {
        try folder.write("real/other", "")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/link", withDestinationPath: folder.path + "/real")
        try folder.write("real/audio/0/a.mp3", "x")
        let found = try FoundSounds(listing, in: folder.path + "/link/audio")
        try ManifestWriter.write(found, audio: folder.path + "/link/audio", to: folder.path + "/real/set.tsv")
        #expect(try folder.read("real/set.tsv").contains("\naudio/0/a.mp3\ttrain\t"))
    }

    @Test("What can't be written leaves the old manifest, and nothing beside it")
    func unwritable() throws {
        try folder.write("taken/file", "")
        let error = #expect(throws: DatasetError.self) { try manifest("taken") }
        #expect(error?.kind == .unreadable)
        #expect(error?.description == "\(folder.path)/taken: Is a directory")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/taken.partial"))
        #expect(#expect(throws: DatasetError.self) { try manifest("no/such/set.tsv") }?.kind == .unreadable)
    }

    @Test("A folder of audio that isn't there is missing; a file in its place can't be read")
    func noFolder() throws {
        let file = try folder.write("file", "x")
        #expect(#expect(throws: DatasetError.self) { try FoundSounds(listing, in: "/nonexistent") }?.kind == .missing)
        #expect(#expect(throws: DatasetError.self) { try FoundSounds(listing, in: file) }?.kind == .unreadable)
    }
}
