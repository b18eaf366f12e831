import ArgumentParser

/// The program. Each subcommand stands in a file of its own beside this one.
@main
struct Wavetag: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "wavetag",
        abstract: "Live music tags from a sound input.",
        version: version,
        subcommands: [
            RunCommand.self, TagCommand.self, WatchCommand.self, DevicesCommand.self, InspectCommand.self,
        ]
    )
}
