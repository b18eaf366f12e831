import ArgumentParser
import Core
import Logging

extension CompletionKind {
    /// A model file, as a shell completes it.
    static var modelFile: CompletionKind { .file(extensions: ["safetensors"]) }
}

/// The flags of `run`, each of which overrides the environment and the configuration file.
struct RunOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Configuration file (JSON).", valueName: "file"), completion: .file(extensions: ["json"]))
    var config: String?
    @Option(help: ArgumentHelp("ALSA capture device; see `wavetag devices`. Default: default.", valueName: "pcm"))
    var device: String?
    @Option(
        help: ArgumentHelp("Model file. Default: the one that is installed or bundled.", valueName: "file"),
        completion: .modelFile)
    var model: String?
    @Option(help: ArgumentHelp("Unix socket to listen on.", valueName: "path"), completion: .file())
    var socket: String?
    @Option(
        help: ArgumentHelp(
            "Arithmetic: float or int8. Default: float where the model has float weights.", valueName: "precision"),
        completion: .list(Precision.allCases.map(\.rawValue)))
    var precision: String?
    @Option(help: ArgumentHelp("Samples at 22 050 Hz between two answers. Default: 729 (33 ms).", valueName: "samples"))
    var hop: String?
    @Option(
        help: ArgumentHelp(
            "Listen to this channel alone, counted from 1. Default: the mean of all.", valueName: "number"))
    var channel: String?
    @Option(help: ArgumentHelp("Sample rate to ask the device for. Default: 44100.", valueName: "Hz"))
    var rate: String?
    @Option(help: ArgumentHelp("Channels to ask the device for. Default: 2.", valueName: "count"))
    var channels: String?
    @Option(
        help: ArgumentHelp(
            "Who sets the pace: device, realtime (for devices without a clock) or wait.", valueName: "pace"),
        completion: .list(CaptureSettings.Pace.allCases.map(\.rawValue)))
    var pace: String?
    @Option(help: ArgumentHelp("End after so much sound.", valueName: "seconds"))
    var duration: String?
    @Option(help: ArgumentHelp("What ends a song: off, silence or novelty. Default: silence.", valueName: "what"))
    var songs: String?
    @Flag(inversion: .prefixedNo, help: "Wait for a device that isn't there. Default: only under systemd.")
    var waitForDevice: Bool?
    @Option(
        help: ArgumentHelp("Send status to every client so often. Default: 0, only when asked.", valueName: "seconds"))
    var statusInterval: String?
    @Option(
        help: ArgumentHelp(
            "Least level logged: trace, debug, info, notice, warning, error, critical.", valueName: "level"),
        completion: .list(Logger.Level.allCases.map(\.rawValue)))
    var logLevel: String?

    /// The flags that were given, by the setting's path.
    var flags: [String: String] {
        [
            "device": device, "model": model, "socket.path": socket, "precision": precision, "hop": hop,
            "channel": channel, "capture.rate": rate, "capture.channels": channels, "capture.pace": pace,
            "capture.duration": duration, "capture.wait_for_device": waitForDevice.map { "\($0)" },
            "songs": songs, "status.interval": statusInterval, "log.level": logLevel,
        ].compactMapValues { $0 }
    }
}
