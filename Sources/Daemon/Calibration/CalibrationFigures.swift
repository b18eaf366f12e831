import Core

/// What calibration did on one split.
struct CalibrationFigures {
    struct Tag {
        let name: String
        /// Positive windows, or songs.
        let positives: Int
        let rocAUC: Double?
        /// Expected calibration errors.
        let before: Double
        let after: Double
        /// At the tag's threshold.
        let choice: ThresholdChoice
        /// Share of quiet windows in which it is heard; nil where none were listened to.
        let falseAlarms: Double?
    }

    /// Windows, or songs.
    let count: Int
    let tags: [Tag]
    /// Tags with enough positives: those that means are over.
    let counted: [Tag]
    /// All tags' windows together.
    let before: Double
    let after: Double
    /// The mean over tags with labels understood in the other way: shares as positives, positives as shares. nil where no
    /// tag is counted, or labels are 0 and 1 anyway.
    let otherwise: (before: Double, after: Double)?

    /// - Parameters:
    ///   - logits: each net's.
    ///   - thresholds: by tag.
    init(
        _ logits: [Predictions], _ calibration: ModelCalibration, thresholds: [String: Float],
        labels: ModelCalibration.Labels, positiveFrom: Float, least: Int, falseAlarms: [String: Double] = [:]
    ) {
        let unscaled = ModelCalibration(
            nets: logits.count, tags: logits[0].tags.count, output: calibration.output)
        let (first, then) = (unscaled.probabilities(of: logits), calibration.probabilities(of: logits))
        let metrics = then.metrics(positiveFrom: positiveFrom, leastPositives: least)
        let (firstRead, thenRead) = (first.with(labels), then.with(labels))
        count = then.scores.count
        tags = then.tags.enumerated().map { index, tag in
            let choice = ThresholdChoice(
                thresholds[tag] ?? Model.usualThreshold, scores: then.scores.map { $0[index] },
                positive: then.labels.map { $0[index] >= positiveFrom })
            return Tag(
                name: tag, positives: metrics.tags[index].positives, rocAUC: metrics.tags[index].rocAUC,
                before: firstRead.calibration(tag: index).expectedError,
                after: thenRead.calibration(tag: index).expectedError, choice: choice, falseAlarms: falseAlarms[tag])
        }
        counted = tags.filter { $0.positives >= max(1, least) && $0.rocAUC != nil }
        before = firstRead.calibration().expectedError
        after = thenRead.calibration().expectedError
        let isHard = then.labels.allSatisfy { $0.allSatisfy { $0 == 0 || $0 == 1 } }
        let judged = tags.map { $0.positives >= max(1, least) && $0.rocAUC != nil }
        let places = judged.indices.filter { judged[$0] }
        guard !isHard, !places.isEmpty else {
            otherwise = nil
            return
        }
        let reading = labels == .shares ? ModelCalibration.Labels.positive(from: positiveFrom) : .shares
        let (firstOther, thenOther) = (first.with(reading), then.with(reading))
        func mean(_ predictions: Predictions) -> Double {
            places.reduce(0) { $0 + predictions.calibration(tag: $1).expectedError } / Double(places.count)
        }
        otherwise = (mean(firstOther), mean(thenOther))
    }

    /// Of the tags that are counted; nil where there are none.
    func mean(_ value: (Tag) -> Double?) -> Double? {
        counted.isEmpty ? nil : counted.reduce(0) { $0 + (value($1) ?? 0) } / Double(counted.count)
    }
}
