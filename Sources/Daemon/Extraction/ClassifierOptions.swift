import ArgumentParser
import Core

/// How song-level classifiers are trained and measured; what `train classifier` and `reproduce` have in common.
struct ClassifierOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Widths of the hidden layers; none for no hidden layer.", valueName: "widths"))
    var hidden = "512"
    @Option(help: ArgumentHelp("Trainings, each with another seed.", valueName: "count"))
    var repeats = 10
    @Option(help: "Seed of the first training.")
    var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Share of hidden units that a step leaves out.", valueName: "share"))
    var dropout = ClassifierTraining().dropout
    @Option(help: ArgumentHelp("Adam's learning rate; divided by 5 twice.", valueName: "rate"))
    var learningRate = ClassifierTraining().learningRate
    @Option(help: ArgumentHelp("Decay of the weights.", valueName: "decay"))
    var weightDecay = ClassifierTraining().weightDecay
    @Option(help: ArgumentHelp("Songs a step.", valueName: "count"))
    var batch = ClassifierTraining().batch
    @Option(help: ArgumentHelp("Most passes over the songs.", valueName: "count"))
    var epochs = ClassifierTraining().epochs
    @Option(help: ArgumentHelp("Epochs without a better validation loss until the rate falls.", valueName: "count"))
    var patience = ClassifierTraining().patience
    @Option(
        help: ArgumentHelp(
            "Share of the nets' own output that it starts with, where they know all the tags. Default: 1; of reproduce: 0.",
            valueName: "share"))
    var start: Double?
    @Option(
        help: ArgumentHelp(
            "How much farther apart labels between 0 and 1 are drawn about --positive.", valueName: "factor"))
    var sharpen = ClassifierTraining().sharpness
    @Flag(help: "Train once more on the training and the validation songs together, as long as was best.")
    var refit = false
    @Option(
        help: ArgumentHelp(
            "A label this large is a positive, in what is reported and chosen by.", valueName: "probability"))
    var positive: Float = 0.5
    @Option(help: ArgumentHelp("Tags with fewer positive songs are left out of means.", valueName: "count"))
    var leastSongs = 1

    func validate() throws {
        func check(_ holds: Bool, _ message: String) throws { if !holds { throw ValidationError(message) } }
        try check(widths != nil, "--hidden: at most 16 widths of 1 to 65536, or none, wanted, \(hidden) found")
        try check((1...1000).contains(repeats), "--repeats: 1 to 1000 wanted, \(repeats) found")
        try check((0..<1).contains(dropout), "--dropout: 0 to less than 1 wanted, \(dropout) found")
        try check(learningRate > 0 && learningRate <= 10, "--learning-rate: up to 10 wanted, \(learningRate) found")
        try check((0...10).contains(weightDecay), "--weight-decay: 0 to 10 wanted, \(weightDecay) found")
        try check((2...1_000_000).contains(batch), "--batch: 2 to 1000000 wanted, \(batch) found")
        try check((1...1_000_000).contains(epochs), "--epochs: 1 to 1000000 wanted, \(epochs) found")
        try check((1...1_000_000).contains(patience), "--patience: 1 to 1000000 wanted, \(patience) found")
        if let start { try check((0...1).contains(start), "--start: 0 to 1 wanted, \(start) found") }
        try check((0.1...10).contains(sharpen), "--sharpen: 0.1 to 10 wanted, \(sharpen) found")
        try check(sharpen == 1 || (positive > 0 && positive < 1), "--sharpen: needs a --positive between 0 and 1")
        try check((0...1).contains(positive), "--positive: 0 to 1 wanted, \(positive) found")
    }

    private var widths: [Int]? {
        guard hidden != "none" else { return [] }
        guard let list = CommaList<Int>(argument: hidden)?.elements, list.count <= 16,
            list.allSatisfy({ (1...65_536).contains($0) })
        else { return nil }
        return list
    }

    var training: ClassifierTraining {
        var training = ClassifierTraining()
        training.hidden = widths ?? []
        training.dropout = dropout
        training.learningRate = learningRate
        training.weightDecay = weightDecay
        training.batch = batch
        training.epochs = epochs
        training.patience = patience
        training.start = start ?? 0
        training.sharpness = sharpen
        training.refits = refit
        return training
    }

    var measure: ClassifierExperiment.Measure {
        var measure = ClassifierExperiment.Measure()
        measure.positiveFrom = positive
        measure.leastPositives = leastSongs
        return measure
    }

    /// One for each repeat.
    var seeds: [UInt64] { (0..<UInt64(repeats)).map { seed &+ $0 } }
}
