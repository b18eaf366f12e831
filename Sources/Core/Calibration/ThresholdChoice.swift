/// From which probability on a tag counts as heard.
public struct ThresholdChoice: Sendable, Equatable {
    /// Four decimals, as events have.
    public let threshold: Float
    /// At that threshold; nil where nothing is heard, or there are no positives.
    public let precision: Double?
    public let recall: Double?

    /// The weighted harmonic mean of precision and recall; nil without positives.
    ///
    /// - Parameter beta: recall counts so many times as much as precision.
    public func f(_ beta: Double = 1) -> Double? {
        guard let recall else { return nil }
        guard let precision, precision + recall > 0 else { return 0 }
        return (1 + beta * beta) * precision * recall / (beta * beta * precision + recall)
    }

    /// How a tag fares at a threshold.
    public init(_ threshold: Float, scores: [Float], positive: [Bool]) {
        var (hits, heard, positives) = (0, 0, 0)
        for (score, isPositive) in zip(scores, positive) {
            if isPositive { positives += 1 }
            guard score >= threshold else { continue }
            heard += 1
            if isPositive { hits += 1 }
        }
        self.threshold = threshold
        precision = heard > 0 ? Double(hits) / Double(heard) : nil
        recall = positives > 0 ? Double(hits) / Double(positives) : nil
    }

    /// The threshold with the best F; the highest of equals. It lies half-way to the next lower score, so that it doesn't
    /// hang on a hair.
    ///
    /// - Returns: nil where there are no positives.
    public static func best(scores: [Float], positive: [Bool], beta: Double = 1) -> ThresholdChoice? {
        let curve = ThresholdCurve(scores: scores, positive: positive)
        guard curve.positives > 0 else { return nil }
        var best: (index: Int, f: Double)?
        for (index, point) in curve.points.enumerated() {
            let weight = beta * beta
            let hits = (1 + weight) * Double(point.truePositives)
            let f = hits / (weight * Double(curve.positives) + Double(point.truePositives + point.falsePositives))
            if f > best?.f ?? 0 { best = (index, f) }
        }
        guard let best else { return nil }
        let score = curve.points[best.index].threshold
        let below = best.index + 1 < curve.points.count ? curve.points[best.index + 1].threshold : 0
        let middle = rounded((Double(score) + Double(below)) / 2)
        // Scores nearer to each other than four decimals: the score itself.
        let threshold = middle > below && middle <= score ? middle : rounded(Double(score), .down)
        return ThresholdChoice(threshold, scores: scores, positive: positive)
    }

    static func rounded(_ value: Double, _ rule: FloatingPointRoundingRule = .toNearestOrEven) -> Float {
        Float(min(1, (value * 10_000).rounded(rule) / 10_000))
    }
}

/// How often tags are heard where nothing has them: in windows of noise, hum, speech, silence.
public struct FalseAlarms: Sendable, Equatable {
    /// Windows listened to.
    public let windows: Int
    /// Share of windows in which any of the tags is heard and isn't labelled.
    public let any: Double
    /// [tags]: the same of each.
    public let byTag: [Double]

    /// - Parameters:
    ///   - predictions: of windows that aren't music.
    ///   - thresholds: [tags].
    ///   - except: tags that say that there is no music, and so are no alarms.
    ///   - positiveFrom: a label this large or larger is a positive: the tag is rightly heard.
    public init(_ predictions: Predictions, thresholds: [Float], except: Set<String>, positiveFrom: Float) {
        windows = predictions.scores.count
        var counts = [Int](repeating: 0, count: predictions.tags.count)
        var any = 0
        for (scores, labels) in zip(predictions.scores, predictions.labels) {
            var isAlarm = false
            for tag in counts.indices where scores[tag] >= thresholds[tag] && labels[tag] < positiveFrom {
                counts[tag] += 1
                if !except.contains(predictions.tags[tag]) { isAlarm = true }
            }
            if isAlarm { any += 1 }
        }
        let total = Double(max(1, windows))
        self.any = Double(any) / total
        byTag = counts.map { Double($0) / total }
    }

    /// Thresholds raised so far that at most `share` of the windows are false alarms, all tags taken together. Each tag may
    /// sound as often as every other; one that is quieter than that keeps its threshold.
    ///
    /// - Parameters: as for `init`; `except`'s thresholds stay.
    public static func raised(
        _ thresholds: [Float], over predictions: Predictions, share: Double, except: Set<String>, positiveFrom: Float
    ) -> [Float] {
        let most = Int(share * Double(predictions.scores.count))
        // [tags]: scores that would be false alarms, the highest first.
        let alarms = predictions.tags.indices.map { tag -> [Float] in
            guard !except.contains(predictions.tags[tag]) else { return [] }
            return zip(predictions.scores, predictions.labels).filter { $1[tag] < positiveFrom }.map { $0.0[tag] }
                .sorted(by: >)
        }
        func raised(allowing count: Int) -> [Float] {
            zip(thresholds, alarms).map { threshold, scores in
                guard count < scores.count, scores[count] >= threshold else { return threshold }
                return justAbove(scores[count])
            }
        }
        // The more each tag may sound, the more windows have any: the largest count that is still allowed.
        var (low, high) = (0, most)
        while low < high {
            let count = (low + high + 1) / 2
            let any = FalseAlarms(
                predictions, thresholds: raised(allowing: count), except: except, positiveFrom: positiveFrom
            ).any
            if any <= share { low = count } else { high = count - 1 }
        }
        return raised(allowing: low)
    }

    /// The next threshold of four decimals that this score doesn't reach; 1 where there is none.
    private static func justAbove(_ score: Float) -> Float {
        let up = ThresholdChoice.rounded(Double(score), .up)
        return up > score ? up : ThresholdChoice.rounded(Double(up) + 0.0001)
    }
}
