import Testing

@testable import Core

@Suite("Ranking metrics")
struct RankingMetricsTests {
    @Test("ROC-AUC and average precision are scikit-learn's", arguments: 0..<6)
    func equalsScikitLearn(index: Int) throws {
        let scores = try Fixture.tensor("\(index).scores", in: "metrics")
        let positive = try Fixture.tensor("\(index).positive", in: "metrics").map { $0 > 0.5 }
        // Each expectation is two floats whose sum holds a double.
        let expected = try Fixture.tensor("\(index).expected", in: "metrics").map(Double.init)
        let auc = try #require(RankingMetrics.rocAUC(scores: scores, positive: positive))
        let precision = try #require(RankingMetrics.averagePrecision(scores: scores, positive: positive))
        #expect(abs(auc - (expected[0] + expected[1])) < 1e-9)
        #expect(abs(precision - (expected[2] + expected[3])) < 1e-9)
    }

    @Test("Where there is nothing to rank there is no number")
    func nothingToRank() {
        #expect(RankingMetrics.rocAUC(scores: [1, 2], positive: [true, true]) == nil)
        #expect(RankingMetrics.rocAUC(scores: [], positive: []) == nil)
        #expect(RankingMetrics.averagePrecision(scores: [1, 2], positive: [false, false]) == nil)
    }

    @Test("A song is the mean of its windows, and tags with too few positives stay out of means")
    func bySong() throws {
        var predictions = Predictions(tags: ["a", "b"])
        predictions.add(scores: [0.9, 0.1], labels: [1, 0], song: 4)
        predictions.add(scores: [0.5, 0.3], labels: [0, 0], song: 4)
        predictions.add(scores: [0.2, 0.8], labels: [0, 1], song: 2)
        let songs = predictions.bySong()
        #expect(songs.scores == [[0.2, 0.8], [0.7, 0.2]] && songs.labels == [[0, 1], [0.5, 0]])
        let metrics = predictions.metrics(positiveFrom: 0.5, leastPositives: 1)
        #expect(metrics.rocAUC == 1 && metrics.tagsCounted == 2 && metrics.accuracy == 1)
        #expect(predictions.metrics(positiveFrom: 0.5, leastPositives: 2).rocAUC == nil)
    }
}
