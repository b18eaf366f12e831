import Foundation
import Glibc
import Testing

@testable import Daemon

/// The program itself, against a daemon that the test plays.
@Suite struct WatchCommandTests {
    private let path = "/tmp/wavetag-watch-\(UUID().uuidString.prefix(8)).sock"

    private func start(_ arguments: [String]) throws -> ChildProcess {
        try ChildProcess([ChildProcess.wavetag, "watch", "--socket", path] + arguments)
    }

    @Test("no daemon: one line, exit 69")
    func absent() async throws {
        try await blocking {
            let result = try start([]).end()
            #expect(result.code == 69)
            #expect(result.errors == "wavetag: watch: \(path): No such file or directory\n")
            #expect(result.output.isEmpty)
        }
    }

    @Test("a daemon that takes nobody in, as one that is stopped: one line after five seconds, exit 69")
    func queued() async throws {
        try await blocking {
            let listener = try SocketClient.listen(at: path)
            defer {
                close(listener)
                unlink(path)
            }
            // Room for one who waits.
            #expect(Glibc.listen(listener, 0) == 0)
            let first = try SocketClient(connecting: path)
            let result = try start([]).end()
            #expect(result.code == 69)
            #expect(result.errors == "wavetag: watch: \(path): nobody answers in 5 s\n")
            // Where there is room: taken in, but by nobody.
            _ = try SocketClient.accept(listener)
            let watch = try start([])
            try watch.waitForErrorLine(containing: "the daemon says nothing; waiting for it")
            watch.signal(SIGTERM)
            #expect(try watch.end().code == 0)
            withExtendedLifetime(first) {}
        }
    }

    @Test("subscribes, passes events through, finds a restarted daemon, and ends with 0 on SIGINT")
    func reconnects() async throws {
        try await blocking {
            defer { unlink(path) }
            let watch: ChildProcess
            do {
                let listener = try SocketClient.listen(at: path)
                defer { close(listener) }
                watch = try start(["--format", "json", "--top", "3"])
                let client = try SocketClient.accept(listener)
                #expect(try client.readLine() == #"{"subscribe":{"top":3}}"#)
                try client.send("{\"type\":\"new\",\"n\":1}\n")
                #expect(try watch.readLine() == #"{"type":"new","n":1}"#)
                unlink(path)
            }
            let listener = try SocketClient.listen(at: path)
            defer { close(listener) }
            let client = try SocketClient.accept(listener)
            #expect(try client.readLine() == #"{"subscribe":{"top":3}}"#)
            watch.signal(SIGINT)
            let result = try watch.end()
            #expect(result.code == 0)
            #expect(result.errors == "wavetag: watch: the daemon has gone; waiting for it\n")
        }
    }

