import Testing

@testable import Core

@Suite("Tagtraum")
struct TagtraumTests {
    private let folder: DatasetFolder

    init() throws {
        folder = try DatasetFolder()
        try folder.write("MSD_id_to_7D_id.pkl", PublishedPickle.dictionary([(Self.track(0), "1")]))
        try folder.write("7D_id_to_path.pkl", PublishedPickle.dictionary([("1", "0/0/1.clip.mp3")]))
    }

    private static func track(_ number: Int) -> String {
        let digits = String(number)
        return "TRAAAAA128F" + String(repeating: "0", count: 7 - digits.count) + digits
    }

    private func listing(_ text: String, _ split: Tagtraum.SplitSource = .stratified(seed: 1)) throws -> DatasetListing
    {
        let annotations = try folder.write("msd_tagtraum_cd2c.cls", text)
        return try Tagtraum.listing(
            annotations: annotations, paths: TrackPaths(folder: folder.path), split: split)
    }

    /// 100 tracks of rock, 25 of jazz, one of Latin.
    private var lines: [String] {
        (0..<126).map { "\(Self.track($0))\t\($0 < 100 ? "Rock" : $0 < 125 ? "Jazz" : "Latin")" }
    }

    @Test("Comments, a minority's genre and CRLF; genres are sorted")
    func format() throws {
        let listing = try listing("# Genres\r\n#\r\n\(Self.track(0))\tRock\tPop\r\n\(Self.track(1))\tJazz\r\n")
        #expect(listing.tags == ["Jazz", "Rock"])
        let rock = try #require(listing.sounds.first { $0.name == "0/0/1.clip.mp3" })
        #expect(rock.labels == [1] && rock.candidates == ["0/0/1.clip.mp3"])
        #expect(listing.sounds.contains { $0.name == Self.track(1) && $0.labels == [0] && $0.candidates.isEmpty })
    }

    @Test("80 % of each genre train; of the rest one half validates and one tests")
    func stratified() throws {
        let listing = try listing(lines.joined(separator: "\n"))
        func counts(_ genre: String) -> [Int] {
            let place = listing.tags.firstIndex(of: genre)
            return Manifest.Split.allCases.map { split in
                listing.sounds.count { $0.split == split && $0.labels.first == place }
            }
        }
        #expect(counts("Rock") == [80, 10, 10])
        #expect(counts("Jazz") == [20, 2, 3])
        #expect(counts("Latin") == [1, 0, 0])
        #expect(Set(listing.sounds.map(\.name)).count == 126)
    }

    @Test("The split depends on the seed, not on the file's order")
    func seed() throws {
        let once = try listing(lines.joined(separator: "\n"))
        #expect(try listing(lines.reversed().joined(separator: "\n")) == once)
        let other = try listing(lines.joined(separator: "\n"), .stratified(seed: 2))
        #expect(other != once)
        #expect(other.sounds.map(\.name) == once.sounds.map(\.name))
    }

    @Test("The default seed's split never changes")
    func pinned() {
        let genres = Dictionary(uniqueKeysWithValues: (0..<20).map { (Self.track($0), "Rock") })
        let split = Tagtraum.stratified(genres, seed: Tagtraum.seed)
        #expect(split.filter { $0.split == .valid }.map(\.track) == [8, 14].map(Self.track))
        #expect(split.filter { $0.split == .test }.map(\.track) == [9, 17].map(Self.track))
    }

    @Test("The authors' lists")
    func lists() throws {
        try folder.write("train_list.cP", PublishedPickle.list([4, 2, 0].map(Self.track)))
        try folder.write("test_list.cP", PublishedPickle.list([Self.track(101)]))
        let source = Tagtraum.SplitSource.lists(folder: folder.path, trainCount: 2)
        let listing = try listing(lines.joined(separator: "\n"), source)
        #expect(listing.sounds.map(\.name) == [Self.track(4), Self.track(2), "0/0/1.clip.mp3", Self.track(101)])
        #expect(listing.sounds.map(\.split) == [.train, .train, .valid, .test])
        #expect(listing.sounds.map { listing.tags[$0.labels[0]] } == ["Rock", "Rock", "Rock", "Jazz"])

        try folder.write("test_list.cP", PublishedPickle.list([Self.track(999)]))
        let error = #expect(throws: DatasetError.self) { try self.listing(lines.joined(separator: "\n"), source) }
        #expect(error?.description.hasSuffix("\(Self.track(999)): listed, but without a genre") == true)
    }

    @Test(
        "Lines of another kind are named by number, comments counted",
        arguments: [
            ("TRAAAAA128F0000001", "2 or 3 columns wanted, 1 found"),
            ("TRAAAAA128F0000001\tRock\tPop\tJazz", "2 or 3 columns wanted, 4 found"),
            ("TRAAAAA128F000001\tRock", "a track's identifier wanted, TRAAAAA128F000001 found"),
            ("TRAAAAA128F0000001\t", "a tag wanted, nothing found"),
            ("TRAAAAA128F0000000\tPop", "TRAAAAA128F0000000 stands twice"),
        ])
    func badLine(line: String, reason: String) throws {
        let error = #expect(throws: DatasetError.self) { try listing("# Genres\n\(Self.track(0))\tRock\n\(line)\n") }
        #expect(error?.description == "\(folder.path)/msd_tagtraum_cd2c.cls:3: \(reason)")
    }
}
