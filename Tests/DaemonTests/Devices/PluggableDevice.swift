import Foundation
import Glibc

@testable import Daemon

/// Sound cards that are plugged in and out while a daemon hears them, in a folder that goes with this object: `hw:0` and so on
/// are what Tests/ScriptedDevice makes of it, with a clock of their own.
final class PluggableDevice: Sendable {
    let folder: String
    var socket: String { folder + "/s" }

    /// - Parameters:
    ///   - ppm: how fast the cards' clock is.
    ///   - failures: what the cards fail with, one after the other.
    ///   - buffer: frames that the cards hold, a power of two. As a rule 24 seconds, so that a test machine which stands
    ///     still for a while adds no overrun of its own to what a test is about.
    init(ppm: Int = 0, failures: String = "", buffer: Int = 1 << 19) throws {
        folder = "/tmp/wavetag-cards-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let configuration = """
            pcm_type.scripted { lib "\(Self.built("libasound_module_pcm_scripted.so"))" }
            pcm.hw {
                @args [ CARD DEV ]
                @args.CARD { type string default "0" }
                @args.DEV { type integer default 0 }
                type scripted
                state { @func concat strings [ "\(folder)/card" $CARD ] }
                started "\(folder)/started"
                ppm \(ppm)
                failures "\(failures)"
                buffer \(buffer)
            }
            """
        try configuration.write(toFile: folder + "/asound.conf", atomically: true, encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// The card is there, and does what `state` says.
    func plugIn(_ state: String = "", card: Int = 0) throws {
        try state.write(toFile: "\(folder)/card\(card)", atomically: true, encoding: .utf8)
    }

    /// Reading the card doesn't return from now on; waits until that is so.
    func hang(card: Int = 0) throws {
        try plugIn("hang", card: card)
        let deadline = ContinuousClock.now + .seconds(60)
        while access("\(folder)/card\(card).hung", F_OK) != 0 {
            guard ContinuousClock.now < deadline else { throw ChildProcess.Failure(reason: "nobody reads the card") }
            poll(nil, 0, 10)
        }
    }

    func pullOut(card: Int = 0) { unlink("\(folder)/card\(card)") }

    /// udev gives a card's device its stable name, anew where it had one.
    func link(_ name: String, toCard card: Int) throws -> String {
        let path = "\(folder)/\(name)"
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        guard symlink("../controlC\(card)", path + ".new") == 0, rename(path + ".new", path) == 0 else {
            throw ChildProcess.Failure(reason: String(cString: strerror(errno)))
        }
        return path
    }

    /// When the newest first frame was captured, seconds since 1970.
    var started: Double {
        get throws {
            let text = try String(contentsOfFile: folder + "/started", encoding: .utf8)
            return (Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0) / 1e9
        }
    }

    /// The daemon on a card, started by a shell after `preparation`.
    func daemon(
        _ device: String = "hw:0", _ arguments: [String] = [], environment: [String: String] = [:],
        after preparation: String = ":", shell: [String] = ["/bin/sh"]
    ) throws -> ChildProcess {
        try ChildProcess(
            shell + ["-c", preparation + #"; exec "$0" "$@""#, ChildProcess.wavetag]
                + [
                    "run", "--device", device, "--rate", "22050", "--channels", "1", "--socket", socket, "--model",
                    LiveFixture.model,
                ] + arguments,
            environment: ["ALSA_CONFIG_PATH": folder + "/asound.conf"].merging(environment) { $1 })
    }

    /// A client that has had tags.
    func listen(to daemon: ChildProcess) throws -> SocketClient {
        try daemon.waitForErrorLine(containing: "listening")
        let client = try SocketClient(connecting: socket)
        // One tag of each event: the test looks away for seconds.
        try client.send(#"{"subscribe":{"top":1}}"# + "\n")
        _ = try client.event("tags")
        return client
    }

    /// What was built beside the tests.
    static func built(_ name: String) -> String {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent(name).path
    }
}

/// The clocks of programs that were started with its environment: Tests/ShiftedClock.
final class ShiftedClock: Sendable {
    private let path: String

    init(in device: PluggableDevice) throws {
        path = device.folder + "/clock"
        try set(realTime: 0, bootTime: 0)
    }

    var environment: [String: String] {
        ["LD_PRELOAD": PluggableDevice.built("libshifted_clock.so"), "SHIFTED_CLOCK": path]
    }

    /// From now on the clocks are ahead by so many seconds.
    func set(realTime: Int64, bootTime: Int64) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(file) }
        var seconds = [realTime, bootTime]
        guard pwrite(file, &seconds, 16, 0) == 16 else { throw ChildProcess.Failure(reason: "\(path): no clock set") }
    }
}
