import Core
import Foundation
import Glibc
import Testing

@testable import Daemon

/// What goes wrong while the daemon runs, as a client sees it.
@Suite struct LiveRecoveryTests {
    /// The next event that `isWanted`.
    private static func event(
        _ client: SocketClient, _ isWanted: (JSONValue) -> Bool
    ) throws -> JSONValue {
        while let line = try client.readLine(seconds: 180) {
            let event = try JSONValue(parsing: line.utf8)
            if isWanted(event) { return event }
        }
        throw SocketClient.Failure(reason: "the daemon has closed")
    }

    private static func isOf(_ type: String) -> (JSONValue) -> Bool { { $0["type"] == .string(type) } }

    @Test("PulseAudio killed and started again under the daemon: a gap, and tags again, for the same client")
    func deviceLost() async throws {
        try await blocking {
            let configuration = try AlsaConfiguration(fileDevices: [])
            defer { configuration.remove() }
            var server = try PulseServer(configuration)
            let path = configuration.folder + "/s"
            let daemon = try ChildProcess(
                [
                    ChildProcess.wavetag, "run", "--device", "pulse", "--socket", path, "--model", LiveFixture.model,
                ], environment: configuration.environment)
            try daemon.waitForErrorLine(containing: "listening")
            let client = try SocketClient(connecting: path)
            _ = try Self.event(client, Self.isOf("tags"))
            server.kill()
            try daemon.waitForErrorLine(containing: "device lost")
            server = try PulseServer(configuration)
            let gap = try Self.event(client, Self.isOf("gap"))
            #expect(gap["reason"] == .string("device-lost"))
            guard case .integer(let position)? = gap["position"], case .integer(let lost)? = gap["lost"] else {
                throw SocketClient.Failure(reason: "no numbers in \(gap)")
            }
            // The device is opened again after a quarter of a second at the earliest.
            #expect(lost >= 22_050 / 4)
            // No window spans the place.
            let tags = try Self.event(client, Self.isOf("tags"))
            #expect(tags["position"] == .integer(position + 19_683))
            #expect(tags["song_start"] == .integer(0))
            daemon.signal(SIGTERM)
            _ = try Self.event(client, Self.isOf("song"))
            #expect(try daemon.end().code == 0)
        }
    }

    @Test("A device without a clock is noticed and read in real time; the burst until then is no overload")
    func unclocked() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let daemon = try fixture.daemon(["--pace", "device"])
            // May come before the line that says that it listens, which it does by then.
            try daemon.waitForErrorLine(containing: "the device has no clock")
            let client = try SocketClient(connecting: fixture.socket)
            // Behind the burst, three seconds of sound at most.
            _ = try Self.event(client) { event in
                if case .integer(let position)? = event["position"] { position > 4 * 22_050 } else { false }
            }
            try client.send("{\"status\":true}\n")
            let status = try Self.event(client, Self.isOf("status"))
            #expect(status["hop"] == .integer(729))
            #expect(status["gaps"] == .integer(0))
        }
    }

    @Test("A machine that can't keep up: said, a longer hop, in status with what it costs; and tags at that hop")
    func overload() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            // Every sample an answer of the largest published net: more than twice what the fastest core can.
            let model = Model(
                tags: ["a"], output: .sigmoid, batchNormEpsilon: 1e-5,
                nets: [.heUniform(try NetShape(name: "3^9", m: 3, n: 9), tags: 1, seed: 1)], classifier: nil)
            let path = fixture.folder + "/large.safetensors"
            try ModelFile.write(model, to: path)
            let daemon = try fixture.daemon(["--hop", "1"], model: path)
            let client = try fixture.connect(to: daemon)
            try client.send(#"{"subscribe":{"every":0.5}}"# + "\n" + #"{"status":true}"# + "\n")
            let before = try Self.event(client, Self.isOf("status"))
            #expect(before["hop"] == .integer(1))
            try daemon.waitForErrorLine(containing: "can't keep up", seconds: 180)
            let raised = try Self.event(client) { Self.isOf("status")($0) && $0["hop"] != .integer(1) }
            guard case .integer(let hop)? = raised["hop"], case .string(let engine)? = raised["engine"] else {
                throw SocketClient.Failure(reason: "no hop in \(raised)")
            }
            #expect(hop % 3 == 0)
            #expect(engine.hasPrefix("3^9 at hop \(hop): "))
            // As often as it must be raised, there are tags in the end.
            _ = try Self.event(client, Self.isOf("tags"))
            daemon.signal(SIGTERM)
            // What waits, up to four seconds of sound, is not heard any more.
            #expect(try daemon.end().code == 0)
        }
    }
}
