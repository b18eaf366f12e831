import Core
import Foundation
import Glibc
import Testing

@testable import Daemon

/// kill -9, which nobody can catch.
@Suite("Killed, live")
struct LiveKillTests {
    /// What stands in a fixture's folder beside its own files.
    private func leftovers(_ fixture: LiveFixture) throws -> [String] {
        let own = ["asound.conf", "x.raw", "x.wav"]
        return try FileManager.default.contentsOfDirectory(atPath: fixture.folder).filter { !own.contains($0) }.sorted()
    }

    private func isTags(_ line: String) -> Bool { line.hasPrefix(#"{"type":"tags""#) }

    @Test("At any moment of its start and of a reload, again and again: nothing that it leaves stops the next one")
    func anyMoment() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let clock = ContinuousClock()
            // How long it takes from nothing to tags, here and today: that long are moments drawn from.
            let started = clock.now
            let first = try fixture.daemon()
            let client = try fixture.connect(to: first)
            while let line = try client.readLine(), !isTags(line) {}
            let whole = (clock.now - started) / .milliseconds(1)
            first.signal(SIGKILL)
            _ = try first.end()

            var generator = SystemRandomNumberGenerator()
            var moments: [Int32] = []
            for round in 0..<24 {
                let daemon = try fixture.daemon()
                let moment = Int32.random(in: 0...Int32(min(whole, 5000)), using: &generator)
                moments.append(moment)
                poll(nil, 0, moment)
                if round % 2 == 1 {
                    daemon.signal(SIGHUP)
                    poll(nil, 0, .random(in: 0...20, using: &generator))
                }
                daemon.signal(SIGKILL)
                let end = try daemon.end()
                // Before SIGHUP is caught it ends the program by itself.
                let killed = [SIGKILL, SIGHUP].map(ChildProcess.code)
                #expect(killed.contains(end.code), "round \(round) at \(moment) ms: \(end)")
            }
            let killed = clock.now
            let last = try fixture.daemon()
            let reader = try fixture.connect(to: last)
            var line = try reader.readLine()
            while let text = line, !isTags(text) { line = try reader.readLine() }
            noteRecovery("kill -9, from the next start to tags", since: killed)
            #expect(line != nil, "killed at \(moments) ms")
            #expect(try leftovers(fixture) == ["s"], "killed at \(moments) ms")
            last.signal(SIGTERM)
            #expect(try last.end().code == 0)
            #expect(try leftovers(fixture).isEmpty)
        }
    }

    @Test("A socket that was never put in its place is cleared away at the next start; a living daemon's is not")
    func halfMadeSocket() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let dead = try ChildProcess(["/bin/true"])
            _ = try dead.end()
            let names = ["s.\(dead.identifier)", "s.\(getpid())", "s.x\(dead.identifier)", "t.\(dead.identifier)"]
            for name in names { close(try SocketClient.listen(at: fixture.folder + "/" + name)) }
            let daemon = try fixture.daemon()
            try daemon.waitForErrorLine(containing: "listening")
            #expect(try leftovers(fixture) == (names.dropFirst() + ["s"]).sorted())
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
        }
    }
}
