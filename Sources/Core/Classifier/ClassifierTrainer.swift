/// How a song-level classifier is trained.
public struct ClassifierTraining: Sendable, Equatable {
    /// Widths of the hidden layers; none: logistic regression.
    public var hidden = [512]
    /// The share of a hidden layer's units that a step leaves out.
    public var dropout = 0.5
    public var learningRate = 0.001
    /// Taken off the weights at each step, times the learning rate.
    public var weightDecay = 0.01
    /// Songs a step.
    public var batch = 32
    /// Most passes over the training songs.
    public var epochs = 200
    /// Epochs without a better validation loss until the learning rate is divided by 5 and training goes on from the best
    /// weights, as the nets' papers do; after the third rate it ends.
    public var patience = 8
    public var batchNormEpsilon = 1e-5
    /// Of a classifier of the nets' own tags: the share of the nets' output that it starts with (`ClassifierStart`); 0:
    /// none.
    public var start = 0.0
    /// How much farther apart labels are drawn about `Measure.positiveFrom` (`SongSet.sharpened`); 1: they stay.
    public var sharpness = 1.0
    /// Whether it is trained once more, from the beginning and as long as was best, on the validation songs as well.
    public var refits = false

    public init() {}
}

/// Trains one classifier: minibatches in an order that the seed decides, early stopping on the validation loss.
public struct ClassifierTrainer: Sendable {
    public let settings: ClassifierTraining
    private let train: SongSet
    private let valid: SongSet
    private let output: OutputFunction

    /// A trained classifier, and what it came to.
    public struct Result: Sendable {
        let network: TrainableClassifier
        public let epochs: Int
        /// The learning rates in turn, and for how many epochs each made it better.
        let schedule: [(rate: Double, epochs: Int)]
        public let validLoss: Double

        /// Probabilities, [songs, tags], of songs with standardised features.
        public func probabilities(_ set: SongSet) -> [Float] { network.probabilities(set) }

        public func parameters(
            _ configuration: ClassifierConfiguration, norm: ClassifierParameters.Standardisation
        ) -> ClassifierParameters { network.parameters(configuration, norm: norm) }
    }

    /// - Parameters:
    ///   - train: at least two songs, with standardised features.
    ///   - valid: at least one.
    public init(_ settings: ClassifierTraining, train: SongSet, valid: SongSet, output: OutputFunction) {
        precondition(train.count > 1 && valid.count > 0)
        self.settings = settings
        self.train = train
        self.valid = valid
        self.output = output
    }

    /// The same seed gives the same classifier on the same machine.
    public func run(seed: UInt64, isCancelled: () -> Bool = { false }) -> Result {
        var generator = SplitMix64(state: seed)
        var network = fresh(&generator)
        var best = network
        var bestLoss = network.loss(valid)
        var rate = settings.learningRate
        var (waited, epoch) = (0, 0)
        var schedule: [(rate: Double, epochs: Int)] = [(rate, 0)]
        var order = Array(0..<train.count)
        while epoch < settings.epochs, !isCancelled() {
            epoch += 1
            order.shuffle(using: &generator)
            for batch in Self.batches(order, size: settings.batch) {
                pass(batch, of: train, &network, rate: rate, &generator)
            }
            let loss = network.loss(valid)
            if loss < bestLoss {
                schedule[schedule.count - 1].epochs += waited + 1
                (best, bestLoss, waited) = (network, loss, 0)
                continue
            }
            waited += 1
            guard waited >= settings.patience else { continue }
            guard schedule.count < 3 else { break }
            rate /= 5
            schedule.append((rate, 0))
            waited = 0
            network = best
            network.forgetSteps()
        }
        return Result(network: best, epochs: epoch, schedule: schedule, validLoss: bestLoss)
    }

    /// Trains from the beginning on the training and the validation songs, with another training's rates, each for the
    /// epochs that made that one better. Nothing tells when to stop but that.
    func again(_ result: Result, seed: UInt64, isCancelled: () -> Bool = { false }) -> Result {
        let all = train.joined(by: valid)
        var generator = SplitMix64(state: seed)
        var network = fresh(&generator)
        var order = Array(0..<all.count)
        for (rate, epochs) in result.schedule where epochs > 0 {
            network.forgetSteps()
            for _ in 0..<epochs where !isCancelled() {
                order.shuffle(using: &generator)
                for batch in Self.batches(order, size: settings.batch) {
                    pass(batch, of: all, &network, rate: rate, &generator)
                }
            }
        }
        return Result(
            network: network, epochs: result.epochs, schedule: result.schedule, validLoss: result.validLoss)
    }

    private func fresh(_ generator: inout SplitMix64) -> TrainableClassifier {
        TrainableClassifier(
            inputs: train.width, hidden: settings.hidden, tags: train.tags, output: output,
            epsilon: settings.batchNormEpsilon, startsAtZero: !train.offsets.isEmpty, generator: &generator)
    }

    /// A last batch of one song would have no variance to normalise by: it joins the one before.
    static func batches(_ order: [Int], size: Int) -> [ArraySlice<Int>] {
        var batches: [ArraySlice<Int>] = []
        var start = 0
        while start < order.count {
            var end = min(order.count, start + max(2, size))
            if order.count - end == 1 { end = order.count }
            batches.append(order[start..<end])
            start = end
        }
        return batches
    }

    private func pass(
        _ songs: ArraySlice<Int>, of set: SongSet, _ network: inout TrainableClassifier, rate: Double,
        _ generator: inout SplitMix64
    ) {
        var x: [Float] = []
        var (labels, offsets): ([Float], [Float]) = ([], [])
        x.reserveCapacity(songs.count * set.width)
        for song in songs {
            let tags = (song * set.tags)..<((song + 1) * set.tags)
            x += set.features[(song * set.width)..<((song + 1) * set.width)]
            labels += set.labels[tags]
            if !set.offsets.isEmpty { offsets += set.offsets[tags] }
        }
        let kept = Float(1 - settings.dropout)
        let masks =
            settings.dropout > 0
            ? settings.hidden.map { width in
                (0..<(songs.count * width)).map { _ in
                    (generator.nextUniform() + 1) / 2 < kept ? 1 / kept : 0
                }
            } : []
        _ = network.step(
            x, labels: labels, offsets: offsets, batch: songs.count, masks: masks, rate: rate,
            decay: settings.weightDecay)
    }
}
