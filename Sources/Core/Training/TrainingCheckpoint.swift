/// Where a training stands: enough to go on as if it had never stopped, bit for bit.
///
/// A safetensors file: `parameters`, `statistics`, `first`, `second` (the optimiser's memory) and, once an epoch has
/// ended, `best.parameters` and `best.statistics`, all in the trainer's own order; the rest in `__metadata__`.
public struct TrainingCheckpoint: Sendable {
    /// Where in the epochs it stands.
    public struct Progress: Sendable, Equatable {
        /// Epochs that have ended.
        public var epoch = 0
        /// Batches of the next one that are done.
        public var batch = 0
        /// Sum of their losses, each times its segments.
        public var lossSum = 0.0
        public var segments = 0
        /// Seconds that they took.
        public var seconds = 0.0
        public var schedule = LearningRateSchedule.State()
        public var hasEnded = false
    }

    public var progress: Progress
    /// What the run was asked for: names and texts. Another run can't go on from it.
    public let settings: [(name: String, text: String)]
    let steps: Int
    let parameters: [Float]
    let statistics: [Float]
    let first: [Float]
    let second: [Float]
    let bestParameters: [Float]
    let bestStatistics: [Float]

    /// Beside, flushed to disk, renamed: whenever it is stopped, a whole checkpoint is there.
    static func write(
        _ progress: Progress, settings: [(name: String, text: String)], trainer: NetTrainer,
        best: (parameters: [Float], statistics: [Float])?, to path: String
    ) throws(ModelFileError) {
        func floats(_ start: UnsafeMutablePointer<Float>, _ count: Int) -> UnsafeBufferPointer<Float> {
            UnsafeBufferPointer(start: start, count: count)
        }
        let (layout, optimiser) = (trainer.layout, trainer.optimiser)
        let tensors = [
            ("parameters", floats(trainer.parameters, layout.count)),
            ("statistics", floats(trainer.statistics, layout.statisticsCount)),
            ("first", floats(optimiser.first, layout.count)),
            ("second", floats(optimiser.second, optimiser.secondCount)),
        ]
        let bests = best.map { [("best.parameters", $0.parameters), ("best.statistics", $0.statistics)] } ?? []
        let writer = try SafetensorsWriter(
            path: path,
            metadata: [("format", "wavetag-checkpoint"), ("version", "1"), ("steps", "\(optimiser.steps)")]
                + progress.texts + settings.map { ("settings." + $0.name, $0.text) },
            tensors: tensors.map { .init($0.0, [$0.1.count]) } + bests.map { .init($0.0, [$0.1.count]) })
        for tensor in tensors { try writer.append(tensor.1) }
        for tensor in bests { try writer.append(tensor.1) }
        try writer.finish()
    }

    /// - Throws: `ModelFileError` with one line where it is no checkpoint.
    public init(path: String) throws(ModelFileError) {
        let file = try Safetensors(path: path)
        guard file.metadata["format"] == "wavetag-checkpoint", file.metadata["version"] == "1" else {
            throw ModelFileError(.invalid, path, "no checkpoint of this version of wavetag")
        }
        guard let progress = Progress(file.metadata), let steps = file.metadata["steps"].flatMap({ Int($0) }) else {
            throw ModelFileError(.invalid, path, "a checkpoint that doesn't say where it stands")
        }
        self.progress = progress
        self.steps = steps
        settings = file.metadata.filter { $0.key.hasPrefix("settings.") }.sorted { $0.key < $1.key }
            .map { (String($0.key.dropFirst(9)), $0.value) }
        parameters = try file.floats("parameters")
        statistics = try file.floats("statistics")
        first = try file.floats("first")
        second = try file.floats("second")
        let hasBest = file.names.contains("best.parameters")
        bestParameters = hasBest ? try file.floats("best.parameters") : []
        bestStatistics = hasBest ? try file.floats("best.statistics") : []
    }

    /// The first setting that differs, where one does: name, and what it was.
    public func difference(from wanted: [(name: String, text: String)]) -> (name: String, was: String, isNow: String)? {
        let own = Dictionary(uniqueKeysWithValues: settings.map { ($0.name, $0.text) })
        for (name, text) in wanted where own[name] != text { return (name, own[name] ?? "nothing", text) }
        return nil
    }

    /// Puts all of it back.
    ///
    /// - Returns: false where it is of another net or optimiser.
    func restore(_ trainer: NetTrainer) -> Bool {
        let (layout, optimiser) = (trainer.layout, trainer.optimiser)
        guard parameters.count == layout.count, statistics.count == layout.statisticsCount,
            first.count == layout.count, second.count == optimiser.secondCount,
            bestParameters.isEmpty || bestParameters.count == layout.count,
            bestParameters.isEmpty || bestStatistics.count == layout.statisticsCount
        else { return false }
        trainer.parameters.update(from: parameters, count: parameters.count)
        trainer.statistics.update(from: statistics, count: statistics.count)
        optimiser.first.update(from: first, count: first.count)
        optimiser.second.update(from: second, count: second.count)
        optimiser.steps = steps
        return true
    }
}

extension TrainingCheckpoint.Progress {
    /// Doubles as texts bring back the same bits.
    fileprivate var texts: [(name: String, text: String)] {
        [
            ("epoch", "\(epoch)"), ("batch", "\(batch)"), ("loss_sum", "\(lossSum)"), ("segments", "\(segments)"),
            ("seconds", "\(seconds)"), ("stage", "\(schedule.stage)"),
            ("epochs_without_best", "\(schedule.epochsWithoutBest)"), ("best_loss", "\(schedule.bestLoss)"),
            ("has_ended", "\(hasEnded)"),
        ]
    }

    fileprivate init?(_ texts: [String: String]) {
        func integer(_ name: String) -> Int? { texts[name].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil } }
        func number(_ name: String) -> Double? { texts[name].flatMap { Double($0) } }
        guard let epoch = integer("epoch"), let batch = integer("batch"), let lossSum = number("loss_sum"),
            let segments = integer("segments"), let seconds = number("seconds"), let stage = integer("stage"),
            let without = integer("epochs_without_best"), let bestLoss = number("best_loss"),
            let hasEnded = texts["has_ended"].flatMap({ Bool($0) })
        else { return nil }
        self.init()
        self.epoch = epoch
        self.batch = batch
        self.lossSum = lossSum
        self.segments = segments
        self.seconds = seconds
        schedule.stage = stage
        schedule.epochsWithoutBest = without
        schedule.bestLoss = bestLoss
        self.hasEnded = hasEnded
    }
}