    @Test("text shows the likeliest tags, likeliest first, even of events sent before the subscription")
    func unsubscribed() async throws {
        try await blocking {
            let listener = try SocketClient.listen(at: path)
            defer {
                close(listener)
                unlink(path)
            }
            let watch = try start(["--top", "2", "--threshold", "0.2"])
            let client = try SocketClient.accept(listener)
            #expect(try client.readLine() == #"{"subscribe":{"top":2,"every":1.0,"threshold":0.2}}"#)
            try client.send(
                #"{"type":"tags","time":"T","window":{"a":0.3,"b":0.1,"c":0.9,"d":0.5},"song":{"a":0.1,"b":0.4}}"#
                    + "\n"
                    + #"{"type":"song","start":0,"end":22050,"song":{"a":0.3,"b":0.1,"c":0.9,"d":0.5}}"# + "\n")
            #expect(try watch.readLine() == "T  now: c 0.90, d 0.50  song: b 0.40")
            #expect(try watch.readLine() == "song ended (1.0 s): c 0.90, d 0.50")
            watch.signal(SIGTERM)
            #expect(try watch.end().code == 0)
        }
    }

    private static let hello =
        #"{"type":"hello","model":{"name":"m","tags":["a","b","c"],"thresholds":{"a":0.3,"b":0.6}},"source":"s"}"#
        + "\n"
    private static let tags = #"{"type":"tags","time":"T","window":{"a":0.3,"b":0.59,"c":0.5},"song":{"b":0.9}}"# + "\n"

    @Test(
        "tags above the model's thresholds, 0.5 for those without; all of the likeliest, with a star, when so many are wanted; by one threshold when that is given",
        arguments: [
            ([], #"{"every":1.0}"#, "T  now: c 0.50, a 0.30  song: b 0.90"),
            (["--top", "3"], #"{"top":3,"every":1.0}"#, "T  now: b 0.59, c* 0.50, a* 0.30  song: b* 0.90"),
            (
                ["--threshold", "0.4"], #"{"top":5,"every":1.0,"threshold":0.4}"#,
                "T  now: b 0.59, c 0.50  song: b 0.90"
            ),
        ])
    func thresholds(options: [String], subscription: String, line: String) async throws {
        try await blocking {
            let listener = try SocketClient.listen(at: path)
            defer {
                close(listener)
                unlink(path)
            }
            let watch = try start(options)
            let client = try SocketClient.accept(listener)
            #expect(try client.readLine() == "{\"subscribe\":\(subscription)}")
            try client.send(Self.hello + Self.tags)
            #expect(try watch.readLine() == "listening: model m, source s")
            #expect(try watch.readLine() == line)
            // Another daemon, whose model says nothing of it: the five likeliest, as ever.
            try client.send(#"{"type":"hello","model":{"name":"n"},"source":"s"}"# + "\n" + Self.tags)
            #expect(try watch.readLine() == "listening: model n, source s")
            let plain = try watch.readLine()
            #expect(
                plain?.contains("*") == false
                    && (options == ["--threshold", "0.4"] || plain?.contains("a 0.30") == true))
            watch.signal(SIGTERM)
            #expect(try watch.end().code == 0)
        }
    }

    @Test("bars on a terminal, as wide as it is, again when that changes; in colour unless NO_COLOR says no")
    func terminal() async throws {
        try await blocking {
            for (noColor, columns) in [("", 80), ("1", 50)] {
                let listener = try SocketClient.listen(at: path)
                defer {
                    close(listener)
                    unlink(path)
                }
                let watch = try ChildProcess.inTerminal(
                    "stty cols \(columns); $WAVETAG watch --once --socket \(path)",
                    environment: ["NO_COLOR": noColor])
                let client = try SocketClient.accept(listener)
                #expect(try client.readLine() == #"{"subscribe":{"every":0.1}}"#)
                try client.send(#"{"type":"tags","time":"T","window":{"piano":0.5},"song":{}}"# + "\n")
                var picture: [String] = []
                while picture.last?.contains("piano") != true {
                    picture.append(try #require(try watch.readLine()))
                }
                let bar = try #require(picture.last)
                // All of the line but the name, spaces around and the number; half of it is filled.
                #expect(bar.filter { $0 == "█" }.count == (columns - 11 + 1) / 2)
                #expect(bar.contains("\u{1B}[36m") == noColor.isEmpty)
                client.shutDown(SHUT_RDWR)
                let end = try watch.end()
                #expect(end.code == 0)
                // The cursor is given back.
                #expect(end.output.hasSuffix("\u{1B}[?25h"))
            }
        }
    }

    @Test("--status asks again and again, and shows nothing else: lines, events, a picture")
    func status() async throws {
        try await blocking {
            let answer = #"{"type":"status","position":5,"load":0.12345,"kernel":"avx2","on":true}"#
            for format in ["text", "json"] {
                let listener = try SocketClient.listen(at: path)
                defer {
                    close(listener)
                    unlink(path)
                }
                let watch = try start(["--status", "--format", format, "--every", "0.1"])
                let client = try SocketClient.accept(listener)
                #expect(try client.readLine() == #"{"subscribe":{"top":0,"every":86400}}"#)
                for _ in 0..<3 {
                    #expect(try client.readLine() == #"{"status":true}"#)
                    try client.send(Self.tags + answer + "\n")
                    #expect(
                        try watch.readLine()
                            == (format == "json" ? answer : "status: position 5, load 0.123, kernel avx2, on yes"))
                }
                watch.signal(SIGTERM)
                #expect(try watch.end().code == 0)
            }
            let listener = try SocketClient.listen(at: path)
            defer {
                close(listener)
                unlink(path)
            }
            let watch = try ChildProcess.inTerminal("stty cols 18; $WAVETAG watch --once --status --socket \(path)")
            let client = try SocketClient.accept(listener)
            while try client.readLine() != #"{"status":true}"# {}
            try client.send(answer + "\n")
            var picture: [String] = []
            while picture.last?.hasPrefix("on") != true { picture.append(try #require(try watch.readLine())) }
            #expect(
                picture.map { $0.replacing("\r", with: "") }.suffix(3) == [
                    "load      0.123", "kernel    avx2", "on        yes",
                ])
            client.shutDown(SHUT_RDWR)
            #expect(try watch.end().code == 0)
        }
    }

    @Test("with --once it ends when the daemon does")
    func once() async throws {
        try await blocking {
            let listener = try SocketClient.listen(at: path)
            defer {
                close(listener)
                unlink(path)
            }
            let watch = try start(["--once"])
            do {
                let client = try SocketClient.accept(listener)
                #expect(try client.readLine() == #"{"subscribe":{"every":1.0}}"#)
            }
            #expect(try watch.end().code == 0)
        }
    }
}
