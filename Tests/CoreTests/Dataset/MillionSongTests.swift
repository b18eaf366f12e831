import Testing

@testable import Core

@Suite("Million Song Dataset")
struct MillionSongTests {
    private let folder: DatasetFolder
    private let tracks = (1...5).map { "TRAAAAA128F000000\($0)" }

    init() throws {
        folder = try DatasetFolder()
        try folder.write("50tagList.txt", "rock\r\nfemale vocalists\r\n00s\r\n")
        try folder.write("filtered_list_train.cP", PublishedPickle.list(Array(tracks[..<3])))
        try folder.write("filtered_list_test.cP", PublishedPickle.list(Array(tracks[3...])))
        try folder.write(
            "msd_id_to_tag_vector.cP",
            PublishedPickle.vectors(
                tracks.enumerated().map { ($1, [$0 == 0, $0 % 2 == 0, $0 == 4]) }))
        try folder.write(
            "MSD_id_to_7D_id.pkl", PublishedPickle.dictionary(tracks.dropLast().map { ($0, "894747\($0.suffix(1))") }))
        try folder.write(
            "7D_id_to_path.pkl",
            PublishedPickle.dictionary((1...3).map { ("894747\($0)", "8/9/894747\($0).clip.mp3") }))
    }

    private func listing(trainCount: Int = 2) throws(DatasetError) -> DatasetListing {
        try MillionSong.listing(
            lists: folder.path, paths: TrackPaths(folder: folder.path), trainCount: trainCount)
    }

    @Test("Tags, paths by two dictionaries, and the training list's rest validates")
    func published() throws {
        let listing = try listing()
        #expect(listing.tags == ["rock", "female vocalists", "00s"])
        #expect(listing.sounds.map(\.split) == [.train, .train, .valid, .test, .test])
        #expect(listing.sounds.map(\.labels) == [[0, 1], [], [1], [], [1, 2]])
        #expect(listing.sounds.prefix(3).map(\.candidates) == (1...3).map { ["8/9/894747\($0).clip.mp3"] })
    }

    @Test("A track without a path is listed by its identifier, and is nowhere")
    func unmapped() throws {
        let sounds = try listing().sounds
        #expect(sounds.suffix(2).map(\.name) == Array(tracks.suffix(2)))
        #expect(sounds.suffix(2).allSatisfy { $0.candidates.isEmpty })
    }

    private func expectRefused(_ reason: String, trainCount: Int = 2, _ location: SourceLocation = #_sourceLocation) {
        let found = folder.refusal { () throws(DatasetError) in try listing(trainCount: trainCount) }
        #expect(found == reason, sourceLocation: location)
    }

    @Test("Lists that don't belong together")
    func inconsistent() throws {
        expectRefused("filtered_list_train.cP: at least 4 tracks wanted, 3 found", trainCount: 4)
        try folder.write("filtered_list_test.cP", PublishedPickle.list([tracks[3], tracks[0]]))
        expectRefused("filtered_list_test.cP: entry 2: \(tracks[0]) is listed twice")
        try folder.write("filtered_list_test.cP", PublishedPickle.list(["894747"]))
        expectRefused("filtered_list_test.cP: entry 1: a track's identifier wanted, 894747 found")
        try folder.write("filtered_list_test.cP", PublishedPickle.list(["TRZZZZZ128F0000000"]))
        expectRefused("msd_id_to_tag_vector.cP: TRZZZZZ128F0000000: no such track")
    }

    @Test("As many numbers a track as there are tags, paths that stay where they belong, tags once")
    func badContents() throws {
        try folder.write("50tagList.txt", "rock\npop\n")
        expectRefused("msd_id_to_tag_vector.cP: \(tracks[0]): 2 numbers wanted, each 0 or 1")
        try folder.write("50tagList.txt", "rock\npop\nrock\n")
        expectRefused("50tagList.txt:3: rock: stands twice")
        try folder.write("7D_id_to_path.pkl", PublishedPickle.dictionary([("8947471", "../x.mp3")]))
        expectRefused("7D_id_to_path.pkl: 8947471: ../x.mp3 leaves the folder of audio")
    }
}
