import Testing

@testable import Core

@Suite("Worst mistakes")
struct MistakesTests {
    private func predictions(_ rows: [(scores: [Float], labels: [Float], song: Int, start: Double)]) -> Predictions {
        var predictions = Predictions(tags: ["a", "b"])
        for row in rows { predictions.add(scores: row.scores, labels: row.labels, song: row.song, start: row.start) }
        return predictions
    }

    @Test("The surest come first, and a song only once for a tag")
    func tags() {
        let found = predictions([
            ([0.9, 0.1], [0, 1], 0, 0), ([0.95, 0.2], [0.2, 1], 0, 2.5), ([0.6, 0.05], [0, 0], 1, 7),
            ([0.99, 0.99], [1, 1], 1, 9), ([0.4, 0.4], [0, 0.4], 2, 1),
        ])
        #expect(
            found.falseAlarms(count: 9, positiveFrom: 0.3) == [
                Mistake(index: 1, song: 0, start: 2.5, tag: 0, probability: 0.95, label: 0.2, alike: 1),
                Mistake(index: 2, song: 1, start: 7, tag: 0, probability: 0.6, label: 0, alike: 0),
            ])
        #expect(
            found.misses(count: 9, positiveFrom: 0.3) == [
                Mistake(index: 0, song: 0, start: 0, tag: 1, probability: 0.1, label: 1, alike: 1),
                Mistake(index: 4, song: 2, start: 1, tag: 1, probability: 0.4, label: 0.4, alike: 0),
            ])
        #expect(found.misses(count: 1, positiveFrom: 0.3).map(\.song) == [0])
        #expect(found.falseAlarms(count: 9, positiveFrom: 0.3, soundsFrom: 0.7).count == 1)
        #expect(found.bySong().starts == [0, 0, 0])
    }

    @Test("A genre is mistaken where another is likelier, and a window without a label can't be")
    func genres() {
        let found = predictions([
            ([0.4, 0.3], [0, 1], 0, 0), ([0.3, 0.7], [1, 0], 1, 3), ([0.2, 0.8], [0, 1], 2, 0),
            ([0.9, 0.1], [0, 0], 3, 0),
        ])
        #expect(found.confusions(count: 9).map(\.song) == [1, 0])
        #expect(found.confusions(count: 9).map(\.tag) == [1, 0])
    }

    @Test("Equals keep the order of windows and tags")
    func equals() {
        let rows = (0..<20).map {
            (scores: [Float(0.75), Float(0.75)], labels: [Float(0), Float(0)], song: $0, start: 0.0)
        }
        let found = predictions(rows).falseAlarms(count: 7, positiveFrom: 0.5)
        #expect(found.map(\.song) == [0, 0, 1, 1, 2, 2, 3] && found.map(\.tag) == [0, 1, 0, 1, 0, 1, 0])
    }
}
