/// Predictions and labels of a split's windows, and what they are worth.
public struct Predictions: Sendable {
    public let tags: [String]
    /// [windows][tags].
    public private(set) var scores: [[Float]] = []
    /// [windows][tags], each 0 to 1.
    public private(set) var labels: [[Float]] = []
    /// [windows]: which song each belongs to.
    public private(set) var songs: [Int] = []
    /// [windows]: seconds into the song's file; 0 where they stand for whole songs.
    public private(set) var starts: [Double] = []

    public init(tags: [String]) { self.tags = tags }

    /// - Parameter start: seconds into the song's file.
    public mutating func add(scores: [Float], labels: [Float], song: Int, start: Double = 0) {
        precondition(scores.count == tags.count && labels.count == tags.count)
        self.scores.append(scores)
        self.labels.append(labels)
        songs.append(song)
        starts.append(start)
    }

    public mutating func add(_ other: Predictions) {
        scores += other.scores
        labels += other.labels
        songs += other.songs
        starts += other.starts
    }

    /// A song's predictions and labels are the means of its windows', as in the papers.
    public func bySong() -> Predictions {
        var sums: [Int: (scores: [Double], labels: [Double], count: Int)] = [:]
        for index in scores.indices {
            let zeros = [Double](repeating: 0, count: tags.count)
            var sum = sums[songs[index]] ?? (zeros, zeros, 0)
            for tag in tags.indices {
                sum.scores[tag] += Double(scores[index][tag])
                sum.labels[tag] += Double(labels[index][tag])
            }
            sum.count += 1
            sums[songs[index]] = sum
        }
        var result = Predictions(tags: tags)
        for (song, sum) in sums.sorted(by: { $0.key < $1.key }) {
            let factor = 1 / Double(sum.count)
            result.add(
                scores: sum.scores.map { Float($0 * factor) }, labels: sum.labels.map { Float($0 * factor) }, song: song
            )
        }
        return result
    }

    /// One tag's figures; nil where it has only positives or only negatives.
    public struct TagMetrics: Sendable, Equatable {
        public let tag: String
        public let positives: Int
        public let rocAUC: Double?
        public let averagePrecision: Double?
    }

    public struct Metrics: Sendable, Equatable {
        /// Windows or songs.
        public let count: Int
        public let tags: [TagMetrics]
        /// Tags that the means are over: those with enough positives.
        public let tagsCounted: Int
        /// Means over those tags; nil where there are none.
        public let rocAUC: Double?
        public let averagePrecision: Double?
        /// How often the likeliest tag is the label's, where there is a label.
        public let accuracy: Double?
    }

    /// - Parameters:
    ///   - positiveFrom: a label this large or larger is a positive.
    ///   - leastPositives: tags with fewer are left out of the means.
    public func metrics(positiveFrom: Float, leastPositives: Int) -> Metrics {
        let metrics = tags.indices.map { tag in
            let positive = labels.map { $0[tag] >= positiveFrom }
            let column = scores.map { $0[tag] }
            return TagMetrics(
                tag: tags[tag], positives: positive.count { $0 },
                rocAUC: RankingMetrics.rocAUC(scores: column, positive: positive),
                averagePrecision: RankingMetrics.averagePrecision(scores: column, positive: positive))
        }
        let counted = metrics.filter { $0.positives >= max(1, leastPositives) && $0.rocAUC != nil }
        func mean(_ value: (TagMetrics) -> Double?) -> Double? {
            counted.isEmpty ? nil : counted.reduce(0) { $0 + (value($1) ?? 0) } / Double(counted.count)
        }
        return Metrics(
            count: scores.count, tags: metrics, tagsCounted: counted.count, rocAUC: mean(\.rocAUC),
            averagePrecision: mean(\.averagePrecision), accuracy: confusionMatrix.accuracy)
    }

    /// How far these predictions are from others of the same windows.
    public func fidelity(against other: Predictions, gain: Double = 0) -> Fidelity {
        precondition(scores.count == other.scores.count)
        var differences: [Float] = []
        differences.reserveCapacity(scores.count * tags.count)
        for (own, others) in zip(scores, other.scores) {
            for (a, b) in zip(own, others) { differences.append(abs(a - b)) }
        }
        return Fidelity(level: .gain(gain), differences: differences)
    }
}
