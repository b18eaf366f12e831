/// A whole training: epochs of shuffled batches, validation, the schedule, checkpoints.
///
/// What is drawn depends only on the seed and on the place in the training; with the same segments, settings and
/// threads, two runs give the same bits, wherever one of them was stopped and resumed.
public final class TrainingRun {
    public struct Settings: Sendable, Equatable {
        public var trainer: NetTrainer.Settings
        public var schedule = LearningRateSchedule.papers
        public var augmentation = Augmentation()
        public var seed: UInt64 = 1
        /// Ends the training before its schedule would; nil: the schedule ends it.
        public var mostEpochs: Int?
        /// A validation label this large is a positive of the ROC-AUC.
        public var positiveFrom: Float = 0.5
        /// Batches between two checkpoints of one epoch.
        public var checkpointInterval = 200

        public init(trainer: NetTrainer.Settings) { self.trainer = trainer }
    }

    /// How far the present epoch has come.
    public struct Step: Sendable {
        /// Counted from 1.
        public let epoch: Int
        public let batch: Int
        public let batches: Int
        public let segments: Int
        public let loss: Double
        public let learningRate: Double
    }

    /// Whoever runs it: where time and the wish to stop come from, and where news goes.
    public struct Surroundings {
        /// Seconds from any origin.
        public var seconds: () -> Double
        public var isStopped: () -> Bool
        public var step: (Step) -> Void
        /// The record of an epoch, the best net so far and what the epoch's net said of the valid split.
        public var epoch: (EpochRecord, NetParameters?, Predictions) throws(TrainingError) -> Void

        public init(
            seconds: @escaping () -> Double, isStopped: @escaping () -> Bool = { false },
            step: @escaping (Step) -> Void = { _ in },
            epoch: @escaping (EpochRecord, NetParameters?, Predictions) throws(TrainingError) -> Void
        ) {
            self.seconds = seconds
            self.isStopped = isStopped
            self.step = step
            self.epoch = epoch
        }
    }

    public let settings: Settings
    private let trainer: NetTrainer
    private let train: SegmentStore
    private let valid: SegmentStore
    private let filler: BatchFiller
    private var progress = TrainingCheckpoint.Progress()
    private var best: (parameters: [Float], statistics: [Float])?

    /// - Parameters:
    ///   - train, valid: of the net's window and tags; both have segments.
    public init(_ net: NetParameters, train: SegmentStore, valid: SegmentStore, settings: Settings) {
        precondition(train.window == net.shape.window && valid.window == net.shape.window)
        precondition(!train.segments.isEmpty && !valid.segments.isEmpty && train.tags.count == net.output.outputs)
        self.settings = settings
        self.train = train
        self.valid = valid
        trainer = NetTrainer(net, settings.trainer)
        filler = BatchFiller(
            store: train, augmentation: settings.augmentation, output: settings.trainer.loss.function,
            seed: settings.seed)
    }

    /// Changes with segments, sound and labels of either split.
    public var fingerprint: UInt64 { train.fingerprint ^ (valid.fingerprint &* 3) }

    /// Bytes that it holds.
    public var memory: Int { trainer.memory }

    /// Batches of an epoch: what is left over at the end of the order waits for another epoch.
    public var batches: Int { max(1, train.segments.count / settings.trainer.batch) }

    /// Epochs that have ended.
    public var epochs: Int { progress.epoch }

    /// The net with the lowest validation loss; before the first epoch has ended, the newest.
    public var bestNet: NetParameters {
        best.map { trainer.layout.net($0.parameters, statistics: $0.statistics) } ?? trainer.net
    }

    /// Goes on where a run was stopped.
    ///
    /// - Throws: `TrainingError` where the checkpoint is of another net.
    public func resume(_ checkpoint: TrainingCheckpoint, path: String) throws(TrainingError) {
        guard checkpoint.restore(trainer), checkpoint.progress.batch < batches else {
            throw TrainingError(.invalid, "\(path): a checkpoint of another net, optimiser or data set")
        }
        progress = checkpoint.progress
        best = checkpoint.bestParameters.isEmpty ? nil : (checkpoint.bestParameters, checkpoint.bestStatistics)
    }

    /// Trains until the schedule ends, or until it is stopped.
    ///
    /// - Parameters:
    ///   - path: of the checkpoint.
    ///   - description: what the run was asked for, kept in the checkpoint.
    /// - Returns: whether it has come to its end.
    /// - Throws: `TrainingError`; the last checkpoint stays as it was.
    public func run(
        checkpoint path: String, description: [(name: String, text: String)], _ surroundings: Surroundings
    ) async throws(TrainingError) -> Bool {
        func save() throws(TrainingError) {
            do throws(ModelFileError) {
                try TrainingCheckpoint.write(progress, settings: description, trainer: trainer, best: best, to: path)
            } catch { throw TrainingError(.unwritable, error.description) }
        }
        while !progress.hasEnded, progress.epoch < settings.mostEpochs ?? .max {
            let order = filler.order(epoch: progress.epoch)
            var started = surroundings.seconds()
            while progress.batch < batches {
                guard !surroundings.isStopped() else {
                    try checkWeights()
                    try save()
                    return false
                }
                try step(order, surroundings)
                let now = surroundings.seconds()
                progress.seconds += now - started
                started = now
                if progress.batch % settings.checkpointInterval == 0, progress.batch < batches {
                    try checkWeights()
                    try save()
                }
            }
            try await endEpoch(started: started, surroundings)
            try save()
        }
        return true
    }

