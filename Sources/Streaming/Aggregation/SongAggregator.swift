import Core

/// What a song has said so far: for each net the mean over windows of their features and of their probabilities.
///
/// Lee and Nam, IEEE SPL 2017, section II-B: activations are max-pooled over a window and averaged over the song's windows.
/// The state's size is constant.
///
/// Windows that end in silence wait until the silence is over: if it ends the song, they never belonged to it. Where
/// songs are also cut some seconds back, the newest windows are kept apart as well.
final class SongAggregator {
    private var sums: [WindowSums]
    /// Windows that ended since the last loud block.
    private var waiting: [WindowSums]
    /// For each net its newest windows, those that wait among them; nil where songs are never cut back.
    private var recent: [RecentWindows]?
    private let classifier: SongClassifier?
    /// The mean features of all nets, one behind the other, as the classifier reads them.
    private var means: [Float]

    /// - Parameter reach: blocks of `NoveltyDetector` from the earliest place where a song may be cut to the newest window's
    ///   end; nil: songs are never cut back.
    init(shapes: [NetShape], tags: Int, classifier: SongClassifier?, reach: Int?) {
        sums = shapes.map { WindowSums(features: $0.featureCount, tags: tags) }
        waiting = sums
        recent = reach.map { reach in shapes.map { RecentWindows(shape: $0, tags: tags, reach: reach) } }
        self.classifier = classifier
        inUse = shapes.map { _ in true }
        means = [Float](repeating: 0, count: shapes.reduce(0) { $0 + $1.featureCount })
    }

    /// Which nets aren't left out.
    var inUse: [Bool]

    /// Windows of the net that has the fewest. One that is left out is missed by a classifier alone.
    var windows: Int {
        var fewest = Int.max
        for net in sums.indices where inUse[net] || classifier != nil { fewest = min(fewest, sums[net].windows) }
        return fewest
    }

    /// Whether there is a window of any net.
    var isEmpty: Bool { sums.allSatisfy { $0.windows == 0 } }

    var usesClassifier: Bool { classifier != nil }

    /// - Parameter end: the window's, in the stream.
    func add(_ result: WindowResult, net: Int, endingAt end: Int64, inSilence: Bool) {
        if inSilence { waiting[net].add(result) } else { sums[net].add(result) }
        recent?[net].add(result, endingAt: end)
    }

    /// Sound has come back: windows that ended in the silence belong to the song.
    func silenceWasAPause() {
        for net in sums.indices where waiting[net].windows > 0 {
            sums[net].add(waiting[net])
            waiting[net].clear()
        }
    }

    /// Goes on with the song that another aggregator of the same nets has heard.
    func adopt(_ other: SongAggregator) {
        sums = other.sums
        waiting = other.waiting
        if recent != nil, let newest = other.recent { recent = newest }
    }

    /// A new song.
    func clear() {
        for net in sums.indices {
            sums[net].clear()
            waiting[net].clear()
            recent?[net].clear()
        }
    }

    /// The song turns out to have ended at a block's start: leaves it the windows that ended by then. All windows that
    /// wait must begin behind it.
    func end(atBlock block: Int64) {
        guard let recent else { return }
        for net in sums.indices {
            recent[net].remove(endingBehind: block, from: &sums[net])
            // What waits was never added.
            sums[net].add(waiting[net])
        }
    }

    /// The next song began there: what began behind it, and doesn't wait, is its.
    func begin(atBlock block: Int64) {
        guard let recent else { return }
        for net in sums.indices {
            sums[net].clear()
            recent[net].add(beginningAt: block, to: &sums[net])
            sums[net].subtract(waiting[net])
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
            let windows = Double(max(1, sums[net].windows))
            sums[net].features.withUnsafeBufferPointer { sums in
                means.withUnsafeMutableBufferPointer { means in
                    for index in sums.indices { means[offset + index] = Float(sums[index] / windows) }
                }
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
