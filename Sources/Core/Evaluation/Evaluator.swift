import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs nets over a manifest's rows: every segment's probabilities beside its labels, files shared out to threads.
public struct Evaluator: Sendable {
    private let manifest: Manifest
    private let files: [[Manifest.Row]]
    private let cache: SoundCache?
    /// Tags that model and manifest share, in the model's order, and where they stand in each.
    private let shared: [(name: String, model: Int, manifest: Int?)]

    /// One way to hear the same windows.
    public struct Variant: Sendable {
        /// All nets of a model, in one precision.
        public let nets: [PackedNet]
        /// dB.
        public let gain: Double
        fileprivate var window: Int?
        fileprivate var givesLogits = false

        public init(nets: [PackedNet], gain: Double) {
            self.nets = nets
            self.gain = gain
        }

        /// Each net of a model by itself, as logits, on the windows that the model hears as a whole.
        public static func logits(of nets: [PackedNet]) -> [Variant] {
            nets.map { net in
                var variant = Variant(nets: [net], gain: 0)
                variant.window = nets.map(\.shape.window).max()
                variant.givesLogits = true
                return variant
            }
        }
    }

    public struct Result: Sendable {
        /// One for each variant.
        public let predictions: [Predictions]
        /// Why files couldn't be read, a line each, in the manifest's order.
        public let failures: [String]
        /// [songs]: their paths, as the manifest has them.
        public let songs: [String]
        public var fileCount: Int { songs.count }
    }

    /// - Parameters:
    ///   - tags: the model's.
    ///   - cache: where decoded sound may be.
    ///   - isComplete: whether tags that the manifest lacks are evaluated too, as ones that nothing has.
    public init(
        _ manifest: Manifest, rows: [Manifest.Row], tags: [String], cache: SoundCache? = nil, isComplete: Bool = false
    ) {
        self.manifest = manifest
        self.cache = cache
        var places: [String: Int] = [:]
        var files: [[Manifest.Row]] = []
        for row in rows {
            if let place = places[row.path] {
                files[place].append(row)
            } else {
                places[row.path] = files.count
                files.append([row])
            }
        }
        self.files = files
        shared = tags.enumerated().compactMap { index, name in
            let place = manifest.tags.firstIndex(of: name)
            return place != nil || isComplete ? (name, index, place) : nil
        }
    }

    /// Where all rows' files are.
    public var paths: [String] { files.map { manifest.file(of: $0[0]) } }

    /// Tags that can be evaluated.
    public var tags: [String] { shared.map(\.name) }

    /// - Parameters:
    ///   - variants: all of nets whose longest windows are alike.
    ///   - progress: called from any thread with the share of files done.
    public func run(
        _ variants: [Variant], threads: Int, progress: @Sendable @escaping (Double) -> Void = { _ in }
    ) async -> Result {
        let done = Counter()
        let parts = await withTaskGroup(of: [Part].self) { group in
            for thread in 0..<max(1, threads) {
                group.addTask {
                    let predictors = variants.map {
                        WindowPredictor($0.nets, window: $0.window, givesLogits: $0.givesLogits)
                    }
                    var parts: [Part] = []
                    for song in stride(from: thread, to: files.count, by: max(1, threads)) {
                        guard !Task.isCancelled else { break }
                        parts.append(part(song, variants, predictors))
                        let count = done.next()
                        progress(Double(count) / Double(files.count))
                    }
                    return parts
                }
            }
            var all: [Part] = []
            for await parts in group { all += parts }
            // In the manifest's order, whichever thread was first.
            return all.sorted { $0.song < $1.song }
        }
        var predictions = variants.map { _ in Predictions(tags: tags) }
        for part in parts {
            for index in part.predictions.indices { predictions[index].add(part.predictions[index]) }
        }
        return Result(
            predictions: predictions, failures: parts.compactMap(\.failure), songs: files.map { $0[0].path })
    }

    /// Files done, counted by all threads.
    private final class Counter: Sendable {
        private let value = Atomic(0)
        func next() -> Int { value.add(1, ordering: .relaxed).newValue }
    }

    private struct Part: Sendable {
        let song: Int
        var predictions: [Predictions]
        var failure: String?
    }

    /// All of one file.
    private func part(_ song: Int, _ variants: [Variant], _ predictors: [WindowPredictor]) -> Part {
        var part = Part(song: song, predictions: variants.map { _ in Predictions(tags: tags) })
        var reader = SegmentReader(manifest, window: predictors.first?.window ?? 1, cache: cache)
        for row in files[song] {
            let segments: Segments
            do throws(SoundFileError) { segments = try reader.segments(of: row) } catch {
                part.failure = error.description
                return part
            }
            let labels = shared.map { tag in tag.manifest.map { row.labels[$0] } ?? 0 }
            segments.samples.withUnsafeBufferPointer { samples in
                for segment in 0..<segments.count {
                    let begin = segments.range(segment).lowerBound
                    let window = samples.baseAddress! + begin
                    for (index, variant) in variants.enumerated() {
                        let scores = predictors[index].predict(window, gain: Float(pow(10, variant.gain / 20)))
                        part.predictions[index].add(
                            scores: shared.map { scores[$0.model] }, labels: labels, song: song,
                            start: Double(begin) / Double(Model.sampleRate))
                    }
                }
            }
        }
        return part
    }
}
