import Core
import Foundation
import Glibc
import Testing

@testable import Daemon

/// SIGHUP, as systemd's reload sends it: model and settings replaced under a daemon that hears sound.
@Suite("Reload, live")
struct LiveReloadTests {
    /// What a client is sent, one event a line.
    private static func event(_ client: SocketClient) throws -> JSONValue? {
        try client.readLine().map { try JSONValue(parsing: $0.utf8) }
    }

    private static func isOf(_ type: String, _ event: JSONValue) -> Bool { event["type"] == .string(type) }

    /// What `tag` says of the fixture's sound: its lines of one type.
    private static func tagged(
        _ fixture: LiveFixture, model: String = LiveFixture.model
    ) throws -> [JSONValue] {
        let result = try ChildProcess([
            ChildProcess.wavetag, "tag", "--model", model, "--detail", "nets", fixture.wav,
        ]).end()
        #expect(result.code == 0, "\(result.errors)")
        return try result.output.split(separator: "\n").map { try JSONValue(parsing: $0.utf8) }
            .filter { isOf("tags", $0) }
    }

    /// Whether two events have the same names, and numbers that differ by no more than the last of six decimals.
    private static func agree(_ a: JSONValue?, _ b: JSONValue?) -> Bool {
        switch (a, b) {
        case (.object(let a)?, .object(let b)?):
            a.map(\.name) == b.map(\.name) && zip(a, b).allSatisfy { agree($0.value, $1.value) }
        default:
            if let a = a?.double, let b = b?.double { abs(a - b) < 1.5e-6 } else { a == b }
        }
    }

    /// A daemon that waits for its device, and a client that was told so: what it hears it is sent from the first sample on.
    private static func waiting(
        _ fixture: LiveFixture, _ arguments: [String] = [], model: String = LiveFixture.model,
        subscription: String = #"{"subscribe":{"detail":"nets"}}"#
    ) throws -> (daemon: ChildProcess, client: SocketClient, hello: JSONValue) {
        let daemon = try fixture.daemon(["--wait-for-device"] + arguments, model: model)
        let client = try fixture.connect(to: daemon)
        let hello = try client.event("hello")
        try client.send(subscription + "\n")
        _ = try client.status()
        return (daemon, client, hello)
    }

    @Test("The same model, reloaded in mid-stream again and again: no sample lost, no answer late, twice or another")
    func identical() async throws {
        try await blocking {
            let seconds = 24
            let fixture = try LiveFixture(seconds: seconds, hasDevice: false)
            let (daemon, client, _) = try Self.waiting(fixture, ["--duration", "\(seconds)"])
            try fixture.plugIn()
            var (heard, hellos, reloads): ([JSONValue], Int, Int) = ([], 0, 0)
            var last: JSONValue?
            while let event = try Self.event(client) {
                switch event["type"] {
                case .string("tags"):
                    heard.append(event)
                    // The next as soon as the last is done.
                    if reloads == hellos, heard.count % 5 == 1 {
                        daemon.signal(SIGHUP)
                        reloads += 1
                    }
                case .string("hello"):
                    hellos += 1
                    // From here on the new tagger answers: it stands where the old one stood.
                    #expect(event["position"] == heard.last?["position"])
                default: #expect(!Self.isOf("gap", event) && !Self.isOf("dropped", event))
                }
                last = event
            }
            #expect(try daemon.end().code == 0)
            #expect(hellos >= 3)

            let wanted = try Self.tagged(fixture)
            #expect(wanted.count == (fixture.samples - 19_683) / 729 + 1)
            // A device's last piece may reach a little behind the file's end.
            let positions = try heard.map { try $0.whole("position") }
            #expect(positions == positions.indices.map { 19_683 + 729 * $0 } && positions.count >= wanted.count)
            for (live, file) in zip(heard, wanted) {
                for part in ["window", "song", "song_start", "nets"] {
                    #expect(Self.agree(live[part], file[part]), "\(part) of \(live)")
                }
            }
            #expect(last?["type"] == .string("song") && last?["start"] == .integer(0))
        }
    }

