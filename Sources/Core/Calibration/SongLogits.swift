import Synchronization

extension Model {
    /// What the song-level classifier says of a split's songs before its output function, beside their labels; of its
    /// tags those that the manifest has.
    ///
    /// - Parameters:
    ///   - nets: the model's, packed.
    ///   - progress: called from any thread with the share of songs done.
    /// - Returns: nil where there is no classifier, or the manifest has none of its tags; and why files couldn't be read,
    ///   a line each. Songs shorter than a window are left out.
    public func songLogits(
        _ manifest: Manifest, split: Manifest.Split, nets: [PackedNet], threads: Int,
        progress: @Sendable @escaping (Double) -> Void = { _ in }
    ) async -> (logits: Predictions, failures: [String])? {
        let shared = songTags.enumerated().compactMap { index, name in
            manifest.tags.firstIndex(of: name).map { (name: name, classifier: index, manifest: $0) }
        }
        guard let classifier = songClassifier, !shared.isEmpty, let layout = try? FeatureLayout(self.nets.map(\.shape))
        else { return nil }
        let tracks = manifest.tracks
        let songs = Mutex<[FeatureExtractor.Song]>([])
        let extractor = FeatureExtractor(manifest, tracks: tracks, layout: layout) {
            nets.map { WholeWindows($0) as any WindowSource }
        }
        let failures = try? await extractor.run(
            tracks.indices.filter { tracks[$0].split == split }, threads: threads, progress: progress,
            store: { song in songs.withLock { $0.append(song) } })
        var result = Predictions(tags: shared.map(\.name))
        var logits = [Float](repeating: 0, count: classifier.tags)
        for song in songs.withLock({ $0 }).sorted(by: { $0.track < $1.track }) where !song.windows.contains(0) {
            classifier.logits(of: song.features, into: &logits)
            result.add(
                scores: shared.map { logits[$0.classifier] },
                labels: shared.map { tracks[song.track].labels[$0.manifest] },
                song: song.track)
        }
        return (result, failures ?? [])
    }
}
