import Core
import Foundation
import Testing

@testable import Daemon

@Suite("inspect and devices")
struct InspectCommandTests {
    private func wavetag(_ arguments: [String], environment: [String: String] = [:]) async throws
        -> (code: Int32, output: String, errors: String)
    {
        try await blocking {
            try ChildProcess([ChildProcess.wavetag] + arguments, environment: environment).end()
        }
    }

    @Test("The bundled model, as text and as JSON")
    func bundled() async throws {
        let text = try await wavetag(["inspect", "--plan"])
        #expect(text.code == 0 && text.errors.isEmpty)
        #expect(text.output.contains("net 3^9: window 59049 samples, 2678 ms"))
        #expect(text.output.contains("layers 0 to 7 shared between windows"))
        let json = try JSONValue(
            parsing: try await wavetag(["inspect", "--json", "--plan", "--hop", "243"]).output.utf8)
        guard case .array(let nets)? = json["nets"], case .array(let plans)? = json["plans"] else {
            Issue.record("nets and plans wanted")
            return
        }
        #expect(nets.first?["window"] == .integer(59_049))
        #expect(plans.first?["hop"] == .integer(243))
    }

    @Test("What is no model is 65, what isn't there 66, a hop that can't be 64")
    func errors() async throws {
        let bad = try await wavetag(["inspect", "/etc/passwd"])
        #expect(bad.code == 65 && bad.errors.hasPrefix("wavetag: /etc/passwd: header: "))
        #expect(try await wavetag(["inspect", "/nonexistent"]).code == 66)
        #expect(try await wavetag(["inspect", "--hop", "0"]).code == 64)
    }

    @Test("What ALSA's plugins print of servers that aren't there doesn't reach people")
    func quietDevices() async throws {
        // All PCMs that Debian configures, JACK's and PulseAudio's among them.
        let result = try await wavetag(
            ["devices"], environment: ["ALSA_CONFIG_PATH": "/usr/share/alsa/alsa.conf"])
        #expect(result.code == 0)
        #expect(result.output.contains("\n"))
        #expect(result.errors.isEmpty)
    }

    @Test("devices lists a PCM with a hint, and what it offers")
    func devices() async throws {
        let configuration = try AlsaConfiguration(fileDevices: ["listed"], hinted: true)
        defer { configuration.remove() }
        try Data(count: 100).write(to: URL(fileURLWithPath: configuration.fileDevice("listed").path))
        let result = try await wavetag(["devices", "--json"], environment: configuration.environment)
        #expect(result.code == 0)
        let lines = try result.output.split(separator: "\n").map { try JSONValue(parsing: $0.utf8) }
        let device = try #require(lines.first { $0["device"] == .string("listed") })
        #expect(device["available"] == .bool(true))
        #expect(device["description"] == .string("A file for tests"))
    }
}
