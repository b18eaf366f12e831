import Testing

@testable import Core

@Suite("GTZAN")
struct GTZANTests {
    private let folder: DatasetFolder

    init() throws {
        folder = try DatasetFolder()
        try folder.write("train_filtered.txt", "blues/blues.00029.wav\r\nrock/rock.00001.wav\r\n")
        try folder.write("valid_filtered.txt", "jazz/jazz.00054.wav\n")
        try folder.write("test_filtered.txt", "hiphop/hiphop.00000.wav")
    }

    @Test("The lists' lines, with LF or CRLF; a sound may be .wav or .au")
    func lists() throws {
        let listing = try GTZAN.listing(splitLists: folder.path)
        #expect(listing.tags.count == 10)
        #expect(listing.sounds.map { listing.tags[$0.labels[0]] } == ["blues", "rock", "jazz", "hiphop"])
        #expect(listing.sounds.map(\.split) == [.train, .train, .valid, .test])
        #expect(listing.sounds[0].name == "blues/blues.00029.wav")
        #expect(listing.sounds[0].candidates == ["blues/blues.00029.wav", "blues/blues.00029.au"])
    }

    @Test(
        "Lines of another kind",
        arguments: [
            "polka/polka.00000.wav", "blues/rock.00000.wav", "blues.00000.wav", "blues/blues.000.wav",
            "blues/blues.00000.mp3", "../blues/blues.00000.wav", "blues/blues.0000٣.wav",
        ])
    func badLine(line: String) throws {
        try folder.write("valid_filtered.txt", "jazz/jazz.00054.wav\n\n\(line)\n")
        #expect(
            folder.refusal { () throws(DatasetError) in try GTZAN.listing(splitLists: folder.path) }
                == "valid_filtered.txt:3: GENRE/GENRE.00000.wav wanted, \(line) found")
    }

    @Test("A sound on two sides of the split")
    func twice() throws {
        try folder.write("test_filtered.txt", "blues/blues.00029.au\n")
        #expect(
            folder.refusal { () throws(DatasetError) in try GTZAN.listing(splitLists: folder.path) }
                == "test_filtered.txt:1: blues/blues.00029.au is listed twice")
    }

    @Test("A list that isn't there is missing, not invalid")
    func missingList() throws {
        let empty = try DatasetFolder()
        let error = #expect(throws: DatasetError.self) { try GTZAN.listing(splitLists: empty.path) }
        #expect(error?.kind == .missing)
        #expect(error?.description == "\(empty.path)/train_filtered.txt: No such file or directory")
    }
}
