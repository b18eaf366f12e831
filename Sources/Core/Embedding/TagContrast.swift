/// Songs that have exactly one of two tags: two groups that features tell apart, or don't.
public struct TagContrast: Sendable, Equatable {
    /// Two names.
    public let tags: [String]
    /// Songs with the first tag and without the second, and the other way round; each in the data set's order.
    public let groups: [[Int]]

    /// - Parameters:
    ///   - first: place of a tag among `tags`.
    ///   - second: place of another one.
    ///   - labels: [songs, tags].
    ///   - positiveFrom: a song has the tags whose labels are this large or larger.
    public init(_ first: Int, _ second: Int, labels: [Float], tags: [String], positiveFrom: Float) {
        precondition(first != second && labels.count % tags.count == 0)
        let songs = 0..<(labels.count / tags.count)
        func has(_ song: Int, _ tag: Int) -> Bool { labels[song * tags.count + tag] >= positiveFrom }
        self.tags = [tags[first], tags[second]]
        groups = [
            songs.filter { has($0, first) && !has($0, second) }, songs.filter { has($0, second) && !has($0, first) },
        ]
    }

    private init(tags: [String], groups: [[Int]]) {
        self.tags = tags
        self.groups = groups
    }

    /// The two tags whose smaller group has the most songs; of equals those with the most songs together, and then the
    /// first. By the sum alone, one frequent tag would stand beside any rare one.
    ///
    /// - Returns: nil where no two groups have two songs each.
    public static func mostSongs(labels: [Float], tags: [String], positiveFrom: Float) -> TagContrast? {
        guard tags.count > 1 else { return nil }
        var having = [Int](repeating: 0, count: tags.count)
        var both: [Int: Int] = [:]
        for song in 0..<(labels.count / tags.count) {
            let own = tags.indices.filter { labels[song * tags.count + $0] >= positiveFrom }
            for (place, tag) in own.enumerated() {
                having[tag] += 1
                for other in own[(place + 1)...] { both[tag * tags.count + other, default: 0] += 1 }
            }
        }
        var best = (first: 0, second: 1, size: (smaller: 0, sum: 0))
        for first in tags.indices {
            for second in (first + 1)..<max(first + 1, tags.count) {
                let shared = both[first * tags.count + second] ?? 0
                let (one, other) = (having[first] - shared, having[second] - shared)
                let size = (smaller: min(one, other), sum: one + other)
                if size > best.size { best = (first, second, size) }
            }
        }
        guard best.size.smaller > 1 else { return nil }
        return TagContrast(best.first, best.second, labels: labels, tags: tags, positiveFrom: positiveFrom)
    }

    /// At most so many of the songs, drawn from each group in proportion to its size, two at least.
    ///
    /// - Parameter limit: 4 or more.
    public func drawn(atMost limit: Int, seed: UInt64) -> TagContrast {
        precondition(limit >= 4)
        let sizes = groups.map(\.count)
        let sum = sizes.reduce(0, +)
        guard sum > limit else { return self }
        let share = (Double(limit) * Double(sizes[1]) / Double(sum)).rounded()
        let second = min(max(2, Int(share)), limit - 2)
        let drawn = zip(groups, [limit - second, second]).enumerated().map { index, part in
            var generator = SplitMix64(seed: seed, UInt64(index))
            return part.0.shuffled(using: &generator).prefix(part.1).sorted()
        }
        return TagContrast(tags: tags, groups: drawn)
    }

    /// Songs of both groups in the data set's order, and the group of each.
    public var songs: [(song: Int, group: Int)] {
        (groups[0].map { ($0, 0) } + groups[1].map { ($0, 1) }).sorted { $0.0 < $1.0 }
    }
}
