/// Classifiers over songs' features, trained again and again, beside plainer ways: what `train classifier` and `reproduce`
/// report.
///
/// Everything is chosen on the validation songs: when a training stops, which of the repeats is kept, and the baselines'
/// penalties. The test songs are only measured.
public struct ClassifierExperiment: Sendable {
    /// What counts as a positive, and which tags count.
    public struct Measure: Sendable, Equatable {
        /// A label this large or larger is a positive.
        public var positiveFrom: Float = 0.5
        /// Tags with fewer positive songs are left out of means.
        public var leastPositives = 1

        public init() {}
    }

    /// Means over tags, and how often the likeliest tag is the label's; nil where there is nothing to measure.
    public struct Figures: Sendable, Equatable {
        public var rocAUC: Double?
        public var averagePrecision: Double?
        public var accuracy: Double?
        public var tagsCounted = 0

        public init() {}

        init(_ metrics: Predictions.Metrics) {
            rocAUC = metrics.rocAUC
            averagePrecision = metrics.averagePrecision
            accuracy = metrics.accuracy
            tagsCounted = metrics.tagsCounted
        }

        /// What is chosen by.
        func score(_ output: OutputFunction) -> Double {
            (output == .sigmoid ? rocAUC : accuracy) ?? -.infinity
        }
    }

    /// One training.
    public struct Repeat: Sendable {
        public let seed: UInt64
        public let epochs: Int
        public let validLoss: Double
        public let valid: Figures
        public let test: Figures
        /// Standardisation and weights, of a refit where there was one: `test` is theirs, `valid` the first training's; its configuration names the layout's nets and levels.
        public let parameters: ClassifierParameters
    }

    /// Another way to the same songs' tags.
    public struct Baseline: Sendable {
        public let name: String
        public let valid: Figures
        public let test: Figures
    }

    public let layout: FeatureLayout
    public let tags: [String]
    public let output: OutputFunction
    public let training: ClassifierTraining
    private let measure: Measure
    private let norm: ClassifierParameters.Standardisation
    private let train: SongSet
    private let valid: SongSet
    private let test: SongSet
    /// Where the classifier starts, and the songs as it sees them from there; nil: at random, with the songs above.
    private let begun: (start: ClassifierStart, train: SongSet, valid: SongSet, test: SongSet)?
    private let windowMeans: (valid: Predictions?, test: Predictions?)

    /// - Parameters:
    ///   - layout: nets and levels, all of them in the file.
    ///   - model: whose features they are; `training.start` says how much of its nets' output the classifier starts with.
    ///   - output: nil: softmax where every training song has one label, otherwise sigmoid.
    /// - Throws: `FeatureError` where the file lacks features or songs.
    public init(
        _ file: FeatureFile, layout: FeatureLayout, training: ClassifierTraining, model: Model? = nil,
        output: OutputFunction? = nil, measure: Measure = Measure()
    ) throws(FeatureError) {
        let songs = try file.songs(.train, layout: layout)
        guard songs.count > 1 else {
            throw FeatureError("two songs or more of split train wanted, \(songs.count) found")
        }
        let held = try file.songs(.valid, layout: layout)
        guard held.count > 0 else { throw FeatureError("no songs of split valid, by which to stop and to choose") }
        self.layout = layout
        self.training = training
        self.measure = measure
        tags = file.recipe.tags
        norm = songs.standardisation
        train = songs.standardised(by: norm)
        valid = held.standardised(by: norm)
        let measured = try file.songs(.test, layout: layout)
        test = measured.standardised(by: norm)
        let function = output ?? (songs.isSingleLabel ? .softmax : .sigmoid)
        self.output = function
        let start = model.flatMap {
            ClassifierStart($0, layout: layout, tags: file.recipe.tags, output: function, share: training.start)
        }
        let norm = norm
        begun = start.map {
            ($0, $0.begun(songs, norm: norm), $0.begun(held, norm: norm), $0.begun(measured, norm: norm))
        }
        windowMeans = (
            file.windowPredictions(.valid, nets: layout.nets), file.windowPredictions(.test, nets: layout.nets)
        )
    }

    /// Whether the classifier starts with the nets' own output.
    public var startsWithNets: Bool { begun != nil }

    /// Whether it learns from sharpened labels; those of a softmax sum to one, and stay.
    public var isSharpened: Bool { training.sharpness != 1 && output == .sigmoid }

    /// Songs of train, valid and test.
    public var counts: (train: Int, valid: Int, test: Int) { (train.count, valid.count, test.count) }

