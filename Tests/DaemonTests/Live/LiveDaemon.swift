import Foundation
import Glibc
import Testing

@testable import Daemon

/// Files for a daemon that hears a file through ALSA, in a folder that goes with this object.
final class LiveFixture: Sendable {
    let folder: String
    /// Samples of the sound, 22 050 Hz.
    let samples: Int

    var socket: String { folder + "/s" }
    var raw: String { folder + "/x.raw" }
    var wav: String { folder + "/x.wav" }

    /// A model of one 3^8 net with few channels.
    static let model = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures/nets/3-8-padding0.safetensors").path

    /// - Parameters:
    ///   - seconds: of sound, which a daemon hears in real time. A test of what it says of it needs as many as the machine
    ///     may lag behind.
    ///   - hasDevice: false: the device can't be opened before `plugIn` is called.
    init(seconds: Int = 8, hasDevice: Bool = true) throws {
        samples = seconds * 22_050
        folder = "/tmp/wavetag-live-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let device = """
            pcm.sound { type file; slave.pcm { type null }; file "/dev/null"; infile "\(folder)/x.raw"; format "raw" }
            """
        try device.write(toFile: folder + "/asound.conf", atomically: true, encoding: .utf8)
        try (Self.wavHeader(samples: samples) + Self.sound(samples: samples)).write(to: URL(fileURLWithPath: wav))
        if hasDevice { try plugIn() }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func plugIn() throws { try Self.sound(samples: samples).write(to: URL(fileURLWithPath: raw), options: .atomic) }

    /// The daemon on this fixture's device and socket.
    func daemon(
        _ arguments: [String] = [], model: String = model, environment: [String: String] = [:]
    ) throws -> ChildProcess {
        try ChildProcess(
            [ChildProcess.wavetag] + command(arguments, model: model), environment: with(environment))
    }

    /// The daemon, started by a shell after `preparation`.
    func daemon(after preparation: String, _ arguments: [String] = [], passing: Int32? = nil) throws -> ChildProcess {
        try ChildProcess(
            ["/bin/sh", "-c", preparation + #"; exec "$0" "$@""#, ChildProcess.wavetag] + command(arguments),
            environment: with([:]), passing: passing)
    }

    /// The daemon in a terminal of its own; it has said that it listens.
    func daemonInTerminal() throws -> (terminal: ChildProcess, process: pid_t) {
        let command = "echo $$; exec $WAVETAG " + command([]).joined(separator: " ")
        let terminal = try ChildProcess.inTerminal(command, environment: with([:]))
        var process: pid_t?
        while let line = try terminal.readLine(), !line.contains("listening") {
            process = process ?? pid_t(line.filter(\.isNumber))
        }
        return (terminal, try #require(process))
    }

    private func command(_ arguments: [String], model: String = model) -> [String] {
        [
            "run", "--device", "sound", "--rate", "22050", "--channels", "1", "--pace", "realtime", "--socket", socket,
            "--model", model,
        ] + arguments
    }

    private func with(_ environment: [String: String]) -> [String: String] {
        ["ALSA_CONFIG_PATH": folder + "/asound.conf"].merging(environment) { $1 }
    }

    /// A connected client, once the daemon listens.
    func connect(to daemon: ChildProcess) throws -> SocketClient {
        try daemon.waitForErrorLine(containing: "listening")
        return try SocketClient(connecting: socket)
    }

    /// A sweep under noise, 16 bits.
    static func sound(samples: Int) -> Data {
        var data = Data()
        var noise: UInt32 = 1
        for index in 0..<samples {
            noise = noise &* 1_664_525 &+ 1_013_904_223
            let time = Double(index) / 22_050
            let value =
                sin(2 * .pi * (200 + 400 * time) * time) * 12_000 + Double(Int32(bitPattern: noise)) / 0x4000_0000
                * 2000
            withUnsafeBytes(of: Int16(value).littleEndian) { data.append(contentsOf: $0) }
        }
        return data
    }

    private static func wavHeader(samples: Int) -> Data {
        var data = Data("RIFF".utf8)
        func append<Value: FixedWidthInteger>(_ value: Value) {
            withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
        }
        append(UInt32(36 + samples * 2))
        data.append(Data("WAVEfmt ".utf8))
        append(UInt32(16))
        append(UInt16(1))
        append(UInt16(1))
        append(UInt32(22_050))
        append(UInt32(44_100))
        append(UInt16(2))
        append(UInt16(16))
        data.append(Data("data".utf8))
        append(UInt32(samples * 2))
        return data
    }
}
