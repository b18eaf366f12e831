import ArgumentParser

/// Offline training; each kind stands in a file of its own beside this one.
struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a net, or a song-level classifier over nets.",
        subcommands: [
            TrainNetCommand.self, TrainClassifierCommand.self,
        ]
    )
}