    @Test("Another model: hello before its first answer, which comes at once and is what it says of the same sound")
    func otherModel() async throws {
        try await blocking {
            let fixture = try LiveFixture(seconds: 120, hasDevice: false)
            let path = fixture.folder + "/model.safetensors"
            var model = try ModelFile.read(path: LiveFixture.model).model
            let shared = try #require(model.tags.first)
            try ModelFile.write(model, to: path)
            let next = fixture.folder + "/next.safetensors"
            // Other tags, one of them known, and another window.
            let shape = try NetShape(name: "2^13", m: 2, n: 13, widths: [Int](repeating: 4, count: 15))
            model = Model(
                tags: ["new", shared], output: .sigmoid, batchNormEpsilon: 1e-5,
                nets: [.heUniform(shape, tags: 2, seed: 3)], classifier: nil)
            model.thresholds = ["new": 0.25]
            try ModelFile.write(model, to: next)
            let wanted = try Self.tagged(fixture, model: next)
            let (daemon, client, hello) = try Self.waiting(fixture, model: path)
            let choosy = try SocketClient(connecting: fixture.socket)
            try choosy.send(#"{"subscribe":{"tags":["\#(shared)"]}}"# + "\n")
            _ = try choosy.status()
            try fixture.plugIn()
            var before = try client.event("tags")

            #expect(rename(next, path) == 0)
            let asked = ContinuousClock.now
            daemon.signal(SIGHUP)
            var changed: JSONValue?
            while changed == nil, let event = try Self.event(client) {
                #expect(!Self.isOf("gap", event))
                if Self.isOf("hello", event) { changed = event } else { before = event }
            }
            noteRecovery("model replaced, from SIGHUP to the new one's hello", since: asked)
            let facts = try #require(changed?["model"])
            #expect(facts["sha256"] != hello["model"]?["sha256"])
            #expect(facts["tags"] == .array([.string("new"), .string(shared)]))
            #expect(facts["thresholds"]?["new"]?.double == 0.25)
            #expect(facts["nets"] == .array([.string("2^13")]))

            var position = try before.whole("position")
            for index in 0..<20 {
                let tags = try client.event("tags")
                let file = try #require(wanted.first { $0["position"] == tags["position"] })
                #expect(Self.agree(tags["window"], file["window"]) && Self.agree(tags["nets"], file["nets"]))
                #expect(tags["song_start"] == .integer(0))
                // The old one answered until here; the new one needs no window of its own.
                #expect(try tags.whole("position") - position <= (index == 0 ? 2 : 1) * 729)
                position = try tags.whole("position")
            }
            while let event = try Self.event(choosy) {
                guard Self.isOf("hello", event) else { continue }
                guard case .object(let window)? = try choosy.event("tags")["window"] else { break }
                #expect(window.map(\.name) == [shared])
                break
            }
            let status = try client.status()
            #expect(status["reloads"] == .integer(1) && status["gaps"] == .integer(0))
            #expect(status["nets"] == .string("2^13"))
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
        }
    }

    @Test("What can't be is refused with its reason, in the log and in status, and the old one goes on")
    func refused() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let path = fixture.folder + "/model.safetensors"
            let settings = fixture.folder + "/wavetag.json"
            let good = try Data(contentsOf: URL(fileURLWithPath: LiveFixture.model))
            try good.write(to: URL(fileURLWithPath: path))
            // Ten refusals in a minute are more than the log would tell.
            try #"{"log": {"limit": 0}}"#.write(toFile: settings, atomically: true, encoding: .utf8)
            let daemon = try fixture.daemon(["--config", settings], model: path)
            let client = try fixture.connect(to: daemon)
            let hello = try client.event("hello")
            var refusals = 0
            func expectRefusal(_ reason: String) throws {
                daemon.signal(SIGHUP)
                refusals += 1
                var line = try daemon.readErrorLine()
                while let text = line, !text.contains("reload refused") { line = try daemon.readErrorLine() }
                #expect(line?.contains(reason) == true, "\(line ?? "nothing") instead of \(reason)")
                let status = try client.status()
                #expect(status["reloads_refused"] == .integer(refusals) && status["reloads"] == .integer(0))
                guard case .string(let error)? = status["reload_error"] else {
                    throw SocketClient.Failure(reason: "none")
                }
                #expect(error.contains(reason))
                _ = try client.event("tags")
            }
            // Written in its place and cut short, as a copy that isn't finished: of this a mapping would die.
            let file = try #require(FileHandle(forWritingAtPath: path))
            for length in [UInt64(good.count / 2), 100, 8, 0] {
                try file.truncate(atOffset: length)
                try expectRefusal(path)
            }
            try "{\"format\": \"none\"}".write(toFile: path, atomically: true, encoding: .utf8)
            try expectRefusal("model.safetensors: header: ")
            unlink(path)
            try expectRefusal("model.safetensors: No such file or directory")
            try good.write(to: URL(fileURLWithPath: path))
            for (text, reason) in [
                ("{", "wavetag.json: "), (#"{"hop": 0}"#, "wavetag.json: hop: a whole number from 1 to 13230000"),
                (#"{"precision": "int8", "net_hops": {"9^9": 3}}"#, "hop of 9^9: the model has no such net"),
                (#"{"hops": 3}"#, "wavetag.json: hops: unknown setting"),
            ] {
                try text.write(toFile: settings, atomically: true, encoding: .utf8)
                try expectRefusal(reason)
            }
            unlink(settings)
            try expectRefusal("wavetag.json: No such file or directory")

            // What is good again is taken, and what a reload can't change is said.
            try #"{"hop": 2187, "log": {"limit": 0}, "socket": {"clients": 9}, "status": {"interval": 3}}"#
                .write(toFile: settings, atomically: true, encoding: .utf8)
            daemon.signal(SIGHUP)
            let again = try client.event("hello")
            #expect(again["model"] == hello["model"])
            try daemon.waitForErrorLine(containing: "socket.clients, status.interval")
            let status = try client.status()
            #expect(status["reloads"] == .integer(1) && status["reload_error"] == .string(""))
            #expect(status["restart_needed"] == .string("socket.clients, status.interval"))
            #expect(status["hop"] == .integer(2187) && status["gaps"] == .integer(0))
            for _ in 0..<3 { #expect((try client.event("tags").whole("position") - 19_683) % 2187 == 0) }
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
        }
    }

    @Test("A hundred reloads and a storm of signals: every client is there, and no memory or descriptor is left behind")
    func many() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let daemon = try fixture.daemon()
            let client = try fixture.connect(to: daemon)
            _ = try client.event("tags")
            // A status holds a file of /proc open while it is made: the fewest of some moments is what stays.
            func descriptors() throws -> Int {
                try (0..<20).map { _ in
                    poll(nil, 0, 20)
                    return try daemon.descriptors
                }.min() ?? 0
            }
            func resident() throws -> Int { try client.status().whole("resident_bytes") }
            func reload(times: Int) throws {
                for _ in 0..<times {
                    daemon.signal(SIGHUP)
                    _ = try client.event("hello")
                }
            }
            try reload(times: 20)
            // The event loop has let go of the last ring when it has answered.
            let before = (try resident(), try descriptors())
            try reload(times: 80)
            let after = (try resident(), try descriptors())
            #expect(after.1 <= before.1)
            #expect(after.0 - before.0 < 4 << 20 || isSanitized, "\(before.0) bytes, \(after.0) after 80 reloads")
            for _ in 0..<1000 { daemon.signal(SIGHUP) }
            _ = try client.event("hello")
            // A client may hear of the new model before it is counted.
            var status = try client.status()
            for _ in 0..<1000 where try status.whole("reloads") <= 100 { status = try client.status() }
            #expect(try status.whole("reloads") > 100 && status["reloads_refused"] == .integer(0))
            #expect(status["gaps"] == .integer(0))
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
        }
    }

    @Test("SIGTERM while a reload is made ready, at several moments of it: the end is in order and waits for nothing")
    func endedMeanwhile() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            var finished = 0
            for milliseconds: Int32 in [0, 20, 60, 150, 300, 600] {
                let daemon = try fixture.daemon()
                let client = try fixture.connect(to: daemon)
                _ = try client.event("tags")
                daemon.signal(SIGHUP)
                poll(nil, 0, milliseconds)
                daemon.signal(SIGTERM)
                var last: JSONValue?
                while let event = try Self.event(client) {
                    if Self.isOf("hello", event) { finished += 1 }
                    last = event
                }
                #expect(last?["type"] == .string("song"), "after \(milliseconds) ms")
                #expect(try daemon.end().code == 0, "after \(milliseconds) ms")
            }
            // Otherwise no reload was interrupted, and nothing was tested.
            #expect(finished < 6)
        }
    }

    @Test("systemd is told of the beginning and the end, also of a reload that is refused; a device needn't be there")
    func notifications() async throws {
        try await blocking {
            let fixture = try LiveFixture(hasDevice: false)
            let path = fixture.folder + "/model.safetensors"
            try FileManager.default.copyItem(atPath: LiveFixture.model, toPath: path)
            let notifications = try NotifySocket(path: fixture.folder + "/n")
            let daemon = try fixture.daemon(
                ["--wait-for-device"], model: path, environment: ["NOTIFY_SOCKET": notifications.path])
            try notifications.wait(for: "READY=1")
            daemon.signal(SIGHUP)
            try notifications.wait(for: "RELOADING=1")
            try notifications.wait(for: "STATUS=reloaded: model model")
            try notifications.wait(for: "READY=1")
            unlink(path)
            daemon.signal(SIGHUP)
            try notifications.wait(for: "RELOADING=1")
            try notifications.wait(for: "STATUS=reload refused: \(path): No such file or directory")
            try notifications.wait(for: "READY=1")
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
        }
    }

    @Test("SIGHUP because the terminal has gone ends the program, as it always did")
    func terminalGone() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let terminal = try fixture.daemonInTerminal().terminal
            let client = try SocketClient(connecting: fixture.socket)
            _ = try client.event("tags")
            terminal.signal(SIGKILL)
            // In order: the last song, and the end.
            _ = try client.event("song")
            while try client.readLine() != nil {}
        }
    }

    @Test("SIGHUP when no descriptor is left to look for the terminal with: a reload that is refused, not the end")
    func terminalUnknown() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let (terminal, process) = try fixture.daemonInTerminal()
            // The program wouldn't hear of the terminal's end.
            defer { kill(process, SIGKILL) }
            let client = try SocketClient(connecting: fixture.socket)
            _ = try client.event("tags")
            try ChildProcess.permit(3, descriptorsOf: process)
            #expect(kill(process, SIGHUP) == 0)
            let deadline = ContinuousClock.now + .seconds(60)
            while try client.status().whole("reloads_refused") == 0, .now < deadline {}
            #expect(try client.status()["reloads_refused"] == .integer(1))
            _ = try client.event("tags")
            withExtendedLifetime(terminal) {}
        }
    }
}
