import Core
import Foundation
import Glibc
import Streaming
import Testing

@testable import Daemon

/// What goes wrong while the daemon runs, as a client sees it.
@Suite struct LiveRecoveryTests {
    /// The next event that `isWanted`, on a machine that others keep busy.
    private static func event(_ client: SocketClient, _ isWanted: (JSONValue) -> Bool) throws -> JSONValue {
        try client.event(seconds: 240, where: isWanted)
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
            guard case .integer(let level)? = raised["overload"] else {
                throw SocketClient.Failure(reason: "no level in \(raised)")
            }
            // There is but one net, which is never left out.
            #expect(level >= 1 && raised["overloads"] == .integer(level) && raised["nets"] == .string("3^9"))
            // As often as it must be raised, there are tags in the end.
            _ = try Self.event(client, Self.isOf("tags"))
            daemon.signal(SIGTERM)
            // What waits, up to four seconds of sound, is not heard any more.
            #expect(try daemon.end().code == 0)
        }
    }

    @Test("Sound that finds no room while the machine can't keep up: a gap that says so and how much, and tags again")
    func soundLostToOverload() async throws {
        let device = AlsaConfiguration.shared.fileDevice("file4")
        try LiveFixture.sound(samples: 8 * 22_050).write(to: URL(fileURLWithPath: device.path))
        // Room for a second, which the daemon's own would take minutes to do without; every sample an answer, from four of
        // the largest published nets.
        let ring = CaptureRing(capacity: 44_100)
        let capture = Capture(
            CaptureSettings(device: device.name, rate: 22_050, channels: 1, pace: .realtime, realtimePriority: 0),
            ring: ring, observer: { _ in })
        let model = Model(
            tags: ["a"], output: .sigmoid, batchNormEpsilon: 1e-5,
            nets: try (0..<4).map {
                .heUniform(try NetShape(name: "3^9 \($0)", m: 3, n: 9), tags: 1, seed: UInt64($0))
            }, classifier: nil)
        let engine = LiveEngine(
            tagger: try Tagger(model: model, settings: TaggerSettings(hop: 1)), choice: .mean, capture: ring,
            reports: ReportRing(capacity: 256, tags: 1, nets: 4), sourceWaits: false)
        try await TestServer.run(tags: ["a"], ring: engine.firstReports) { server in
            let client = try server.connect()
            try capture.start()
            engine.start()
            defer {
                capture.requestStop()
                engine.join()
                capture.stop()
            }
            let gap = try client.event("gap")
            let (lost, told) = (try gap.whole("lost"), ContinuousClock.now)
            #expect(gap["reason"] == .string("overload") && lost > 0)
            let tags = try client.event("tags")
            noteRecovery("sound lost to an overload", since: told)
            // No window spans the place.
            #expect(try tags.whole("position") >= gap.whole("position") + 59_049)
            #expect(engine.counters.lostSamples.load(ordering: .relaxed) >= lost)
            #expect(capture.counters.dropped.load(ordering: .relaxed) >= lost)
            #expect(engine.counters.overloads.load(ordering: .relaxed) >= 1)
        }
    }

    /// A daemon with nets as wide as the papers' at a hop; how it is asked for less while the program runs for five
    /// milliseconds in half a second, and how for as much as before when it runs all the time.
    private static func takeAway(
        nets: [(m: Int, n: Int)], hop: Int, _ check: (_ less: JSONValue, _ client: SocketClient) throws -> Void
    ) throws -> (more: JSONValue, next: JSONValue) {
        let fixture = try LiveFixture()
        let model = Model(
            tags: ["a"], output: .sigmoid, batchNormEpsilon: 1e-5,
            nets: try nets.map {
                .heUniform(try NetShape(name: "\($0.m)^\($0.n)", m: $0.m, n: $0.n), tags: 1, seed: 1)
            }, classifier: nil)
        let path = fixture.folder + "/large.safetensors"
        try ModelFile.write(model, to: path)
        let daemon = try fixture.daemon(["--hop", "\(hop)"], model: path)
        let client = try fixture.connect(to: daemon)
        try client.send(#"{"subscribe":{"every":0.1,"detail":"nets"}}"# + "\n")
        _ = try event(client, isOf("tags"))

        let deadline = ContinuousClock.now + .seconds(120)
        var isRaised = false
        while !isRaised, ContinuousClock.now < deadline {
            daemon.signal(SIGSTOP)
            poll(nil, 0, 495)
            daemon.signal(SIGCONT)
            poll(nil, 0, 5)
            isRaised = try daemon.hasErrorLine(containing: "can't keep up")
        }
        #expect(isRaised)
        let whole = ContinuousClock.now
        try check(try event(client) { isOf("status")($0) && $0["overload"] != .integer(0) }, client)
        let more = try event(client) { isOf("status")($0) && $0["overload"] == .integer(0) }
        noteRecovery("can't keep up, until all is asked again (\(nets.count) nets)", since: whole)
        #expect(more["hop"] == .integer(hop) && more["overloads"] == more["overload_recoveries"])
        try daemon.waitForErrorLine(containing: "keeps up")
        let next = try event(client, isOf("tags"))
        daemon.signal(SIGTERM)
        #expect(try daemon.end().code == 0)
        return (more, next)
    }

    @Test("A machine that is taken away: longer hops; when it is there again, the old ones, where they would have been")
    func longerHops() async throws {
        try await blocking {
            let (more, next) = try Self.takeAway(nets: [(3, 8)], hop: 243) { less, _ in
                guard case .integer(let hop)? = less["hop"], case .integer(let level)? = less["overload"] else {
                    throw SocketClient.Failure(reason: "no level in \(less)")
                }
                #expect((1...level).reduce(243) { hop, _ in hop * 3 } == hop)
                #expect(less["nets"] == .string("3^8"))
            }
            guard case .integer(let position)? = next["position"] else {
                throw SocketClient.Failure(reason: "no position in \(next)")
            }
            // Where sound was lost windows begin anew.
            if more["gaps"] == .integer(0) { #expect((position - 19_683) % 243 == 0) }
        }
    }

    @Test("Where hops are as long as windows, nets are left out, the costliest first; and they come back")
    func fewerNets() async throws {
        try await blocking {
            let names = ["3^8", "2^14", "5^6", "3^9"]
            let (more, next) = try Self.takeAway(nets: [(3, 8), (2, 14), (5, 6), (3, 9)], hop: 59_049) { less, client in
                guard case .integer(let level)? = less["overload"], case .string(let nets)? = less["nets"] else {
                    throw SocketClient.Failure(reason: "no level in \(less)")
                }
                let left = nets.split(separator: ", ").map(String.init)
                #expect(left.count == max(1, names.count - level) && left.contains("3^8"))
                // What is said then is said by these.
                let tags = try Self.event(client, Self.isOf("tags"))
                guard case .object(let heard)? = tags["nets"] else { throw SocketClient.Failure(reason: "\(tags)") }
                #expect(!heard.isEmpty && heard.allSatisfy { left.contains($0.name) })
            }
            #expect(more["nets"] == .string(names.joined(separator: ", ")))
            guard case .object(let heard)? = next["nets"] else { throw SocketClient.Failure(reason: "\(next)") }
            #expect(!heard.isEmpty)
        }
    }
}