    private func step(_ order: [Int], _ surroundings: Surroundings) throws(TrainingError) {
        let batch = settings.trainer.batch
        let begin = progress.batch * batch
        let segments = order[begin..<min(order.count, begin + batch)]
        do throws(SoundCacheError) {
            try filler.fill(trainer, segments, place: (progress.epoch, progress.batch))
        } catch { throw TrainingError(.unreadable, error.description) }
        let rate = settings.schedule.rate(
            progress.schedule, epoch: progress.epoch, progress: Double(progress.batch) / Double(batches))
        var dropout = SplitMix64(seed: settings.seed, 4, UInt64(progress.epoch), UInt64(progress.batch))
        let loss = trainer.step(count: segments.count, rate: rate, seed: dropout.next())
        guard loss.isFinite else {
            throw TrainingError(
                .diverged,
                "epoch \(progress.epoch + 1), step \(progress.batch + 1) of \(batches): the loss is \(loss); a lower --rate may help"
            )
        }
        progress.batch += 1
        progress.segments += segments.count
        progress.lossSum += loss * Double(segments.count)
        surroundings.step(
            Step(
                epoch: progress.epoch + 1, batch: progress.batch, batches: batches, segments: progress.segments,
                loss: progress.lossSum / Double(progress.segments), learningRate: rate))
    }

    /// What a step has learnt shows in the loss of the next one, which may come after a checkpoint.
    private func checkWeights() throws(TrainingError) {
        guard !trainer.isFinite else { return }
        throw TrainingError(
            .diverged,
            "epoch \(progress.epoch + 1), step \(progress.batch) of \(batches): weights have become infinite or no numbers; a lower --rate may help"
        )
    }

    /// What the best net says of the valid split.
    public func bestPredictions() async throws(TrainingError) -> Predictions {
        try await validation(of: bestNet).predictions
    }

    private func validation(of net: NetParameters) async throws(TrainingError) -> Validation {
        let packed = PackedNet(
            net, batchNormEpsilon: settings.trainer.batchNormEpsilon, function: settings.trainer.loss.function)
        do throws(SoundCacheError) {
            return try await Validation(packed, valid, threads: settings.trainer.threads)
        } catch { throw TrainingError(.unreadable, error.description) }
    }

    /// Validates, keeps the best weights, and lets the schedule say what follows.
    private func endEpoch(started: Double, _ surroundings: Surroundings) async throws(TrainingError) {
        try checkWeights()
        let validation = try await validation(of: trainer.net)
        guard validation.loss.isFinite else {
            throw TrainingError(.diverged, "epoch \(progress.epoch + 1): the validation loss is \(validation.loss)")
        }
        let stage = progress.schedule.stage
        let isBest = validation.loss < progress.schedule.bestLoss
        let next = settings.schedule.next(
            &progress.schedule, epoch: progress.epoch, validLoss: validation.loss)
        let record = EpochRecord(
            epoch: progress.epoch + 1, stage: stage,
            learningRate: settings.schedule.rate(
                .init(stage: stage), epoch: progress.epoch, progress: 1),
            trainLoss: progress.lossSum / Double(max(1, progress.segments)), validLoss: validation.loss,
            validROCAUC: validation.predictions.metrics(positiveFrom: settings.positiveFrom, leastPositives: 1).rocAUC,
            segments: progress.segments, seconds: progress.seconds + surroundings.seconds() - started, isBest: isBest)
        if isBest { keepBest() }
        progress.epoch += 1
        progress.batch = 0
        progress.lossSum = 0
        progress.segments = 0
        progress.seconds = 0
        switch next {
        case .goOn: break
        case .restartFromBest: trainer.restart(from: bestNet)
        case .end: progress.hasEnded = true
        }
        try surroundings.epoch(record, isBest ? bestNet : nil, validation.predictions)
    }

    private func keepBest() {
        let layout = trainer.layout
        best = (
            Array(UnsafeBufferPointer(start: trainer.parameters, count: layout.count)),
            Array(UnsafeBufferPointer(start: trainer.statistics, count: layout.statisticsCount))
        )
    }
}

extension LearningRateSchedule.State {
    fileprivate init(stage: Int) {
        self.init()
        self.stage = stage
    }
}

/// Why a training can't go on; one line.
public struct TrainingError: Error, Equatable, CustomStringConvertible {
    public enum Kind: Sendable {
        case invalid, unreadable, unwritable, diverged
    }

    public let kind: Kind
    public let description: String

    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
