import Synchronization

/// A data set's songs into vectors, files shared out to threads: of each net the features of all windows, averaged.
public struct FeatureExtractor: Sendable {
    private let manifest: Manifest
    private let tracks: [Track]
    private let layout: FeatureLayout
    private let sources: @Sendable () -> [any WindowSource]

    /// One song's vector.
    public struct Song: Sendable, Equatable {
        /// Which of the tracks it is.
        public let track: Int
        /// Windows of each net; where one has none, the song is shorter than its window, and the numbers are zeros.
        public let windows: [Int]
        /// [layout.count].
        public let features: [Float]
        /// [nets, tags], each net's probabilities averaged over its windows.
        public let probabilities: [Float]
    }

    /// - Parameters:
    ///   - layout: of nets in the order of `sources`.
    ///   - sources: makes the nets of one thread.
    public init(
        _ manifest: Manifest, tracks: [Track], layout: FeatureLayout,
        sources: @Sendable @escaping () -> [any WindowSource]
    ) {
        self.manifest = manifest
        self.tracks = tracks
        self.layout = layout
        self.sources = sources
    }

    /// - Parameters:
    ///   - wanted: indices of tracks.
    ///   - isCancelled: asked before each track; true ends the work.
    ///   - progress: called from any thread with the share of the wanted tracks done.
    ///   - store: takes each song as it is finished, from any thread, in any order.
    /// - Returns: why files couldn't be read, a line each, in the tracks' order.
    /// - Throws: what `store` throws, first.
    public func run(
        _ wanted: [Int], threads: Int, isCancelled: @Sendable @escaping () -> Bool = { false },
        progress: @Sendable @escaping (Double) -> Void = { _ in },
        store: @Sendable @escaping (Song) throws -> Void
    ) async throws -> [String] {
        let next = SharedCounter()
        let done = SharedCounter()
        let count = max(1, min(threads, wanted.count))
        let failures = try await withThrowingTaskGroup(of: [(Int, String)].self) { group in
            for _ in 0..<count {
                group.addTask {
                    let means = MeanFeatures(layout: layout, sources: sources())
                    var failures: [(Int, String)] = []
                    while !isCancelled(), !Task.isCancelled {
                        // Taken one by one: a thread with long songs takes fewer.
                        let place = next.next() - 1
                        guard place < wanted.count else { break }
                        let index = wanted[place]
                        do {
                            try store(try means.song(index, tracks[index], in: manifest))
                        } catch let error as SoundFileError {
                            failures.append((index, error.description))
                        }
                        progress(Double(done.next()) / Double(wanted.count))
                    }
                    return failures
                }
            }
            var all: [(Int, String)] = []
            for try await failures in group { all += failures }
            return all
        }
        return failures.sorted { $0.0 < $1.0 }.map(\.1)
    }
}

/// Counts from 1, for all threads together.
final class SharedCounter: Sendable {
    private let value = Atomic(0)
    func next() -> Int { value.add(1, ordering: .relaxed).newValue }
}

/// Sums over a song's windows, Float64 as in the live aggregator.
private final class MeanFeatures {
    private let sources: [any WindowSource]
    /// For each net: where its chosen levels stand among its features.
    private let runs: [[Range<Int>]]
    private let layout: FeatureLayout

    init(layout: FeatureLayout, sources: [any WindowSource]) {
        self.sources = sources
        self.layout = layout
        runs = sources.map { source in
            let shape = source.shape
            return layout.parts.filter { $0.net == shape.name }.map { part in
                let layer = shape.layerCount + part.level
                let start = shape.featureLayers.prefix { $0 < layer }.reduce(0) { $0 + shape.widths[$1] }
                return start..<(start + part.width)
            }
        }
    }

    func song(_ index: Int, _ track: Track, in manifest: Manifest) throws(SoundFileError) -> FeatureExtractor.Song {
        let samples = try SoundFile.readMono(path: manifest.file(of: track))
        var windows: [Int] = []
        var features: [Float] = []
        var probabilities: [Float] = []
        features.reserveCapacity(layout.count)
        for (net, source) in sources.enumerated() {
            var sum = [Double](repeating: 0, count: source.shape.featureCount)
            var tags: [Double] = []
            var count = 0
            for span in track.spans {
                let range = track.samples(of: span, in: samples.count)
                samples.withUnsafeBufferPointer { samples in
                    source.forEachWindow(in: UnsafeBufferPointer(rebasing: samples[range])) { features, found in
                        if tags.isEmpty { tags = [Double](repeating: 0, count: found.count) }
                        for place in sum.indices { sum[place] += Double(features[place]) }
                        for tag in tags.indices { tags[tag] += Double(found[tag]) }
                        count += 1
                    }
                }
            }
            windows.append(count)
            let divisor = Double(max(1, count))
            for run in runs[net] { features += sum[run].map { Float($0 / divisor) } }
            if tags.isEmpty { tags = [Double](repeating: 0, count: source.tags) }
            probabilities += tags.map { Float($0 / divisor) }
        }
        return FeatureExtractor.Song(
            track: index, windows: windows, features: features, probabilities: probabilities)
    }
}
