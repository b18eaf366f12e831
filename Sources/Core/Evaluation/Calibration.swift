/// Whether probabilities mean what they say: of all windows said to be 0.3, are three in ten positive?
public struct Calibration: Sendable, Equatable {
    /// Windows whose probabilities are alike.
    public struct Bin: Sendable, Equatable {
        /// At least 1.
        public let count: Int
        /// Mean of what was said.
        public let probability: Double
        /// Mean of the labels: with labels of 0 and 1, the share of positives.
        public let label: Double
    }

    /// Those of the equally wide bins that hold any windows, the least probable first.
    public let bins: [Bin]
    /// Expected calibration error: how far bins' probabilities are from their labels, the mean over windows.
    ///
    /// Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015,
    /// section "Empirical results". 0 where there are no windows.
    public let expectedError: Double

    /// - Parameters:
    ///   - scores: probabilities.
    ///   - labels: 0 to 1; a soft label counts as that share of a positive.
    ///   - binCount: a probability on the border of two bins belongs to the lower, as in scikit-learn's
    ///     `calibration_curve`.
    public init(scores: [Float], labels: [Float], binCount: Int = 10) {
        precondition(scores.count == labels.count && binCount > 0)
        var sums = [(count: Int, score: Double, label: Double)](repeating: (0, 0, 0), count: binCount)
        let borders = (1..<max(1, binCount)).map { Double($0) * (1 / Double(binCount)) }
        for (score, label) in zip(scores, labels) {
            let bin = borders.firstIndex { Double(score) <= $0 } ?? binCount - 1
            sums[bin].count += 1
            sums[bin].score += Double(score)
            sums[bin].label += Double(label)
        }
        bins = sums.filter { $0.count > 0 }.map {
            Bin(count: $0.count, probability: $0.score / Double($0.count), label: $0.label / Double($0.count))
        }
        let error = sums.reduce(0) { $0 + abs($1.score - $1.label) }
        expectedError = scores.isEmpty ? 0 : error / Double(scores.count)
    }
}

extension Predictions {
    /// One tag's.
    public func calibration(tag: Int, binCount: Int = 10) -> Calibration {
        Calibration(scores: scores.map { $0[tag] }, labels: labels.map { $0[tag] }, binCount: binCount)
    }

    /// All tags' together, each window of each tag counting once.
    public func calibration(binCount: Int = 10) -> Calibration {
        Calibration(scores: Array(scores.joined()), labels: Array(labels.joined()), binCount: binCount)
    }
}
