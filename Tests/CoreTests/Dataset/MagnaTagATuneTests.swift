import Testing

@testable import Core

@Suite("MagnaTagATune")
struct MagnaTagATuneTests {
    private let folder: DatasetFolder

    init() throws { folder = try DatasetFolder() }

    /// `annotations_final.csv` as published: everything in quotes, 188 tags.
    private func annotations(
        _ clips: [(path: String, tags: Set<Int>)], tagCount: Int = 188, end: String = "\n"
    ) -> String {
        func line(_ fields: [String]) -> String { fields.map { "\"\($0)\"" }.joined(separator: "\t") + end }
        var text = line(["clip_id"] + (0..<tagCount).map { "tag \($0)" } + ["mp3_path"])
        for (index, clip) in clips.enumerated() {
            text += line(["\(index + 2)"] + (0..<tagCount).map { clip.tags.contains($0) ? "1" : "0" } + [clip.path])
        }
        return text
    }

    private let clips: [(path: String, tags: Set<Int>)] = [
        ("0/a-0-29.mp3", [7, 100, 187]), ("b/b-0-29.mp3", [100]), ("c/c-0-29.mp3", [187, 100]),
        ("d/d-0-29.mp3", [3]), ("f/f-29-58.mp3", [3, 187]),
    ]

    private func listing(lists: Bool = false, clipInfo: String? = nil, tagCount: Int = 50) throws(DatasetError)
        -> DatasetListing
    {
        try MagnaTagATune.listing(
            annotations: folder.path + "/annotations_final.csv", clipInfo: clipInfo,
            splitLists: lists ? folder.path : nil, tagCount: tagCount)
    }

    @Test(
        "The most frequent tags, most frequent first and then by column; folders are the split",
        arguments: ["\n", "\r\n"])
    func folders(end: String) throws {
        try folder.write("annotations_final.csv", annotations(clips, end: end))
        let listing = try listing()
        // 100 and 187 stand three times, 3 twice, 7 once, the others never.
        #expect(listing.tags.prefix(7) == ["tag 100", "tag 187", "tag 3", "tag 7", "tag 0", "tag 1", "tag 2"])
        #expect(listing.tags.count == 50)
        #expect(listing.sounds.map(\.name) == clips.map(\.path))
        #expect(listing.sounds.map(\.split) == [.train, .train, .valid, .test, .test])
        #expect(listing.sounds.map(\.labels) == [[0, 1, 3], [0], [0, 1], [2], [1, 2]])
    }

    @Test("Tags that aren't among the chosen ones are left out, their clips aren't")
    func fewTags() throws {
        try folder.write("annotations_final.csv", annotations(clips))
        let listing = try listing(tagCount: 2)
        #expect(listing.tags == ["tag 100", "tag 187"])
        #expect(listing.sounds.map(\.labels) == [[0, 1], [0], [0, 1], [], [1]])
    }

    @Test("Folders 0 to b train, c validates, d to f test; others are none")
    func splitFolders() {
        #expect("0123456789ab".allSatisfy { MagnaTagATune.split(ofPath: "\($0)/x.mp3") == .train })
        #expect(MagnaTagATune.split(ofPath: "c/x.mp3") == .valid)
        #expect("def".allSatisfy { MagnaTagATune.split(ofPath: "\($0)/x.mp3") == .test })
        for path in ["g/x.mp3", "00/x.mp3", "x.mp3", "A/x.mp3", "a/b/x.mp3", ""] {
            #expect(MagnaTagATune.split(ofPath: path) == nil)
        }
    }

    private func writeLists(train: [String], valid: [String] = ["c/c-0-29.npy"], test: [String] = ["f/f-29-58.npy"])
        throws
    {
        try folder.write("train_list_pub.cP", PublishedPickle.list(train))
        try folder.write("valid_list_pub.cP", PublishedPickle.list(valid))
        try folder.write("test_list_pub.cP", PublishedPickle.list(test))
    }

    @Test("The authors' lists choose clips and their sides; tags are counted over all clips")
    func lists() throws {
        try folder.write("annotations_final.csv", annotations(clips))
        try writeLists(train: ["b/b-0-29.npy"])
        let listing = try listing(lists: true)
        #expect(listing.sounds.map(\.name) == ["b/b-0-29.mp3", "c/c-0-29.mp3", "f/f-29-58.mp3"])
        #expect(listing.sounds.map(\.split) == [.train, .valid, .test])
        #expect(listing.sounds.map(\.labels) == [[0], [0, 1], [1, 2]])
    }