    /// Trains `count` times, each with a seed of its own, shared out to threads.
    ///
    /// - Parameters:
    ///   - seeds: one for each repeat.
    ///   - progress: called from any thread with the share done.
    /// - Returns: those that were trained before it was cancelled, in the seeds' order.
    public func repeats(
        seeds: [UInt64], threads: Int, isCancelled: @Sendable @escaping () -> Bool = { false },
        progress: @Sendable @escaping (Double) -> Void = { _ in }
    ) async -> [Repeat] {
        let done = SharedCounter()
        return await withTaskGroup(of: [(Int, Repeat)].self) { group in
            for thread in 0..<max(1, min(threads, seeds.count)) {
                group.addTask {
                    var repeats: [(Int, Repeat)] = []
                    for index in stride(from: thread, to: seeds.count, by: max(1, threads)) where !isCancelled() {
                        let result = self.once(seed: seeds[index], isCancelled: isCancelled)
                        guard !isCancelled() else { break }
                        repeats.append((index, result))
                        progress(Double(done.next()) / Double(seeds.count))
                    }
                    return repeats
                }
            }
            var all: [(Int, Repeat)] = []
            for await repeats in group { all += repeats }
            return all.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func once(seed: UInt64, isCancelled: () -> Bool) -> Repeat {
        var (train, valid, test) = begun.map { ($0.train, $0.valid, $0.test) } ?? (train, valid, test)
        if isSharpened {
            train = train.sharpened(training.sharpness, about: measure.positiveFrom)
            valid = valid.sharpened(training.sharpness, about: measure.positiveFrom)
        }
        let trainer = ClassifierTrainer(training, train: train, valid: valid, output: output)
        let result = trainer.run(seed: seed, isCancelled: isCancelled)
        let last = training.refits ? trainer.again(result, seed: seed, isCancelled: isCancelled) : result
        let configuration = ClassifierConfiguration(
            nets: layout.nets, levels: layout.levels, hidden: training.hidden,
            batchNormEpsilon: training.batchNormEpsilon)
        let parameters = last.parameters(configuration, norm: norm)
        return Repeat(
            seed: seed, epochs: result.epochs, validLoss: result.validLoss,
            valid: figures(self.valid, result.probabilities(valid)), test: figures(test, last.probabilities(test)),
            parameters: begun?.start.added(to: parameters) ?? parameters)
    }

    /// The repeat that does best on the validation songs; of equals the one with the lower loss.
    public func best(of repeats: [Repeat]) -> Repeat? {
        repeats.max { ($0.valid.score(output), -$0.validLoss) < ($1.valid.score(output), -$1.validLoss) }
    }

    /// What the nets say of the test songs without a classifier; nil where they know none of the tags.
    public var windows: Figures? { windowMeans.test.map { figures($0) } }

    /// The nets' own mean over windows, where they know tags of the data set; ridge and logistic regression, each with the
    /// penalty that does best on the validation songs.
    public func baselines() -> [Baseline] {
        var baselines: [Baseline] = []
        if let valid = windowMeans.valid, let test = windowMeans.test {
            baselines.append(
                Baseline(name: "mean of the windows", valid: figures(valid), test: figures(test)))
        }
        let penalties = (0...7).map { Double(train.count) * [1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000][$0] }
        let ridges = RidgeRegression.fit(train, penalties: penalties)
        baselines.append(
            chosen("ridge regression", zip(penalties, ridges).map { ($0, $1.scores(valid), $1.scores(test)) }))
        var logistics: [(Double, [Float], [Float])] = []
        var last: LogisticRegression?
        for penalty in penalties.reversed().prefix(6) {
            let fitted = LogisticRegression.fit(
                train, output: output, penalty: penalty, start: last, tolerance: 1e-5, mostIterations: 200)
            logistics.append((penalty, fitted.probabilities(valid), fitted.probabilities(test)))
            last = fitted
        }
        baselines.append(chosen("logistic regression", logistics))
        return baselines
    }

    private func chosen(_ name: String, _ candidates: [(penalty: Double, valid: [Float], test: [Float])]) -> Baseline {
        var best: (figures: Figures, index: Int)?
        for (index, candidate) in candidates.enumerated() {
            let figures = figures(valid, candidate.valid)
            if best.map({ figures.score(output) > $0.figures.score(output) }) ?? true { best = (figures, index) }
        }
        let found = best ?? (Figures(), 0)
        let candidate = candidates[found.index]
        return Baseline(
            name: "\(name), λ \(candidate.penalty)", valid: found.figures, test: figures(test, candidate.test))
    }

    private func figures(_ set: SongSet, _ scores: [Float]) -> Figures {
        figures(set.predictions(scores, tags: tags))
    }

    private func figures(_ predictions: Predictions) -> Figures {
        guard !predictions.scores.isEmpty else { return Figures() }
        return Figures(
            predictions.metrics(positiveFrom: measure.positiveFrom, leastPositives: measure.leastPositives))
    }
}

/// Mean and standard deviation of a figure over repeats.
public struct Spread: Sendable, Equatable {
    public let mean: Double
    /// Of the sample: divided by one less than there are; 0 of a single one.
    public let deviation: Double
    public let count: Int

    /// Nil where there are none, or one is missing.
    public init?(_ values: [Double?]) {
        let numbers = values.compactMap { $0 }
        guard !numbers.isEmpty, numbers.count == values.count else { return nil }
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        self.mean = mean
        count = numbers.count
        let square = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        deviation = numbers.count > 1 ? (square / Double(numbers.count - 1)).squareRoot() : 0
    }
}
