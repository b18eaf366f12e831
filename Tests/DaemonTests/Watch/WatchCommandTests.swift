import Foundation
import Testing

@testable import Daemon

/// The program itself, against a daemon that the test plays.
@Suite("watch") struct WatchCommandTests {
    private let path = "/tmp/wavetag-watch-\(UUID().uuidString.prefix(8)).sock"

    @Test("No daemon: one line, exit 69")
    func absent() async throws {
        let result = try await WavetagProcess.run(["watch", "--socket", path])
        #expect(result.status == 69)
        #expect(result.errors == "wavetag: watch: \(path): No such file or directory\n")
    }

    @Test("Subscribes, passes events through, finds a restarted daemon, and ends with 0 on SIGINT")
    func reconnects() async throws {
        try await blocking { [path] in
            let first = try SocketClient.listen(at: path)
            defer { unlink(path) }
            let watch = try WavetagProcess(["watch", "--socket", path, "--format", "json", "--top", "3"])
            defer { watch.kill() }
            do {
                let client = try SocketClient.accept(first)
                #expect(try client.readLine() == #"{"subscribe":{"top":3}}"#)
                try client.send("{\"type\":\"new\",\"n\":1}\n")
                #expect(try watch.readLine() == "{\"type\":\"new\",\"n\":1}")
                close(first)
                unlink(path)
            }
            let second = try SocketClient.listen(at: path)
            defer { close(second) }
            let client = try SocketClient.accept(second)
            #expect(try client.readLine() == #"{"subscribe":{"top":3}}"#)
            watch.signal(SIGINT)
            let status = try watch.wait()
            // A connection closed earlier would be a daemon that has gone once more.
            withExtendedLifetime(client) {}
            let errors = try watch.errors()
            #expect(status == 0)
            #expect(errors == "wavetag: watch: the daemon has gone; waiting for it\n")
        }
    }

    @Test("With --once it ends when the daemon does")
    func once() async throws {
        try await blocking { [path] in
            let listener = try SocketClient.listen(at: path)
            defer {
                close(listener)
                unlink(path)
            }
            let watch = try WavetagProcess(["watch", "--socket", path, "--once"])
            defer { watch.kill() }
            do {
                let client = try SocketClient.accept(listener)
                #expect(try client.readLine() == #"{"subscribe":{"top":5,"every":1.0}}"#)
                try client.send(
                    #"{"type":"tags","time":"T","window":{"a":0.1,"b":0.9},"song":{}}"# + "\n")
                #expect(try watch.readLine()?.contains("now: b 0.90, a 0.10") == true)
            }
            #expect(try watch.wait() == 0)
        }
    }
}
