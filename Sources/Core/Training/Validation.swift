#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a net says of a data set's segments, beside their labels.
struct Validation {
    let predictions: Predictions
    /// The mean over segments, with the loss that trains but for what weighs positives.
    let loss: Double

    init(_ net: PackedNet, _ store: SegmentStore, threads: Int) async throws(SoundCacheError) {
        let parts = max(1, min(threads, store.segments.count))
        let results = await SharedWork(0..<parts, threads: parts).run(
            { part in
                Result { () throws(SoundCacheError) in
                    try Self.predict(
                        net, store, (store.segments.count * part / parts)..<(store.segments.count * (part + 1) / parts))
                }
            }, progress: { _ in })
        var predictions = Predictions(tags: store.tags)
        for result in results {
            switch result.value {
            case .success(let part): predictions.add(part)
            case .failure(let error): throw error
            }
        }
        self.predictions = predictions
        loss = Self.loss(of: predictions, net.function)
    }

    private static func predict(
        _ net: PackedNet, _ store: SegmentStore, _ segments: Range<Int>
    ) throws(SoundCacheError) -> Predictions {
        let window = PackedWindowNet(net)
        var samples = [Float](repeating: 0, count: store.window)
        var predictions = Predictions(tags: store.tags)
        for segment in segments {
            try store.copy(segment: segment, into: &samples)
            let scores = Array(window.forward(samples))
            let place = store.segments[segment]
            predictions.add(
                scores: scores, labels: Array(store.labels(of: segment)), song: place.song,
                start: Double(place.start) / Double(Model.sampleRate))
        }
        return predictions
    }

    private static func loss(of predictions: Predictions, _ function: OutputFunction) -> Double {
        var total = 0.0
        for (scores, labels) in zip(predictions.scores, predictions.labels) {
            let sum = Double(labels.reduce(0, +))
            for (score, label) in zip(scores, labels) {
                // A float's 1 may be a probability that is nearly 1.
                let (p, y) = (min(max(Double(score), 1e-7), 1 - 1e-7), Double(label))
                switch function {
                case .sigmoid: total -= (y * log(p) + (1 - y) * log(1 - p)) / Double(scores.count)
                case .softmax: total -= sum > 0 ? y / sum * log(p) : 0
                }
            }
        }
        return total / Double(max(1, predictions.scores.count))
    }
}
