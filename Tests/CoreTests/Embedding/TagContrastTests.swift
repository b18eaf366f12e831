import Testing

@testable import Core

@Suite("Songs of two tags")
struct TagContrastTests {
    private let tags = ["a", "b", "c", "d"]

    /// [songs, 4] of a string a song: "ab" has the first two tags.
    private func labels(_ songs: [String]) -> [Float] {
        songs.flatMap { song in tags.map { song.contains($0) ? 0.7 : 0.3 } }
    }

    @Test("Songs with both tags or neither are in no group; a label counts from the threshold up")
    func groups() {
        let labels = labels(["a", "ab", "b", "c", "ac", "bd"])
        let contrast = TagContrast(1, 0, labels: labels, tags: tags, positiveFrom: 0.7)
        #expect(contrast.tags == ["b", "a"] && contrast.groups == [[2, 5], [0, 4]])
        #expect(contrast.songs.map(\.song) == [0, 2, 4, 5] && contrast.songs.map(\.group) == [1, 0, 1, 0])
        #expect(TagContrast(1, 0, labels: labels, tags: tags, positiveFrom: 0.71).groups == [[], []])
        #expect(TagContrast(1, 0, labels: labels, tags: tags, positiveFrom: 0.3).groups == [[], []])
    }

    @Test("The pair whose smaller group is the largest, as trying all pairs finds it")
    func mostSongs() throws {
        var generator = SplitMix64(state: 8)
        for _ in 0..<50 {
            let songs = (0..<40).map { _ in tags.filter { _ in generator.nextUnit() < 0.4 }.joined() }
            let labels = labels(songs)
            let found = try #require(TagContrast.mostSongs(labels: labels, tags: tags, positiveFrom: 0.5))
            let all = tags.indices.flatMap { first in
                tags.indices.filter { $0 > first }.map {
                    TagContrast(first, $0, labels: labels, tags: tags, positiveFrom: 0.5)
                }
            }
            func smaller(_ contrast: TagContrast) -> Int { contrast.groups.map(\.count).min() ?? 0 }
            #expect(all.contains(found))
            let most = all.map(smaller).max() ?? 0
            #expect(smaller(found) == most)
            let equals = all.filter { smaller($0) == most }
            #expect(found.songs.count == equals.map(\.songs.count).max())
        }
        // One frequent tag and a rare one have more songs than c and d, but not a figure.
        let uneven = labels(["a", "a", "a", "a", "a", "ac", "ac", "ad", "ad", "b", "acd"])
        #expect(TagContrast.mostSongs(labels: uneven, tags: tags, positiveFrom: 0.5)?.tags == ["c", "d"])
        #expect(TagContrast.mostSongs(labels: labels(["a", "b", "ab"]), tags: tags, positiveFrom: 0.5) == nil)
        #expect(TagContrast.mostSongs(labels: [1, 1], tags: ["a"], positiveFrom: 0.5) == nil)
    }

    @Test("A draw keeps the groups' proportion, two songs at least, and is the same for the same seed")
    func drawn() {
        let songs = (0..<100).map { $0 % 4 == 0 ? "b" : "a" } + ["c", "c"]
        let contrast = TagContrast(0, 1, labels: labels(songs), tags: tags, positiveFrom: 0.5)
        #expect(contrast.drawn(atMost: 100, seed: 1) == contrast)
        let drawn = contrast.drawn(atMost: 20, seed: 1)
        #expect(drawn.groups.map(\.count) == [15, 5])
        for (some, all) in zip(drawn.groups, contrast.groups) {
            #expect(Set(some).isSubset(of: all) && Set(some).count == some.count && some == some.sorted())
        }
        #expect(contrast.drawn(atMost: 20, seed: 1) == drawn)
        #expect(contrast.drawn(atMost: 20, seed: 2) != drawn)
        let rare = TagContrast(0, 2, labels: labels(songs), tags: tags, positiveFrom: 0.5)
        #expect(rare.drawn(atMost: 4, seed: 1).groups.map(\.count) == [2, 2])
        #expect(rare.drawn(atMost: 30, seed: 1).groups.map(\.count) == [28, 2])
    }
}
