import Core

/// Finds where the music becomes another, from the nets' features.
///
/// The stream is cut into blocks of a second at fixed positions; a block's vector is the mean of the features of the
/// windows whose middles lie in it, all nets behind one another, each feature standardised by what it was so far. A
/// place is as new as the 20 blocks behind it are far from the song before it: for each the mean distance to the three
/// nearest of up to 60 blocks, and the mean of these. (A song of two parts that alternate is far from its own mean, but
/// not from itself: a checkerboard kernel, which compares means, finds less.) Half of the same the other way about is
/// added: how far the song's last 20 blocks are from what follows, since a part that returns soon was no end. Places
/// are smoothed with their neighbours, and a song is cut at the newest of its surroundings if that is new enough.
///
/// So a boundary is known 31 s and half the longest window after it. The state's size is constant, nothing is allocated
/// after construction, and what is found depends on the stream alone.
final class NoveltyDetector {
    /// Samples of a block.
    static let block = Model.sampleRate
    /// Blocks of the song before a place that it is compared with, at most.
    static let before = 60
    /// Blocks behind a place that it is compared with.
    static let after = 20
    /// A boundary is newer than all places within so many blocks on either side.
    static let surroundings = 10
    /// No song that is cut here is shorter, in blocks; at least `surroundings`.
    static let shortestSong = 50
    /// What the distances from the song's last blocks to those behind a place count for.
    static let lookingAhead = 0.5
    /// Novelty from which a place is a boundary: distances in standard deviations, per feature. Chosen on medleys of
    /// training and validation tracks: see docs/audio.md.
    static let threshold = 1.25

    /// Samples of the longest window of any net.
    let longestWindow: Int64
    /// Blocks from the earliest boundary to the end of the newest window heard when it is found, at most.
    var reach: Int { Self.after + Self.surroundings + 1 + lag + 1 }

    private let windows: [Int64]
    private let offsets: [Int]
    private let features: Int
    /// Blocks, rounded up, by which a window's middle may lie behind its end.
    private let lag: Int
    private let expected: [ExpectedFeatures?]

    /// Blocks that windows are still added to: features' sums [pending, features] and windows [pending, nets].
    private let pending: Int
    private var sums: [Double]
    private var counts: [Int]
    /// Finished blocks' mean features, [before + after, features].
    private var blocks: [Float]
    private static let kept = before + after
    /// Nets that have a finished block, or more.
    private var hasBlock: [Bool]
    /// The first block that is whole: all nets had been heard.
    private var first: Int64 = 0
    /// The next block to finish.
    private var next: Int64 = 0
    private var distribution: FeatureDistribution
    /// The newest places' novelty, and which places they are.
    private var novelty: [Double]
    private var places: [Int64]
    /// Standardised blocks, oldest first, while a place is measured: [before + after, features].
    private var vectors: [Float]
    /// For the last blocks before a place what is nearest behind it, while it is measured: [after].
    private var ahead: [Nearest]

    /// - Parameter expected: for each net what its features may be expected to be, where the model says so.
    init(shapes: [NetShape], expected: [ExpectedFeatures?]) {
        windows = shapes.map { Int64($0.window) }
        longestWindow = windows.max() ?? 0
        var total = 0
        offsets = shapes.map { shape in
            defer { total += shape.featureCount }
            return total
        }
        features = total
        let block = Int64(Self.block)
        lag = Int((longestWindow / 2 + block - 1) / block)
        pending = lag + 2
        self.expected = expected
        sums = [Double](repeating: 0, count: pending * total)
        counts = [Int](repeating: 0, count: pending * shapes.count)
        blocks = [Float](repeating: 0, count: Self.kept * total)
        hasBlock = [Bool](repeating: false, count: shapes.count)
        // The candidate's surroundings, and a neighbour on either side of them.
        novelty = [Double](repeating: 0, count: 2 * Self.surroundings + 3)
        places = [Int64](repeating: -1, count: novelty.count)
        vectors = blocks
        ahead = [Nearest](repeating: Nearest(), count: Self.after)
        distribution = FeatureDistribution(shapes: shapes, expected: expected)
    }

    /// Hears a window that ends at `end` in the stream. `boundary(before: end, …)` must have been asked before.
    func add(_ result: WindowResult, net: Int, endingAt end: Int64) {
        let slot = Int(max(next, (end - windows[net] / 2) / Int64(Self.block)) % Int64(pending))
        counts[slot * windows.count + net] += 1
        let start = slot * features + offsets[net]
        for index in result.features.indices { sums[start + index] += Double(result.features[index]) }
    }

    /// A boundary that is found once all windows that end before `end` have been heard. To be asked until there is none.
    ///
    /// - Parameter songStart: where the playing song began; nil between songs.
    /// - Returns: a multiple of `block`.
    func boundary(before end: Int64, songStart: Int64?) -> Int64? {
        let block = Int64(Self.block)
        while (next + 1) * block + longestWindow / 2 <= end {
            finishBlock(inSong: songStart != nil)
            guard let songStart else { continue }
            if let place = boundary(songStart: max(first, (songStart + block - 1) / block)) { return place * block }
        }
        return nil
    }

    /// The next sample is the first of another stream, or of one that others have heard up to `position`.
    func reset(at position: Int64 = 0) {
        for index in sums.indices { sums[index] = 0 }
        for index in counts.indices { counts[index] = 0 }
        for index in hasBlock.indices { hasBlock[index] = false }
        for index in places.indices { places[index] = -1 }
        first = position / Int64(Self.block)
        next = first
        distribution.reset(expected)
    }

