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
        var network = TrainableClassifier(
            inputs: train.width, hidden: settings.hidden, tags: train.tags, output: output,
            epsilon: settings.batchNormEpsilon, generator: &generator)
        var best = network
        var bestLoss = network.loss(valid)
        var rate = settings.learningRate
        var (waited, drops, epoch) = (0, 0, 0)
        var order = Array(0..<train.count)
        while epoch < settings.epochs, !isCancelled() {
            epoch += 1
            order.shuffle(using: &generator)
            for batch in Self.batches(order, size: settings.batch) {
                pass(batch, &network, rate: rate, &generator)
            }
            let loss = network.loss(valid)
            if loss < bestLoss {
                (best, bestLoss, waited) = (network, loss, 0)
                continue
            }
            waited += 1
            guard waited >= settings.patience else { continue }
            drops += 1
            guard drops < 3 else { break }
            rate /= 5
            waited = 0
            network = best
            network.forgetSteps()
        }
        return Result(network: best, epochs: epoch, validLoss: bestLoss)
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
        _ songs: ArraySlice<Int>, _ network: inout TrainableClassifier, rate: Double, _ generator: inout SplitMix64
    ) {
        var x: [Float] = []
        var labels: [Float] = []
        x.reserveCapacity(songs.count * train.width)
        for song in songs {
            x += train.features[(song * train.width)..<((song + 1) * train.width)]
            labels += train.labels[(song * train.tags)..<((song + 1) * train.tags)]
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
            x, labels: labels, batch: songs.count, masks: masks, rate: rate, decay: settings.weightDecay)
    }
}
