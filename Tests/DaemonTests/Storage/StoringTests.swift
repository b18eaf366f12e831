import Foundation
import Testing

@testable import Daemon

/// `watch --output-dir`, the program itself, against a daemon that the test plays.
@Suite struct StoringTests {
    private let folder = "/tmp/wavetag-storing-\(UUID().uuidString.prefix(8))"
    private var socket: String { folder + "/s" }
    private var file: String { folder + "/out/tags-2026-11-25.ndjson" }

    private static func tags(_ number: Int) -> String {
        #"{"type":"tags","position":\#(number),"time":"2026-11-25T10:00:00.000Z","window":{"piano":0.5}}"# + "\n"
    }

    private var command: [String] {
        [
            ChildProcess.wavetag, "watch", "--socket", socket, "--format", "json", "--output-dir", folder + "/out",
            "--sync", "0",
        ]
    }

    /// Listens, and gives what is to be cleaned up to `body`.
    private func listening(_ body: (Int32) throws -> Void) throws {
        mkdir(folder, 0o755)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let listener = try SocketClient.listen(at: socket)
        defer { close(listener) }
        try body(listener)
    }

    private func accept(_ listener: Int32) throws -> SocketClient {
        let client = try SocketClient.accept(listener)
        #expect(try client.readLine() == #"{"subscribe":{"every":1.0}}"#)
        return client
    }

    /// Lines of a file, once it has so many.
    private func lines(_ path: String, _ count: Int) throws -> [String] {
        let deadline = ContinuousClock.now + .seconds(90)
        while ContinuousClock.now < deadline {
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            // The last may be on its way.
            let found = text[..<(text.lastIndex(of: "\n") ?? text.startIndex)].split(separator: "\n")
            if found.count >= count { return found.map(String.init) }
            poll(nil, 0, 5)
        }
        throw ChildProcess.Failure(reason: "\(path) hasn't \(count) lines")
    }

