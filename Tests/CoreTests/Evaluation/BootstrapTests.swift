import Testing

@testable import Core

@Suite("Bootstrap intervals")
struct BootstrapTests {
    private func predictions() throws -> Predictions {
        let scores = try Fixture.tensor("bootstrap.scores", in: "evaluation")
        let labels = try Fixture.tensor("bootstrap.labels", in: "evaluation")
        var predictions = Predictions(tags: ["a", "b", "c"])
        for (index, song) in try Fixture.tensor("bootstrap.songs", in: "evaluation").enumerated() {
            let range = (3 * index)..<(3 * index + 3)
            // Songs' numbers need not begin at 0 nor follow each other.
            predictions.add(
                scores: Array(scores[range]), labels: Array(labels[range]), song: 1000 - 7 * Int(song))
        }
        return predictions
    }

    @Test("They are those of scikit-learn's weighted ROC-AUC over the same draws")
    func equalsScikitLearn() throws {
        let found = try predictions().rocAUCIntervals(
            positiveFrom: 0.5, leastPositives: 1, resamples: 203, level: 0.9, seed: 5)
        let ends = found.tags.flatMap { [$0?.lower ?? .nan, $0?.upper ?? .nan] }
        for (end, expected) in zip(ends, try Fixture.doubles("bootstrap.tags", in: "evaluation")) {
            #expect(abs(end - expected) < 1e-9)
        }
        let macro = try Fixture.doubles("bootstrap.macro", in: "evaluation")
        #expect(abs(try #require(found.macro).lower - macro[0]) < 1e-9)
        #expect(abs(try #require(found.macro).upper - macro[1]) < 1e-9)
    }

    @Test("A tag with too few positives stays out of the mean")
    func leastPositives() throws {
        let positives = try Fixture.tensor("bootstrap.positives", in: "evaluation").map { Int($0) }
        let least = try #require(positives.last) + 1
        try #require(positives[0] >= least && positives[1] >= least)
        let found = try predictions().rocAUCIntervals(
            positiveFrom: 0.5, leastPositives: least, resamples: 203, level: 0.9, seed: 5)
        let macro = try Fixture.doubles("bootstrap.macro_of_two", in: "evaluation")
        #expect(abs(try #require(found.macro).lower - macro[0]) < 1e-9)
        #expect(abs(try #require(found.macro).upper - macro[1]) < 1e-9)
        #expect(found.tags[2] != nil)
    }

    @Test("A seed gives the same intervals, another seed others")
    func seeds() throws {
        let predictions = try predictions()
        func intervals(_ seed: UInt64) -> Bootstrap {
            predictions.rocAUCIntervals(positiveFrom: 0.5, leastPositives: 1, resamples: 50, seed: seed)
        }
        #expect(intervals(1) == intervals(1))
        #expect(intervals(1) != intervals(2))
    }

    @Test("A tag of one song has no interval, and belongs to the mean all the same")
    func oneSongTag() throws {
        var predictions = Predictions(tags: ["a", "b"])
        for index in 0..<40 {
            // Tag b is always wrong: with it, the mean is far lower.
            predictions.add(
                scores: [index % 3 == 0 ? 0.8 : 0.2, index < 4 ? 0.1 : 0.9],
                labels: [index % 3 == 0 ? 1 : 0, index < 4 ? 1 : 0], song: index / 4)
        }
        let found = predictions.rocAUCIntervals(positiveFrom: 0.5, leastPositives: 1)
        #expect(found.tags == [Bootstrap.Interval(lower: 1, upper: 1), nil])
        #expect(predictions.metrics(positiveFrom: 0.5, leastPositives: 1).rocAUC == 0.5)
        // A third of the resamples lack the one song, and with it the tag.
        #expect(found.macro == Bootstrap.Interval(lower: 0.5, upper: 1))
    }

    @Test("One song doesn't scatter, nor does nothing")
    func nothingToDraw() {
        var one = Predictions(tags: ["a"])
        for index in 0..<10 { one.add(scores: [Float(index)], labels: [index % 2 == 0 ? 1 : 0], song: 3) }
        let none = Bootstrap(tags: [nil], macro: nil)
        #expect(one.rocAUCIntervals(positiveFrom: 0.5, leastPositives: 1) == none)
        #expect(Predictions(tags: ["a"]).rocAUCIntervals(positiveFrom: 0.5, leastPositives: 1) == none)
    }
}