    /// Takes the next block's means. A net without a window in it (a gap, a long hop) stays at its last block.
    private func finishBlock(inSong: Bool) {
        let slot = Int(next % Int64(pending))
        let target = Int(next % Int64(Self.kept)) * features
        let last = Int((next + Int64(Self.kept) - 1) % Int64(Self.kept)) * features
        for net in windows.indices {
            let range = offsets[net]..<(net + 1 < offsets.count ? offsets[net + 1] : features)
            let count = counts[slot * windows.count + net]
            for feature in range {
                blocks[target + feature] =
                    count > 0 ? Float(sums[slot * features + feature] / Double(count)) : blocks[last + feature]
                sums[slot * features + feature] = 0
            }
            counts[slot * windows.count + net] = 0
            hasBlock[net] = hasBlock[net] || count > 0
        }
        next += 1
        guard hasBlock.allSatisfy({ $0 }) else {
            first = next
            return
        }
        // Silence between songs says nothing about music.
        if inSong { distribution.add(blocks, at: target) }
    }

    /// Measures the place that has just enough blocks behind it, and says whether the place in the middle of the newest
    /// ones is a boundary.
    private func boundary(songStart: Int64) -> Int64? {
        let place = next - Int64(Self.after)
        let shortest = Int64(Self.shortestSong)
        if place - songStart >= shortest {
            let index = Int(place % Int64(novelty.count))
            novelty[index] = measure(place, from: max(songStart, place - Int64(Self.before)))
            places[index] = place
        }
        let candidate = place - Int64(Self.surroundings) - 1
        guard candidate - songStart >= shortest, let own = smoothed(candidate), own >= Self.threshold else {
            return nil
        }
        for distance in 1...Int64(Self.surroundings) {
            // Of places that are equally new the first is meant.
            if let earlier = smoothed(candidate - distance), earlier >= own { return nil }
            if let later = smoothed(candidate + distance), later > own { return nil }
        }
        return candidate
    }

    /// A place's novelty and a quarter of either neighbour's; one that was not measured counts as the place itself.
    private func smoothed(_ place: Int64) -> Double? {
        guard let own = noveltyOf(place) else { return nil }
        return (2 * own + (noveltyOf(place - 1) ?? own) + (noveltyOf(place + 1) ?? own)) / 4
    }

    private func noveltyOf(_ place: Int64) -> Double? {
        guard place >= 0 else { return nil }
        let index = Int(place % Int64(novelty.count))
        return places[index] == place ? novelty[index] : nil
    }

    /// The mean, over the blocks behind a place, of the distance to the nearest blocks between `start` and the place, and
    /// half the mean, over as many blocks before it, of the distance to the nearest blocks behind it.
    private func measure(_ place: Int64, from start: Int64) -> Double {
        distribution.updateScales()
        let count = Int(next - start)
        let earlier = Int(place - start)
        for index in 0..<count {
            let offset = Int((start + Int64(index)) % Int64(Self.kept)) * features
            distribution.standardise(blocks, at: offset, into: &vectors, at: index * features)
        }
        for index in ahead.indices { ahead[index] = Nearest() }
        // At least `shortestSong` blocks lie before a place.
        let firstAhead = earlier - Self.after
        var behindSum = 0.0
        vectors.withUnsafeBufferPointer { vectors in
            for later in earlier..<count {
                var nearest = Nearest()
                for index in 0..<earlier {
                    let square = squaredDistance(
                        vectors.baseAddress! + later * features, vectors.baseAddress! + index * features)
                    nearest.note(square)
                    if index >= firstAhead { ahead[index - firstAhead].note(square) }
                }
                behindSum += nearest.meanDistance(features: features)
            }
        }
        let aheadSum = ahead.reduce(0) { $0 + $1.meanDistance(features: features) }
        return (behindSum + Self.lookingAhead * aheadSum) / Double(Self.after)
    }

    private func squaredDistance(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>) -> Float {
        // Eight sums, so that an addition needn't wait for the one before.
        var sums = SIMD8<Float>.zero
        var feature = 0
        while feature + 8 <= features {
            let difference =
                UnsafeRawPointer(a + feature).loadUnaligned(as: SIMD8<Float>.self)
                - UnsafeRawPointer(b + feature).loadUnaligned(as: SIMD8<Float>.self)
            sums += difference * difference
            feature += 8
        }
        var sum = sums.sum()
        while feature < features {
            let difference = a[feature] - b[feature]
            sum += difference * difference
            feature += 1
        }
        return sum
    }
}

/// The three smallest of some squared distances.
private struct Nearest {
    private var squares = (Float.infinity, Float.infinity, Float.infinity)

    mutating func note(_ square: Float) {
        guard square < squares.2 else { return }
        if square < squares.0 {
            squares = (square, squares.0, squares.1)
        } else if square < squares.1 {
            squares = (squares.0, square, squares.1)
        } else {
            squares.2 = square
        }
    }

    /// Root mean square over features, mean over the three.
    func meanDistance(features: Int) -> Double {
        func root(_ square: Float) -> Double { (Double(square) / Double(features)).squareRoot() }
        return (root(squares.0) + root(squares.1) + root(squares.2)) / 3
    }
}
