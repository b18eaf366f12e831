import ArgumentParser
import Core

/// How a net is trained: the papers' recipe, and what may be changed of it.
struct TrainNetOptions: ParsableArguments {
    enum Method: String, ExpressibleByArgument, CaseIterable {
        case sgd, adamw
    }

    enum Fall: String, ExpressibleByArgument, CaseIterable {
        case plateau, cosine
    }

    @Option(help: "sgd (Nesterov's momentum) or adamw.")
    var optimiser = Method.sgd
    @Option(help: "Momentum of sgd.")
    var momentum = 0.9
    @Option(help: ArgumentHelp("Pull of weights towards 0. Default: 0; of adamw 0.01.", valueName: "factor"))
    var weightDecay: Double?
    @Option(help: ArgumentHelp("First learning rate. Default: 0.01; of adamw 0.001.", valueName: "rate"))
    var rate: Double?
    @Option(help: "plateau: the papers'; cosine: to 0 over --epochs.")
    var schedule = Fall.plateau
    @Option(help: ArgumentHelp("Epochs without improvement before the next of five rates.", valueName: "epochs"))
    var patience = 3
    @Option(help: ArgumentHelp("Epochs at most; of cosine all there are, 20 unless said.", valueName: "count"))
    var epochs: Int?
    @Option(help: ArgumentHelp("Segments of a batch.", valueName: "count"))
    var batch = 23
    @Option(help: ArgumentHelp("Share of the last hidden layer that each step leaves out.", valueName: "share"))
    var dropout = 0.5
    @Option(help: ArgumentHelp("Of weights, order, dropout and all else that is drawn.", valueName: "number"))
    var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Labels move so far towards the middle.", valueName: "share"))
    var labelSmoothing = 0.0
    @Option(help: ArgumentHelp("Mix segments in pairs, shares from Beta(A, A).", valueName: "A"))
    var mixup = 0.0
    @Option(parsing: .unconditional, help: ArgumentHelp("Random gain, dB, for example -16:4.", valueName: "from:to"))
    var randomGain: DecibelRange?
    @Flag(help: "Segments begin up to half a window from their place.")
    var randomStart = false
    @Flag(help: "Half of the segments are turned upside down.")
    var randomPolarity = false
    @Option(help: ArgumentHelp("Shelves and peaks of a segment's own, of gains up to this, dB.", valueName: "dB"))
    var randomFilter = 0.0
    @Flag(help: "Rare tags' positives count more, up to ten times: negatives for each positive.")
    var classWeights = false
    @Option(help: ArgumentHelp("A label this large is a positive of ROC-AUC.", valueName: "probability"))
    var positive: Float = 0.5
    @Option(help: ArgumentHelp("Steps between two checkpoints of an epoch.", valueName: "count"))
    var checkpointSteps = 200

    func validate() throws {
        try check(momentum, 0...0.9999, "--momentum")
        if let weightDecay { try check(weightDecay, 0...1, "--weight-decay") }
        if let rate { try check(rate, 1e-9...10, "--rate") }
        try check(dropout, 0...0.95, "--dropout")
        try check(labelSmoothing, 0...0.9, "--label-smoothing")
        try check(mixup, 0...100, "--mixup")
        try check(randomFilter, 0...40, "--random-filter")
        try check(Double(positive), 0...1, "--positive")
        try check(batch, 2...4096, "--batch")
        try check(patience, 1...1000, "--patience")
        try check(checkpointSteps, 1...1_000_000, "--checkpoint-steps")
        if let epochs { try check(epochs, 1...100_000, "--epochs") }
    }

    private func check<Value: Comparable>(_ value: Value, _ range: ClosedRange<Value>, _ name: String) throws {
        guard range.contains(value) else {
            throw ValidationError("\(name): \(range.lowerBound) to \(range.upperBound) wanted, \(value) found")
        }
    }

    private var firstRate: Double { rate ?? (optimiser == .sgd ? 0.01 : 0.001) }

    func settings(loss: Loss, threads: Int, frozenLayers: Int, epsilon: Double) -> TrainingRun.Settings {
        var method = OptimiserSettings(.sgd(momentum: momentum), weightDecay: weightDecay ?? 0)
        if optimiser == .adamw {
            method = .adamW
            method.weightDecay = weightDecay ?? method.weightDecay
        }
        var settings = TrainingRun.Settings(
            trainer: .init(
                batch: batch, threads: threads, batchNormEpsilon: epsilon, dropout: dropout,
                frozenLayers: frozenLayers, optimiser: method, loss: loss))
        settings.schedule =
            schedule == .plateau
            ? .plateau(from: firstRate, patience: patience) : .cosine(rate: firstRate, epochs: epochs ?? 20)
        settings.augmentation.gain = randomGain?.decibels
        settings.augmentation.randomStart = randomStart
        settings.augmentation.randomPolarity = randomPolarity
        settings.augmentation.filter = randomFilter
        settings.augmentation.labelSmoothing = labelSmoothing
        settings.augmentation.mixup = mixup
        settings.seed = seed
        settings.mostEpochs = epochs
        settings.positiveFrom = positive
        settings.checkpointInterval = checkpointSteps
        return settings
    }
}

/// A range of gains: `-16:4`.
struct DecibelRange: ExpressibleByArgument {
    let decibels: ClosedRange<Double>

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
        guard parts.count == 2, let from = parts[0], let to = parts[1], -120 <= from, from <= to, to <= 40 else {
            return nil
        }
        decibels = from...to
    }
}
