import Core

/// What a song has said so far: for each net the mean over windows of their features and of their probabilities.
///
/// Lee and Nam, IEEE SPL 2017, section II-B: activations are max-pooled over a window and averaged over the song's windows.
/// Sums are Float64: after a year of windows a Float32 sum would no longer move. The state's size is constant.
///
/// Windows that end in silence wait until the silence is over: if it ends the song, they never belonged to it.
final class SongAggregator {
    /// One net's sums.
    private struct Sums {
        var features: [Double]
        var probabilities: [Double]
        var windows = 0

        init(features: Int, tags: Int) {
            self.features = [Double](repeating: 0, count: features)
            probabilities = [Double](repeating: 0, count: tags)
        }

        mutating func clear() {
            for index in features.indices { features[index] = 0 }
            for index in probabilities.indices { probabilities[index] = 0 }
            windows = 0
        }

        mutating func add(_ result: WindowResult) {
            for index in features.indices { features[index] += Double(result.features[index]) }
            for index in probabilities.indices { probabilities[index] += Double(result.probabilities[index]) }
            windows += 1
        }

        mutating func add(_ other: Sums) {
            for index in features.indices { features[index] += other.features[index] }
            for index in probabilities.indices { probabilities[index] += other.probabilities[index] }
            windows += other.windows
        }
    }

    private var sums: [Sums]
    /// Windows that ended since the last loud block.
    private var waiting: [Sums]
    private let classifier: SongClassifier?
    /// The mean features of all nets, one behind the other, as the classifier reads them.
    private var means: [Float]

    init(shapes: [NetShape], tags: Int, classifier: SongClassifier?) {
        sums = shapes.map { Sums(features: $0.featureCount, tags: tags) }
        waiting = sums
        self.classifier = classifier
        means = [Float](repeating: 0, count: shapes.reduce(0) { $0 + $1.featureCount })
    }

    /// Windows of the net that has the fewest.
    var windows: Int { sums.reduce(Int.max) { min($0, $1.windows) } }

    /// Whether there is a window of any net.
    var isEmpty: Bool { sums.allSatisfy { $0.windows == 0 } }

    var usesClassifier: Bool { classifier != nil }

    func add(_ result: WindowResult, net: Int, inSilence: Bool) {
        if inSilence { waiting[net].add(result) } else { sums[net].add(result) }
    }

    /// Sound has come back: windows that ended in the silence belong to the song.
    func silenceWasAPause() {
        for net in sums.indices where waiting[net].windows > 0 {
            sums[net].add(waiting[net])
            waiting[net].clear()
        }
    }

    /// A new song.
    func clear() {
        for net in sums.indices {
            sums[net].clear()
            waiting[net].clear()
        }
    }

    /// The song's vector so far: of each net the mean of its windows' features, one net behind the other, as
    /// `FeatureExtractor` makes it; nil until every net has a window. Allocates: for tests and for who wants it rarely.
    var features: [Float]? {
        guard windows > 0 else { return nil }
        average()
        return Array(means)
    }

    private func average() {
        var offset = 0
        for net in sums.indices {
            let windows = Double(sums[net].windows)
            for index in sums[net].features.indices {
                means[offset + index] = Float(sums[net].features[index] / windows)
            }
            offset += sums[net].features.count
        }
    }

    /// The song's probabilities, [tags]: the classifier's over the mean features, once every net has a window;
    /// without a classifier the mean over nets of the mean over windows of their probabilities.
    ///
    /// - Returns: whether there were any; otherwise `song` is as it was.
    func probabilities(into song: inout [Float]) -> Bool {
        if let classifier {
            guard windows > 0 else { return false }
            average()
            means.withUnsafeBufferPointer { features in
                song.withUnsafeMutableBufferPointer {
                    classifier.probabilities(of: features.baseAddress!, into: $0.baseAddress!)
                }
            }
            return true
        }
        guard !isEmpty else { return false }
        for tag in song.indices {
            var sum = 0.0
            var nets = 0.0
            for net in sums.indices where sums[net].windows > 0 {
                sum += sums[net].probabilities[tag] / Double(sums[net].windows)
                nets += 1
            }
            song[tag] = Float(sum / nets)
        }
        return true
    }
}
