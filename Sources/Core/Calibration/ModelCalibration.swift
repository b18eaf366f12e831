#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Makes probabilities mean what they say: a scaling of logits for each net and tag, fitted to a split's labels, that
/// the output layers then take into their weights.
///
/// First each net by itself; then, where there are several, all of a tag's logits once more together, for the mean of
/// calibrated nets is too cautious. For genres it is one temperature a net.
public struct ModelCalibration: Sendable, Equatable {
    /// [nets][tags].
    public let scalings: [[LogitScaling]]
    public let output: OutputFunction

    /// Leaves everything as it is.
    public init(nets: Int, tags: Int, output: OutputFunction) {
        scalings = Array(repeating: Array(repeating: .none, count: tags), count: nets)
        self.output = output
    }

    /// - Parameters:
    ///   - logits: each net's, of the same windows; at least one net.
    ///   - labels: how labels are understood.
    ///   - prior: see `LogitScaling.usualPrior`.
    public init(
        fitting logits: [Predictions], output: OutputFunction, labels: Labels = .shares,
        prior: Double = LogitScaling.usualPrior
    ) {
        self.output = output
        let tags = logits[0].tags.indices
        let wanted = logits[0].labels.map { $0.map(labels.value) }
        switch output {
        case .sigmoid:
            var scalings = logits.map { _ in [LogitScaling]() }
            for tag in tags {
                let wanted = wanted.map { $0[tag] }
                let columns = logits.map { net in net.scores.map { $0[tag] } }
                var found = columns.map { LogitScaling.fitted(logits: [$0], labels: wanted, prior: prior) }
                if logits.count > 1 {
                    let scaled = zip(columns, found).map { column, scaling in column.map { Float(scaling($0)) } }
                    let together = LogitScaling.fitted(logits: scaled, labels: wanted, prior: prior)
                    found = found.map { $0.followed(by: together) }
                }
                for net in scalings.indices { scalings[net].append(found[net]) }
            }
            self.scalings = scalings
        case .softmax:
            var found = logits.map { LogitScaling.temperature(logits: [$0.scores], labels: wanted, prior: prior) }
            if logits.count > 1 {
                let scaled = zip(logits, found).map { net, scaling in net.scores.map { $0.map { Float(scaling($0)) } } }
                let together = LogitScaling.temperature(logits: scaled, labels: wanted, prior: prior)
                found = found.map { $0.followed(by: together) }
            }
            scalings = found.map { scaling in tags.map { _ in scaling } }
        }
    }

    /// What labels between 0 and 1 mean.
    public enum Labels: Sendable, Equatable {
        /// 0.7 is seven tenths of a positive.
        case shares
        /// A positive from here on, otherwise a negative.
        case positive(from: Float)

        public func value(_ label: Float) -> Float {
            switch self {
            case .shares: label
            case .positive(let least): label >= least ? 1 : 0
            }
        }
    }

    /// What the model then says: the mean over nets, beside the labels.
    ///
    /// - Parameter logits: each net's, of the same windows.
    public func probabilities(of logits: [Predictions]) -> Predictions {
        var result = Predictions(tags: logits[0].tags)
        let share = 1 / Double(logits.count)
        for window in logits[0].scores.indices {
            var mean = [Double](repeating: 0, count: result.tags.count)
            for (net, scalings) in zip(logits, scalings) {
                let scaled = zip(net.scores[window], scalings).map { $1($0) }
                let found = output == .sigmoid ? scaled.map { 1 / (1 + exp(-$0)) } : LogitScaling.softmax(scaled)
                for tag in mean.indices { mean[tag] += share * found[tag] }
            }
            let first = logits[0]
            result.add(
                scores: mean.map { Float($0) }, labels: first.labels[window], song: first.songs[window],
                start: first.starts[window])
        }
        return result
    }
}

extension Predictions {
    /// The same with some of the tags, in their order here.
    public func keeping(_ kept: Set<String>) -> Predictions {
        let places = tags.indices.filter { kept.contains(tags[$0]) }
        var result = Predictions(tags: places.map { tags[$0] })
        for window in scores.indices {
            result.add(
                scores: places.map { scores[window][$0] }, labels: places.map { labels[window][$0] },
                song: songs[window], start: starts[window])
        }
        return result
    }

    /// The same with labels read in another way.
    public func with(_ labels: ModelCalibration.Labels) -> Predictions {
        guard labels != .shares else { return self }
        var result = Predictions(tags: tags)
        for window in scores.indices {
            result.add(
                scores: scores[window], labels: self.labels[window].map(labels.value), song: songs[window],
                start: starts[window])
        }
        return result
    }
}