    @Test(
        "killed in the middle of a day and started again, it goes on in the same file; the daemon may come later, and go"
    )
    func resumes() async throws {
        try await blocking {
            try listening { listener in
                let first = try ChildProcess(command)
                try accept(listener).send(Self.tags(1) + Self.tags(2))
                // The test's end of the connection is closed: the program waits, and comes back.
                let client = try accept(listener)
                try client.send(Self.tags(3))
                _ = try lines(file, 3)
                first.signal(SIGKILL)
                _ = try first.end()
                let handle = try #require(FileHandle(forWritingAtPath: file))
                handle.seekToEndOfFile()
                handle.write(Data(#"{"type":"tags","posi"#.utf8))
                try handle.close()
                let second = try ChildProcess(command)
                try accept(listener).send(Self.tags(4))
                // Told of the torn line, then of nothing more.
                try second.waitForErrorLine(containing: "part of a line at its end, 20 bytes, was cut off")
                let found = try lines(file, 4)
                second.signal(SIGTERM)
                #expect(try second.end().code == 0)
                #expect(found.map { $0 + "\n" } == (1...4).map(Self.tags))
            }
        }
    }

    @Test(
        "what was written is on disk: each event at once, or after the seconds asked for, and the folder that has a new file",
        .enabled(if: !isSanitized, "what it has the disk take is seen by a library put before others"),
        arguments: [0, 1.5])
    func onDisk(seconds: Double) async throws {
        try await blocking {
            try listening { listener in
                let record = folder + "/synced"
                let watch = try ChildProcess(
                    command.dropLast() + ["\(seconds)"],
                    environment: [
                        "LD_PRELOAD": PluggableDevice.built("libsync_recorder.so"), "SYNC_RECORD": record,
                    ])
                let client = try accept(listener)
                let event = Self.tags(1)
                let began = ContinuousClock.now
                try client.send(event)
                // The folder is, as soon as it has the file.
                #expect(try lines(record, 1).first?.hasSuffix(" " + folder + "/out") == true)
                let first = try #require(try lines(record, 2).last)
                let passed = (ContinuousClock.now - began) / .seconds(1)
                #expect(first == "\(event.utf8.count) \(file)" && passed >= seconds, "\(first) after \(passed) s")
                try client.send(event)
                if seconds == 0 { #expect(try lines(record, 3).last == "\(2 * event.utf8.count) \(file)") }
                _ = try lines(file, 2)
                watch.signal(SIGTERM)
                #expect(try watch.end().code == 0)
                // At the end all is, whenever it was due.
                #expect(try lines(record, 3).last == "\(2 * event.utf8.count) \(file)")
            }
        }
    }

    @Test(
        "what the disk doesn't take is said once, counted at the end, and isn't success",
        .enabled(if: !isSanitized, "the disk is a library put before others"))
    func refusedByDisk() async throws {
        try await blocking {
            try listening { listener in
                let (record, refused) = (folder + "/synced", folder + "/refused")
                let watch = try ChildProcess(
                    command,
                    environment: [
                        "LD_PRELOAD": PluggableDevice.built("libsync_recorder.so"), "SYNC_RECORD": record,
                        "SYNC_REFUSED": refused,
                    ])
                let client = try accept(listener)
                try client.send(Self.tags(1))
                _ = try lines(record, 2)
                #expect(FileManager.default.createFile(atPath: refused, contents: nil))
                try client.send(Self.tags(2))
                try watch.waitForErrorLine(containing: "\(file): not certain to be on disk: Input/output error")
                try client.send(Self.tags(3))
                #expect(try lines(record, 4).suffix(2) == ["refused", "refused"])
                unlink(refused)
                try client.send(Self.tags(4))
                // The disk takes again what comes now; of the two before nobody knows.
                _ = try lines(record, 5)
                watch.signal(SIGTERM)
                let result = try watch.end()
                #expect(result.code == 74)
                #expect(result.errors.hasSuffix("\(folder)/out: 2 events are not certain to be on disk\n"))
                #expect(!result.errors.contains("Input/output error"))
                #expect(try lines(file, 4).map { $0 + "\n" } == (1...4).map(Self.tags))
            }
        }
    }

    @Test("no daemon: said once, waited for")
    func noDaemon() async throws {
        try await blocking {
            mkdir(folder, 0o755)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let watch = try ChildProcess(command)
            #expect(
                try watch.readErrorLine()
                    == "wavetag: watch: \(socket): No such file or directory; waiting for the daemon")
            let listener = try SocketClient.listen(at: socket)
            defer { close(listener) }
            try accept(listener).send(Self.tags(1))
            _ = try lines(file, 1)
            watch.signal(SIGTERM)
            let result = try watch.end()
            #expect(result.code == 0 && !result.errors.contains("No such file"))
        }
    }

    @Test(
        "a full disk: said, counted, and the count is the first line when there is room again",
        .enabled(if: MountNamespace.isAvailable))
    func fullDisk() async throws {
        try await blocking {
            try listening { listener in
                mkdir(folder + "/out", 0o755)
                let watch = try MountNamespace.start(
                    """
                    mount -t tmpfs -o size=1m tmpfs \(folder)/out && head -c 1040384 /dev/zero >\(folder)/out/ballast
                    exec "$0" "$@"
                    """, command)
                let client = try accept(listener)
                var sent = 0
                // As much as there is room for, and more.
                for _ in 0..<200 {
                    sent += 1
                    try client.send(Self.tags(sent))
                }
                try watch.waitForErrorLine(
                    containing: "/out: No space left on device; events are counted until they can be written")
                #expect(unlink(watch.seen(folder + "/out/ballast")) == 0)
                var place: Int?
                while place == nil {
                    sent += 1
                    try client.send(Self.tags(sent))
                    place = try lines(watch.seen(file), 0).firstIndex { $0.hasPrefix(#"{"type":"dropped","#) }
                }
                let at = try #require(place)
                let found = try lines(watch.seen(file), at + 2)
                let lost = try #require(Int(found[at].dropFirst(26).prefix { $0.isNumber }))
                #expect(found[at] == #"{"type":"dropped","count":\#(lost),"reason":"No space left on device"}"#)
                // Whole events up to the count, and behind it those that come after so many.
                #expect(found[..<at].map { $0 + "\n" } == (1...at).map(Self.tags))
                #expect(found[at + 1] + "\n" == Self.tags(at + lost + 1))
                try watch.waitForErrorLine(containing: "written to again; \(lost) events are missing")
                watch.signal(SIGTERM)
                #expect(try watch.end().code == 0)
            }
        }
    }

    @Test(
        "a file that may not grow: counted to the end, said, exit 74; the file has whole lines",
        .enabled(if: !isThreadSanitized, "thread sanitizer doesn't start where files may not grow"))
    func limitedFile() async throws {
        try await blocking {
            try listening { listener in
                // 512 bytes a block in this shell.
                let watch = try ChildProcess(["/bin/sh", "-c", #"ulimit -f 1; exec "$0" "$@""#] + command)
                let client = try accept(listener)
                for number in 1...20 { try client.send(Self.tags(number)) }
                try watch.waitForErrorLine(containing: "File too large; events are counted")
                client.shutDown(SHUT_WR)
                try watch.waitForErrorLine(containing: "the daemon has gone")
                watch.signal(SIGTERM)
                let result = try watch.end()
                #expect(result.code == 74)
                let whole = 512 / Self.tags(1).utf8.count
                #expect(
                    result.errors
                        == "wavetag: watch: \(folder)/out: \(20 - whole) events are missing at the end: File too large\n"
                )
                #expect(try lines(file, whole).map { $0 + "\n" } == (1...whole).map(Self.tags))
            }
        }
    }
}
