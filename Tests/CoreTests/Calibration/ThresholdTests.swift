import Testing

@testable import Core

@Suite("Thresholds")
struct ThresholdTests {
    @Test("The best F is the best that scikit-learn finds", arguments: 0..<3)
    func best(index: Int) throws {
        let scores = try Fixture.tensor("threshold.\(index).scores", in: "calibration")
        let positive = try Fixture.tensor("threshold.\(index).positive", in: "calibration").map { $0 > 0.5 }
        let expected = try Fixture.doubles("threshold.\(index).expected", in: "calibration")
        for (beta, wanted) in zip([1, 0.5, 2], expected) {
            let choice = try #require(ThresholdChoice.best(scores: scores, positive: positive, beta: beta))
            #expect(abs((choice.f(beta) ?? 0) - wanted) < 1e-9, "beta \(beta): \(choice)")
            #expect(choice == ThresholdChoice(choice.threshold, scores: scores, positive: positive))
            #expect(choice.threshold > 0 && choice.threshold <= 1)
        }
    }

    @Test("Without positives there is none; what is never heard has no precision")
    func none() {
        #expect(ThresholdChoice.best(scores: [0.1, 0.9], positive: [false, false]) == nil)
        let silent = ThresholdChoice(0.95, scores: [0.1, 0.9], positive: [false, true])
        #expect(silent.precision == nil && silent.recall == 0 && silent.f() == 0)
        let one = ThresholdChoice.best(scores: [0.2, 0.4], positive: [false, true])
        #expect(one?.threshold == 0.3 && one?.f() == 1)
        // Nearer to each other than four decimals.
        let near = ThresholdChoice.best(scores: [0.30001, 0.30002, 0.30003], positive: [false, true, true])
        #expect(near.map { $0.threshold <= 0.30002 && $0.recall == 1 } == true)
    }

    /// 1000 quiet windows of four tags, of which one says that there is no music.
    private func quiet() -> Predictions {
        var generator = SplitMix64(state: 21)
        var predictions = Predictions(tags: ["piano", "drums", "noise", "speech"])
        for window in 0..<1000 {
            let scores = (0..<4).map { _ in abs(generator.nextUniform() * generator.nextUniform()) }
            // Every third window is speech, and says so.
            predictions.add(scores: scores, labels: [0, 0, 0, window % 3 == 0 ? 1 : 0], song: window)
        }
        return predictions
    }

    @Test("False alarms are counted by hand: not where the tag is labelled, and not of tags of no music")
    func alarms() {
        let quiet = quiet()
        let thresholds: [Float] = [0.5, 0.7, 0.1, 0.6]
        let found = FalseAlarms(quiet, thresholds: thresholds, except: ["noise"], positiveFrom: 0.5)
        var (any, tags) = (0, [0, 0, 0, 0])
        for window in 0..<1000 {
            let heard = (0..<4).map { quiet.scores[window][$0] >= thresholds[$0] && quiet.labels[window][$0] < 0.5 }
            for tag in 0..<4 where heard[tag] { tags[tag] += 1 }
            if heard[0] || heard[1] || heard[3] { any += 1 }
        }
        #expect(found.windows == 1000 && found.any == Double(any) / 1000)
        #expect(found.byTag == tags.map { Double($0) / 1000 } && any > 0)
    }

    @Test(
        "Raised thresholds keep to the share of windows, never fall, and are no higher than they must be",
        arguments: [0, 0.005, 0.02, 0.2, 1])
    func raised(share: Double) {
        let quiet = quiet()
        let before: [Float] = [0.5, 0.01, 0.1, 0.6]
        let after = FalseAlarms.raised(before, over: quiet, share: share, except: ["noise"], positiveFrom: 0.5)
        func any(_ thresholds: [Float]) -> Double {
            FalseAlarms(quiet, thresholds: thresholds, except: ["noise"], positiveFrom: 0.5).any
        }
        #expect(any(after) <= share && zip(before, after).allSatisfy { $0 <= $1 } && after[2] == before[2])
        #expect(any(before) > 0.2)
        if share == 1 { #expect(after == before) }
        if (0.005...0.2).contains(share) {
            // With all of them a little lower there would be too many.
            let lower = zip(before, after).map { max($0, $1 * 0.97) }
            #expect(any(lower) > share)
        }
    }
}