    @Test("A list with an unknown clip, one twice, or another kind of path")
    func badLists() throws {
        try folder.write("annotations_final.csv", annotations(clips))
        try writeLists(train: ["b/b-0-29.npy", "b/z.npy"])
        #expect(
            folder.refusal { () throws(DatasetError) in try listing(lists: true) }
                == "train_list_pub.cP: entry 2: b/z.mp3 isn't in annotations_final.csv")
        try writeLists(train: ["c/c-0-29.npy"])
        #expect(
            folder.refusal { () throws(DatasetError) in try listing(lists: true) }
                == "valid_list_pub.cP: entry 1: c/c-0-29.mp3 is listed twice")
        try writeLists(train: ["c/c-0-29.wav"])
        #expect(
            folder.refusal { () throws(DatasetError) in try listing(lists: true) }
                == "train_list_pub.cP: entry 1: a path that ends in .npy wanted, c/c-0-29.wav found")
    }

    @Test(
        "Annotations that aren't as published are named by line",
        arguments: [
            ("clip_id", "id", "1: a header from clip_id over tags to mp3_path wanted"),
            ("tag 9\"", "tag 8\"", "1: tag 8: stands twice"),
            ("\"5\"\t\"0\"", "\"5\"\t\"2\"", "5: tag 0: 0 or 1 wanted, 2 found"),
            ("\"5\"\t\"0\"", "\"5\"\t\"\"", "5: tag 0: 0 or 1 wanted, nothing found"),
            ("\"5\"\t", "", "5: 190 columns wanted, 189 found"),
            ("d/d-", "x/d-", "5: mp3_path: a folder from 0 to f wanted, x/d-0-29.mp3 found"),
            ("d/d-", "../d-", "5: mp3_path: ../d-0-29.mp3 leaves the folder of audio"),
            ("d/d-", "/d/d-", "5: mp3_path: /d/d-0-29.mp3 leaves the folder of audio"),
            ("d/d-", "d/\td-", "5: mp3_path: a path without tabs and line breaks wanted"),
            ("d/d-", "c/c-", "5: mp3_path: c/c-0-29.mp3 stands twice"),
            ("\"5\"", "\"4\"", "5: clip_id: 4 stands twice"),
        ] as [(String, String, String)])
    func badAnnotations(original: String, spoilt: String, reason: String) throws {
        try folder.write("annotations_final.csv", annotations(clips).replacing(original, with: spoilt))
        #expect(folder.refusal { () throws(DatasetError) in try listing() } == "annotations_final.csv:\(reason)")
    }

    @Test("An empty file has no header")
    func emptyAnnotations() throws {
        try folder.write("annotations_final.csv", "\r\n")
        #expect(
            folder.refusal { () throws(DatasetError) in try listing() }
                == "annotations_final.csv:1: a header wanted, nothing found")
    }

    @Test("Fewer tags than wanted")
    func tooFewTags() throws {
        try folder.write("annotations_final.csv", annotations(clips, tagCount: 49))
        #expect(
            folder.refusal { () throws(DatasetError) in try listing() }
                == "annotations_final.csv:1: at least 50 tags wanted, 49 found")
    }

    private func clipInfo(pathOfThird: String = "c/c-0-29.mp3") -> String {
        let header = [
            "clip_id", "track_number", "title", "artist", "album", "url", "segmentStart", "segmentEnd", "original_url",
            "mp3_path",
        ]
        let rows = [
            ["2", "1", "a\tb", "\"\"q\"\"", "x\ny", "u", "0", "29", "o", "0/a-0-29.mp3"],
            ["99", "1", "never annotated", "", "", "u", "0", "29", "", ""],
            ["3", "1", "never cut", "", "", "u", "0", "29", "", ""],
            ["4", "1", "c", "", "", "u", "0", "29", "o", pathOfThird],
        ]
        return ([header] + rows).map { $0.map { "\"\($0)\"" }.joined(separator: "\t") + "\r\n" }.joined()
    }

    @Test("clip_info_final.csv may have tabs, quotes and line breaks in titles, and clips that nobody annotated")
    func clipInfoAgrees() throws {
        try folder.write("annotations_final.csv", annotations(clips))
        let info = try folder.write("clip_info_final.csv", clipInfo())
        #expect(try listing(clipInfo: info).sounds.count == 5)
    }

    @Test("A path that differs in clip_info_final.csv is named by its line")
    func clipInfoDiffers() throws {
        try folder.write("annotations_final.csv", annotations(clips))
        let info = try folder.write("clip_info_final.csv", clipInfo(pathOfThird: "c/other.mp3"))
        // The first clip's album takes two lines.
        #expect(
            folder.refusal { () throws(DatasetError) in try listing(clipInfo: info) }
                == "clip_info_final.csv:6: mp3_path: c/c-0-29.mp3 wanted, c/other.mp3 found")
    }
}
