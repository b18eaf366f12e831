import ArgumentParser
import Core
import Glibc
import Logging
import ServiceLifecycle
import Streaming

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "The daemon: listens to a device and serves tags on a Unix socket.",
        discussion: """
            Settings come from the command line, then from the environment (WAVETAG_…), then from a JSON file \
            (--config, or /etc/wavetag/wavetag.json). SIGTERM and SIGINT end it in order: the last song is told, \
            clients are closed, the exit code is 0. SIGHUP reads settings and model anew and changes over without losing \
            a sample; what can't be is refused, and said.

            EXAMPLES
              wavetag run --device hw:1
              wavetag run --config wavetag.json --check
              wavetag run --device hw:CARD=USB --channel 1 --socket /tmp/wavetag.sock
            """
    )

    @OptionGroup var options: RunOptions

    @Flag(help: "Check settings and model, and exit.")
    var check = false

    func run() async throws {
        let environment = processEnvironment()
        let (file, flags) = (options.config, options.flags)
        let settings: Settings
        do throws(SettingsError) {
            settings = try Settings.load(file: file, flags: flags, environment: environment)
        } catch {
            throw ExitCode.because(error.exitCode, error)
        }
        let live: LiveService
        do {
            live = try LiveService(settings, environment: environment) {
                try Settings.load(file: file, flags: flags, environment: environment)
            }
        } catch let error as ModelFileError {
            throw ExitCode.because(error)
        } catch let error as TaggerError {
            throw ExitCode.because(.badConfiguration, error)
        } catch let error as SettingsError {
            throw ExitCode.because(error.exitCode, error)
        }
        guard !check else { return }

        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: live, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: live.logger))
        do {
            // Before anything is said of how it ended.
            defer { live.log.flush() }
            try await group.run()
        } catch let error as CaptureError {
            throw ExitCode.because(.unavailable, error)
        } catch let error as SocketError {
            throw ExitCode.because(.unavailable, error)
        } catch {
            throw ExitCode.because(.ioError, "run: \(error)")
        }
    }
}

/// The environment, by name.
func processEnvironment() -> [String: String] {
    var environment: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
        let pair = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if pair.count == 2 { environment[String(pair[0])] = String(pair[1]) }
        entry += 1
    }
    return environment
}
