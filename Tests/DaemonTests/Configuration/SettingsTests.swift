import Foundation
import Testing

@testable import Daemon

@Suite("Settings")
struct SettingsTests {
    /// Writes a configuration file and reads settings with it.
    private func load(
        _ json: String? = nil, flags: [String: String] = [:], environment: [String: String] = [:]
    ) async throws -> Settings {
        guard let json else { return try Settings.load(file: nil, flags: flags, environment: environment) }
        let path = NSTemporaryDirectory() + "wavetag-settings-\(UUID().uuidString).json"
        try json.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        do throws(SettingsError) {
            return try Settings.load(file: path, flags: flags, environment: environment)
        } catch {
            throw SettingsError(description: error.description.replacing(path, with: "FILE"), exitCode: error.exitCode)
        }
    }

    @Test("Nothing said means the documented defaults")
    func defaults() async throws {
        var expected = Settings()
        expected.capture.waitForDevice = ServiceNotification.isService
        #expect(try await load() == expected)
        #expect(expected.tagger.hop == 729)
        #expect(expected.capture.device == "default")
        #expect(expected.socketMode == 0o660)
    }

    @Test("A file sets everything, with whole numbers where fractions may stand")
    func file() async throws {
        let settings = try await load(
            """
            {"device": "hw:1", "model": "m.safetensors", "precision": "int8", "hop": 1000, "net_hops": {"3^9": 243},
             "memory_limit": 64, "threads": 3, "priority": 40, "channel": 2, "songs": "novelty",
             "capture": {"rate": 48000, "channels": 4, "period": 10, "pace": "wait", "wait_for_device": true,
                         "priority": 0, "stalled_after": 30, "duration": 2.5},
             "silence": {"level": -50, "duration": 3}, "classifier": {"interval": 0.25}, "status": {"interval": 5}, "log": {"level": "error", "limit": 3},
             "metrics": {"file": "/m.prom", "interval": 2},
             "socket": {"path": "/tmp/x.sock", "mode": "0600", "group": "audio", "clients": 7}}
            """)
        var expected = Settings()
        expected.capture = CaptureSettings(
            device: "hw:1", rate: 48_000, channels: 4, period: 10, pace: .wait, waitForDevice: true,
            realtimePriority: 0, duration: 2.5, stalledAfter: 30)
        expected.model = "m.safetensors"
        expected.tagger.precision = .int8
        expected.tagger.hop = 1000
        expected.tagger.netHops = ["3^9": 243]
        expected.tagger.memoryLimit = 64 << 20
        expected.tagger.threads = 3
        expected.priority = 40
        expected.channel = 2
        expected.tagger.songBoundaries = .novelty
        expected.tagger.silenceLevel = -50
        expected.tagger.silenceDuration = 3
        expected.tagger.classifierInterval = 5513
        expected.socketPath = "/tmp/x.sock"
        expected.socketMode = 0o600
        expected.socketGroup = "audio"
        expected.mostClients = 7
        expected.statusInterval = 5
        expected.logLevel = .error
        expected.logLimit = 3
        expected.metricsFile = "/m.prom"
        expected.metricsInterval = 2
        #expect(settings == expected)
    }

    @Test("Flags come before the environment, and the environment before the file")
    func precedence() async throws {
        let json = #"{"hop": 1, "device": "file", "silence": {"level": -10}}"#
        let environment = [
            "WAVETAG_HOP": "2", "WAVETAG_DEVICE": "environment", "WAVETAG_CAPTURE_WAIT_FOR_DEVICE": "true",
        ]
        let settings = try await load(json, flags: ["hop": "3", "capture.duration": "1.5"], environment: environment)
        #expect(settings.tagger.hop == 3)
        #expect(settings.capture.device == "environment")
        #expect(settings.tagger.silenceLevel == -10)
        #expect(settings.capture.duration == 1.5)
        #expect(settings.capture.waitForDevice)
    }

    @Test(
        "What can't be is one line with the key's path",
        arguments: [
            (#"{"hopp": 1}"#, "FILE: hopp: unknown setting"),
            (#"{"silence": {"level": "loud"}}"#, "FILE: silence.level: a number from -120 to 0 wanted, \"loud\" found"),
            (#"{"silence": 3}"#, "FILE: silence: an object wanted, a number found"),
            (#"{"hop": 0}"#, "FILE: hop: a whole number from 1 to 13230000 wanted, 0 found"),
            (#"{"net_hops": {"3^9": 1.5}}"#, "FILE: net_hops.3^9: a whole number from 1 to 13230000 wanted, 1.5 found"),
            (#"{"songs": "all"}"#, "FILE: songs: off or silence or novelty wanted, \"all\" found"),
            (#"{"precision": "int4"}"#, "FILE: precision: float or int8 wanted, \"int4\" found"),
            (
                #"{"socket": {"mode": "999"}}"#,
                "FILE: socket.mode: octal permissions as text, like \"0660\" wanted, \"999\" found"
            ),
            (#"{"hop": 1, "hop": 2}"#, "FILE: byte 16: \"hop\" stands twice"),
            ("[]", "FILE: an object wanted, an array found"),
            ("{", "FILE: byte 1: a name wanted"),
        ])
    func refused(json: String, message: String) async {
        let error = await #expect(throws: SettingsError.self) { try await load(json) }
        #expect(error?.description == message)
        #expect(error?.exitCode == .badConfiguration)
    }

    @Test("A bad flag and a bad variable name themselves")
    func sources() async {
        let flag = await #expect(throws: SettingsError.self) { try await load(flags: ["hop": "x"]) }
        #expect(flag?.description == "command line: hop: a whole number from 1 to 13230000 wanted, \"x\" found")
        let unknown = await #expect(throws: SettingsError.self) { try await load(environment: ["WAVETAG_HOPP": "1"]) }
        #expect(unknown?.description == "environment: WAVETAG_HOPP: unknown setting")
        let variable = await #expect(throws: SettingsError.self) {
            try await load(environment: ["WAVETAG_CAPTURE_RATE": "1"])
        }
        #expect(
            variable?.description
                == "environment: WAVETAG_CAPTURE_RATE: a whole number from 8000 to 192000 wanted, \"1\" found")
    }

    @Test("A file that isn't there is exit code 66")
    func missing() async {
        let error = #expect(throws: SettingsError.self) {
            try Settings.load(file: "/nonexistent.json", flags: [:], environment: [:])
        }
        #expect(error?.exitCode == .noInput)
    }

    @Test("The page on settings names every one, with its variable")
    func documented() throws {
        let repository = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let page = try String(contentsOfFile: repository + "/docs/configuration.md", encoding: .utf8)
        for key in SettingKey.all {
            #expect(page.contains("`\(key.path)`"), "\(key.path)")
            #expect(page.contains("`\(key.environmentName)`"), "\(key.environmentName)")
        }
    }
}
