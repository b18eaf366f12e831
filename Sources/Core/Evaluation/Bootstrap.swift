/// How far figures would scatter if the split's songs were drawn anew: intervals by the bootstrap.
///
/// Songs are resampled, with all their windows: a song's windows are much alike, and to draw windows one by one would
/// make intervals that are far too narrow. Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapters
/// 8.6 (what to resample) and 13.3 (percentile intervals).
public struct Bootstrap: Sendable, Equatable {
    public struct Interval: Sendable, Equatable {
        public let lower: Double
        public let upper: Double
    }

    /// Of each tag's ROC-AUC; nil where fewer than two songs have positives or fewer than two have negatives: one song
    /// doesn't scatter.
    public let tags: [Interval?]
    /// Of the mean over those tags that `metrics` means over. Resamples in which a tag has only positives or only
    /// negatives leave it out. nil where there are no such tags, or only one song.
    public let macro: Interval?
}

extension Predictions {
    /// - Parameters:
    ///   - positiveFrom: a label this large or larger is a positive.
    ///   - leastPositives: tags with fewer are left out of the mean.
    ///   - level: the share of resamples in an interval.
    ///   - seed: the same seed gives the same intervals.
    public func rocAUCIntervals(
        positiveFrom: Float, leastPositives: Int, resamples: Int = 1000, level: Double = 0.95, seed: UInt64 = 1
    ) -> Bootstrap {
        precondition(resamples > 0 && (0...1).contains(level))
        // Songs get numbers from 0, in the order in which they come.
        var places: [Int: Int] = [:]
        let songPlaces = songs.map { song in
            let place = places[song] ?? places.count
            places[song] = place
            return Int32(place)
        }
        let rankings = tags.indices.map { tag in
            SongRanking(
                scores: scores.map { $0[tag] }, positive: labels.map { $0[tag] >= positiveFrom }, songs: songPlaces,
                songCount: places.count)
        }
        var generator = SplitMix64(state: seed)
        var areas = [[Double]](repeating: [], count: tags.count)
        var means: [Double] = []
        for first in stride(from: 0, to: resamples, by: Draws.scalarCount) {
            let used = min(Draws.scalarCount, resamples - first)
            let weights = Self.draws(songs: places.count, used: used, &generator)
            var sum = Draws.zero
            var count = Draws.zero
            for (tag, ranking) in rankings.enumerated() where ranking.hasBothKinds {
                let area = ranking.rocAUC(weights)
                for lane in 0..<used where area[lane].isFinite {
                    if ranking.scatters { areas[tag].append(area[lane]) }
                    guard ranking.positives >= max(1, leastPositives) else { continue }
                    sum[lane] += area[lane]
                    count[lane] += 1
                }
            }
            for lane in 0..<used where count[lane] > 0 { means.append(sum[lane] / count[lane]) }
        }
        return Bootstrap(
            tags: areas.map { Self.interval($0, level) },
            macro: places.count > 1 ? Self.interval(means, level) : nil)
    }

    /// How often each song was drawn, in as many resamples at a time as `Draws` has lanes.
    private static func draws(songs: Int, used: Int, _ generator: inout SplitMix64) -> [Draws] {
        var weights = [Draws](repeating: .zero, count: songs)
        for lane in 0..<used {
            for _ in 0..<songs {
                // The upper half of the product is even over the songs, but for 1 in 2^64 / songs.
                weights[Int(generator.next().multipliedFullWidth(by: UInt64(songs)).high)][lane] += 1
            }
        }
        return weights
    }

    /// Percentiles, with a straight line between neighbours.
    private static func interval(_ values: [Double], _ level: Double) -> Bootstrap.Interval? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        func percentile(_ share: Double) -> Double {
            let place = share * Double(sorted.count - 1)
            let below = min(Int(place), sorted.count - 1)
            let above = min(below + 1, sorted.count - 1)
            return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
        }
        return Bootstrap.Interval(lower: percentile((1 - level) / 2), upper: percentile((1 + level) / 2))
    }
}

/// Weights of one song in eight resamples; whole numbers, which doubles add and multiply exactly.
private typealias Draws = SIMD8<Double>

/// One tag's windows, sorted once by score: every resample is then one pass.
private struct SongRanking {
    private struct Window {
        let song: Int32
        let isPositive: Bool
        /// Whether the next score is another.
        let endsTie: Bool
    }

    /// The least score first.
    private let windows: [Window]
    let positives: Int
    var hasBothKinds: Bool { positives > 0 && positives < windows.count }
    /// Whether either kind stands in more than one song.
    let scatters: Bool

    init(scores: [Float], positive: [Bool], songs: [Int32], songCount: Int) {
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        windows = order.enumerated().map { place, index in
            Window(
                song: songs[index], isPositive: positive[index],
                endsTie: place + 1 == order.count || scores[order[place + 1]] > scores[index])
        }
        positives = positive.count { $0 }
        var hasPositives = [Bool](repeating: false, count: songCount)
        var hasNegatives = hasPositives
        for (song, isPositive) in zip(songs, positive) {
            if isPositive { hasPositives[Int(song)] = true } else { hasNegatives[Int(song)] = true }
        }
        scatters = hasPositives.count { $0 } > 1 && hasNegatives.count { $0 } > 1
    }

    /// Area under the ROC curve with every window counting as often as its song was drawn: how likely a positive
    /// scores above a negative, a tie counting half. NaN where a resample has only positives or only negatives.
    func rocAUC(_ weights: [Draws]) -> Draws {
        var area = Draws.zero
        var below = Draws.zero
        var found = Draws.zero
        var tiedPositives = Draws.zero
        var tiedNegatives = Draws.zero
        for window in windows {
            let weight = weights[Int(window.song)]
            if window.isPositive { tiedPositives += weight } else { tiedNegatives += weight }
            guard window.endsTie else { continue }
            area += tiedPositives * (below + tiedNegatives * 0.5)
            below += tiedNegatives
            found += tiedPositives
            tiedPositives = .zero
            tiedNegatives = .zero
        }
        return area / (found * below)
    }
}
