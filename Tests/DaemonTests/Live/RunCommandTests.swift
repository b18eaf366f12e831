import Foundation
import Testing

@testable import Daemon

/// The daemon itself, hearing a file through ALSA.
@Suite struct RunCommandTests {
    /// What a `tags` event says of nets, by name and tag.
    private struct Tags: Decodable {
        struct Net: Decodable {
            let end: Int
            let tags: [String: Double]
        }
        let type: String
        let position: Int?
        let nets: [String: Net]?
    }

    private static func tags(_ lines: [String]) throws -> [Int: [String: Tags.Net]] {
        var found: [Int: [String: Tags.Net]] = [:]
        for line in lines {
            let tags = try JSONDecoder().decode(Tags.self, from: Data(line.utf8))
            if tags.type == "tags", let position = tags.position { found[position] = tags.nets }
        }
        return found
    }

    /// All lines until the daemon closes.
    private static func rest(of client: SocketClient) throws -> [String] {
        var lines: [String] = []
        while let line = try client.readLine() { lines.append(line) }
        return lines
    }

    @Test("a daemon hears what `tag` reads: the same numbers at the same positions")
    func sameAsFile() async throws {
        try await blocking {
            let fixture = try LiveFixture(hasDevice: false)
            // The client is there before the sound: the device comes when the subscription holds.
            let daemon = try fixture.daemon([
                "--pace", "wait", "--wait-for-device", "--duration", "\(fixture.samples / 22_050)",
            ])
            let client = try fixture.connect(to: daemon)
            #expect(try client.readLine()?.hasPrefix(#"{"type":"hello""#) == true)
            try client.send(#"{"subscribe":{"detail":"nets"}}"# + "\n" + #"{"status":true}"# + "\n")
            #expect(try client.readLine()?.hasPrefix(#"{"type":"status""#) == true)
            try fixture.plugIn()
            let lines = try Self.rest(of: client)
            #expect(try daemon.end().code == 0)
            #expect(lines.last?.hasPrefix(#"{"type":"song","start":0,"#) == true)

            let file = try ChildProcess([
                ChildProcess.wavetag, "tag", "--model", LiveFixture.model, "--detail", "nets", fixture.wav,
            ]).end()
            #expect(file.code == 0, "\(file.errors)")
            let wanted = try Self.tags(file.output.split(separator: "\n").map(String.init))
            let heard = try Self.tags(lines)
            #expect(wanted.count == (fixture.samples - 19_683) / 729 + 1)
            for (position, nets) in wanted {
                let other = try #require(heard[position], "nothing at \(position)")
                for (name, net) in nets {
                    #expect(other[name]?.end == net.end)
                    for (tag, probability) in net.tags {
                        // The last of six decimals may be rounded the other way.
                        #expect(abs((other[name]?.tags[tag] ?? -1) - probability) < 1.5e-6)
                    }
                }
            }
        }
    }

    @Test("SIGTERM: the last song, the end of the connection, exit 0; systemd is told of both ends")
    func terminate() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let notifications = try NotifySocket(path: fixture.folder + "/n")
            let daemon = try fixture.daemon(environment: ["NOTIFY_SOCKET": notifications.path])
            try notifications.wait(for: "STATUS=listening to sound")
            let client = try SocketClient(connecting: fixture.socket)
            #expect(try client.readLine()?.hasPrefix(#"{"type":"hello""#) == true)
            #expect(try client.readLine()?.hasPrefix(#"{"type":"tags""#) == true)
            daemon.signal(SIGTERM)
            #expect(try Self.rest(of: client).last?.hasPrefix(#"{"type":"song","start":0,"#) == true)
            try notifications.wait(for: "STOPPING=1")
            #expect(try daemon.end().code == 0)
            #expect(access(fixture.socket, F_OK) != 0)
        }
    }

    @Test("killed and started again under a client: the stale socket is replaced, the client comes back")
    func restart() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let first = try fixture.daemon()
            try first.waitForErrorLine(containing: "listening")
            let watch = try ChildProcess([
                ChildProcess.wavetag, "watch", "--socket", fixture.socket, "--format", "json",
            ])
            #expect(try watch.readLine()?.hasPrefix(#"{"type":"hello""#) == true)
            first.signal(SIGKILL)
            #expect(try first.end().code == ChildProcess.code(ofSignal: SIGKILL))
            #expect(access(fixture.socket, F_OK) == 0)
            let second = try fixture.daemon()
            var line = try watch.readLine()
            while let text = line, !text.hasPrefix(#"{"type":"hello""#) { line = try watch.readLine() }
            #expect(line != nil)
            second.signal(SIGINT)
            #expect(try second.end().code == 0)
            watch.signal(SIGINT)
            #expect(try watch.end().code == 0)
        }
    }

    @Test("a second daemon on the same socket: one line, exit 69, and the first goes on")
    func second() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let first = try fixture.daemon()
            let client = try fixture.connect(to: first)
            var status = stat()
            #expect(stat(fixture.socket, &status) == 0 && status.st_mode == S_IFSOCK | 0o660)
            let result = try fixture.daemon().end()
            #expect(result.code == 69)
            #expect(result.errors == "wavetag: \(fixture.socket): another wavetag is listening\n")
            #expect(try client.readLine()?.hasPrefix(#"{"type":"hello""#) == true)
            #expect(try client.readLine()?.hasPrefix(#"{"type":"tags""#) == true)
        }
    }

    @Test("a socket from systemd is served, clients that were waiting too, and its file stays")
    func activation() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let listener = try SocketClient.listen(at: fixture.socket)
            defer { close(listener) }
            let client = try SocketClient(connecting: fixture.socket)
            let daemon = try fixture.daemon(after: "export LISTEN_FDS=1 LISTEN_PID=$$", passing: listener)
            #expect(try client.readLine()?.hasPrefix(#"{"type":"hello""#) == true)
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
            #expect(access(fixture.socket, F_OK) == 0)
        }
    }

    @Test("a descriptor from systemd that is no listening socket: one line, exit 69")
    func wrongActivation() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let daemon = try fixture.daemon(after: "export LISTEN_FDS=1 LISTEN_PID=$$; exec 3</dev/null")
            let result = try daemon.end()
            #expect(result.code == 69)
            #expect(
                result.errors == "wavetag: socket activation: one Unix stream socket that listens wanted\n")
        }
    }

    @Test("systemd's watchdog hears from a daemon that hears sound")
    func watchdog() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let notifications = try NotifySocket(path: fixture.folder + "/n")
            let daemon = try fixture.daemon(environment: [
                "NOTIFY_SOCKET": notifications.path, "WATCHDOG_USEC": "600000",
            ])
            try notifications.wait(for: "READY=1")
            for _ in 0..<2 { try notifications.wait(for: "WATCHDOG=1") }
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
        }
    }

    @Test("without a descriptor left clients wait in the queue, at no cost, and are served when others go")
    func descriptors() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let daemon = try fixture.daemon(after: "ulimit -n 40")
            var clients = [try fixture.connect(to: daemon)]
            #expect(try clients[0].readLine()?.hasPrefix(#"{"type":"hello""#) == true)
            // The device has its descriptors when there are tags.
            #expect(try clients[0].readLine()?.position != nil)
            for _ in 1..<60 { clients.append(try SocketClient(connecting: fixture.socket)) }
            let started = (ContinuousClock.now, try daemon.processorSeconds)
            for _ in 0..<15 { #expect(try clients[0].readLine()?.position != nil) }
            let elapsed = (ContinuousClock.now - started.0) / .seconds(1)
            #expect(try (daemon.processorSeconds - started.1) / elapsed < 0.5)
            clients.removeFirst(55)
            for client in clients { #expect(try client.readLine()?.hasPrefix(#"{"type":"hello""#) == true) }
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
        }
    }

    @Test("a channel that the device hasn't is said, and the device heard all the same")
    func missingChannel() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let daemon = try fixture.daemon(["--channel", "2"])
            // Which of them it says first is chance.
            var awaited = ["listening", "hasn't the wanted channel"]
            while !awaited.isEmpty, let line = try daemon.readErrorLine() { awaited.removeAll { line.contains($0) } }
            #expect(awaited.isEmpty)
            let client = try SocketClient(connecting: fixture.socket)
            #expect(try client.readLine()?.hasPrefix(#"{"type":"hello""#) == true)
            #expect(try client.readLine()?.position != nil)
        }
    }

    @Test("--check says nothing of what is good, and the exit code of what is bad")
    func check() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            #expect(try fixture.daemon(["--check"]).end() == (0, "", ""))
            let damaged = try fixture.daemon(["--check"], model: fixture.wav).end()
            #expect(damaged.code == 65 && damaged.errors.hasPrefix("wavetag: \(fixture.wav): "))
            #expect(damaged.errors.filter { $0 == "\n" }.count == 1)
            #expect(try fixture.daemon(["--check"], model: "/nowhere").end().code == 66)
            #expect(try fixture.daemon(["--check", "--hop", "0"]).end().code == 78)
        }
    }

    @Test("a device that isn't there: one line, exit 69, at once and with no socket left")
    func missingDevice() async throws {
        try await blocking {
            let fixture = try LiveFixture(hasDevice: false)
            let result = try fixture.daemon().end()
            #expect(result.code == 69)
            #expect(result.errors == "wavetag: sound: No such file or directory\n")
            #expect(access(fixture.socket, F_OK) != 0)
        }
    }
}

/// systemd's end of sd_notify(3).
final class NotifySocket {
    let path: String
    private let descriptor: Int32

    init(path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = try ListeningSocket.address(path, shown: path)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0 else { throw SocketClient.Failure(reason: String(cString: strerror(errno))) }
    }

    deinit { close(descriptor) }

    /// Waits for a message with this line.
    func wait(for state: String, seconds: Double = 90) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, deadline.millisecondsLeft) > 0 else {
                throw SocketClient.Failure(reason: "no \(state)")
            }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            let message = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
            if message.split(separator: "\n").contains(Substring(state)) { return }
        }
    }
}
