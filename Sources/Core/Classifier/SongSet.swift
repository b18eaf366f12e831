#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Songs to train or measure on: a row of features and a row of labels each.
public struct SongSet: Sendable {
    public let count: Int
    /// Numbers in a row of features.
    public let width: Int
    public let tags: Int
    /// [count, width].
    public var features: [Float]
    /// [count, tags], each 0 to 1.
    public var labels: [Float]
    /// Logits that a classifier of these songs adds to, [count, tags]; empty: it starts at nothing.
    var offsets: [Float] = []

    public init(width: Int, tags: Int, features: [Float], labels: [Float]) {
        precondition(tags > 0 && width > 0 && features.count / width == labels.count / tags)
        count = labels.count / tags
        self.width = width
        self.tags = tags
        self.features = features
        self.labels = labels
    }

    /// Mean and standard deviation of each feature; one that never changes has 1, so that it can be divided by.
    public var standardisation: ClassifierParameters.Standardisation {
        var mean = [Double](repeating: 0, count: width)
        var square = mean
        for song in 0..<count {
            for place in 0..<width { mean[place] += Double(features[song * width + place]) }
        }
        for place in 0..<width { mean[place] /= Double(max(1, count)) }
        for song in 0..<count {
            for place in 0..<width {
                let difference = Double(features[song * width + place]) - mean[place]
                square[place] += difference * difference
            }
        }
        let std = zip(square, mean).map { square, mean -> Float in
            let deviation = (square / Double(max(1, count))).squareRoot()
            return deviation > 1e-6 * max(1e-6, abs(mean)) ? Float(deviation) : 1
        }
        return .init(mean: mean.map { Float($0) }, std: std)
    }

    /// The same songs with standardised features.
    public func standardised(by norm: ClassifierParameters.Standardisation) -> SongSet {
        var set = self
        for song in 0..<count {
            for place in 0..<width {
                let index = song * width + place
                set.features[index] = (features[index] - norm.mean[place]) / norm.std[place]
            }
        }
        return set
    }

    /// The same songs with labels drawn apart: σ(k (logit y − logit p)), so that p becomes 0.5, and what is well above or
    /// below it nearly 1 or 0.
    ///
    /// Labels that are chances, a mean over a song's windows or another model's opinions, say of most songs something in
    /// between; where what counts is on which side of p a song lies, the classifier had better spend itself there.
    /// Labels of 0 and 1 stay.
    ///
    /// - Parameters:
    ///   - sharpness: k; 1 and a p of 0.5 change nothing.
    ///   - positiveFrom: p, between 0 and 1.
    func sharpened(_ sharpness: Double, about positiveFrom: Float) -> SongSet {
        precondition(positiveFrom > 0 && positiveFrom < 1)
        var set = self
        let odds = Double(positiveFrom) / (1 - Double(positiveFrom))
        set.labels = labels.map { label in
            guard label > 0, label < 1 else { return label }
            let ratio = Double(label) / (1 - Double(label)) / odds
            return Float(1 / (1 + pow(ratio, -sharpness)))
        }
        return set
    }

    /// These songs and others of the same features and tags.
    func joined(by others: SongSet) -> SongSet {
        precondition(others.width == width && others.tags == tags && others.offsets.isEmpty == offsets.isEmpty)
        var all = SongSet(
            width: width, tags: tags, features: features + others.features, labels: labels + others.labels)
        all.offsets = offsets + others.offsets
        return all
    }

    /// Predictions of these songs beside their labels.
    public func predictions(_ scores: [Float], tags names: [String]) -> Predictions {
        precondition(scores.count == count * tags && names.count == tags)
        var predictions = Predictions(tags: names)
        for song in 0..<count {
            let row = (song * tags)..<((song + 1) * tags)
            predictions.add(scores: Array(scores[row]), labels: Array(labels[row]), song: song)
        }
        return predictions
    }

    /// Whether every song has one label of 1 and no other: genres, of which one is chosen.
    public var isSingleLabel: Bool {
        (0..<count).allSatisfy { song in
            let row = labels[(song * tags)..<((song + 1) * tags)]
            return row.count { $0 == 1 } == 1 && row.count { $0 == 0 } == tags - 1
        }
    }
}

extension FeatureFile {
    /// Songs of one side of the split, with the features of a part of the file's nets and levels.
    public func songs(_ split: Manifest.Split, layout: FeatureLayout) throws(FeatureError) -> SongSet {
        let songs = tracks.indices.filter { splits[$0] == split }
        let tags = recipe.tags.count
        return SongSet(
            width: layout.count, tags: tags, features: try features(of: songs, layout: layout),
            labels: songs.flatMap { labels[($0 * tags)..<(($0 + 1) * tags)] })
    }

    /// [songs, layout.count]: of some tracks, a part of the file's nets and levels.
    ///
    /// - Throws: `FeatureError` for a part that the file hasn't.
    public func features(of songs: [Int], layout: FeatureLayout) throws(FeatureError) -> [Float] {
        let runs = try recipe.layout.runs(of: layout)
        let width = recipe.layout.count
        var chosen: [Float] = []
        chosen.reserveCapacity(songs.count * layout.count)
        for song in songs {
            for run in runs { chosen += features[(song * width + run.lowerBound)..<(song * width + run.upperBound)] }
        }
        return chosen
    }

    /// What nets say without a classifier: the mean of their windows' probabilities. Nil where they don't know all tags of
    /// the labels.
    public func windowPredictions(_ split: Manifest.Split, nets: [String]) -> Predictions? {
        let shared = recipe.tags.enumerated().compactMap { label, name in
            recipe.netTags.firstIndex(of: name).map { (name: name, label: label, net: $0) }
        }
        let places = nets.compactMap { recipe.layout.nets.firstIndex(of: $0) }
        guard shared.count == recipe.tags.count, !places.isEmpty else { return nil }
        var predictions = Predictions(tags: shared.map(\.name))
        for track in tracks.indices where splits[track] == split {
            predictions.add(
                scores: shared.map { tag in
                    places.reduce(Float(0)) { $0 + probabilities[$1][track * recipe.netTags.count + tag.net] }
                        / Float(places.count)
                },
                labels: shared.map { labels[track * recipe.tags.count + $0.label] }, song: track)
        }
        return predictions
    }
}
