import ArgumentParser
import Glibc

/// What the program does with its arguments.
public func runProgram() async { await Wavetag.main() }

/// The program. Each subcommand stands in a file of its own beside this one.
struct Wavetag: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "wavetag",
        abstract: "Live music tags from a sound input.",
        discussion: """
            Listens to an ALSA input and says, many times a second, what it hears: piano, techno, female vocal, …

            EXAMPLES
              wavetag devices                     what there is to listen to
              wavetag run --device hw:1           the daemon
              wavetag watch                       its tags, in another terminal
              wavetag tag song.flac               a file's tags, as JSON lines
            """,
        version: version,
        subcommands: [
            RunCommand.self, TagCommand.self, WatchCommand.self, DevicesCommand.self, InspectCommand.self,
            EvaluateCommand.self, CalibrateCommand.self, QuantizeCommand.self, BenchCommand.self, DatasetCommand.self,
            ExtractCommand.self, TrainCommand.self, ReproduceCommand.self, ImportCommand.self,
            GalleryCommand.self,
        ]
    )

    static func main() async {
        // A reader that has gone away is an error of write, not a signal that kills in the middle of things.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let code as ExitCode {
            Glibc.exit(code.rawValue)
        } catch {
            // Help and versions are asked for; everything else is one line.
            guard exitCode(for: error) != .success else { exit(withError: error) }
            reportError(message(for: error))
            Glibc.exit(ExitCode.usage.rawValue)
        }
    }
}
