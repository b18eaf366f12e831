import Core
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Daemon

/// Faults of clients: whatever they do, others are served as before, and it costs the daemon nothing that stays.
@Suite("Client faults") struct ClientFaultTests {
    /// A daemon on a device, one client that has tags, and what the daemon holds while nobody does anything.
    private struct Served {
        let device = Result { try PluggableDevice() }
        let daemon: ChildProcess
        let reader: SocketClient
        let descriptors: Int
        let residentBytes: Int
        var position: Int

        init(after preparation: String = ":") throws {
            let device = try device.get()
            try device.plugIn()
            daemon = try device.daemon(after: preparation)
            reader = try device.listen(to: daemon)
            position = try reader.event("tags").whole("position")
            descriptors = try daemon.descriptors
            residentBytes = try daemon.residentBytes
        }

        var socket: String { get throws { try device.get().socket } }

        /// The reader has had every event so far, and goes on having them.
        mutating func isServed(_ events: Int = 20) throws {
            for _ in 0..<events {
                let tags = try reader.event { $0["type"] == .string("tags") || $0["type"] == .string("dropped") }
                position += 729
                #expect(tags["position"] == .integer(position))
            }
        }

        /// Asks for status; what comes before the answer counts as read.
        mutating func status() throws -> JSONValue {
            try reader.send("{\"status\":true}\n")
            return try reader.event {
                if $0["type"] == .string("tags") { position += 729 }
                return $0["type"] == .string("status")
            }
        }

        /// Others have gone: descriptors are as many as before, and so is memory but for what an allocator keeps.
        func isAsBefore(_ bytes: Int? = nil) throws {
            let deadline = ContinuousClock.now + .seconds(60)
            // Each answer is a turn of the event loop.
            while try daemon.descriptors > descriptors, ContinuousClock.now < deadline { _ = try reader.status() }
            #expect(try daemon.descriptors == descriptors)
            #expect(try reader.status().whole("clients") == 1)
            let growth = try daemon.residentBytes - (bytes ?? residentBytes)
            #expect(growth < 4 << 20 || isSanitized, "\(growth) bytes more")
        }
    }

    @Test("64 readers have every event")
    func readers() async throws {
        try await blocking {
            let served = try Served()
            let readers = try (0..<63).map { _ in try SocketClient(connecting: try served.socket) } + [served.reader]
            for reader in readers { try reader.send(#"{"subscribe":{"top":1}}"# + "\n") }
            for reader in readers {
                var position = try reader.event("tags").whole("position")
                for _ in 0..<30 {
                    position += 729
                    #expect(try reader.event("tags").whole("position") == position)
                }
            }
            let status = try served.reader.status()
            #expect(try ["clients", "events_dropped"].map { try status.whole($0) } == [64, 0])
            withExtendedLifetime(readers) {}
        }
    }

    /// `CONNECTION_SECONDS=60` makes it a minute: `make test-connections`.
    @Test("A thousand connections a second: of every kind that there is")
    func connections() async throws {
        try await blocking {
            let seconds = ProcessInfo.processInfo.environment["CONNECTION_SECONDS"].flatMap { Int($0) } ?? 2
            var served = try Served()
            var bytes = 0
            let began = ContinuousClock.now
            for second in 0...seconds {
                for connection in 0..<1000 {
                    let due = began + .seconds(second) + .milliseconds(connection)
                    poll(nil, 0, due.millisecondsLeft)
                    let client = try SocketClient(connecting: try served.socket)
                    switch connection % 5 {
                    case 0: #expect(try client.readLine()?.hasPrefix(#"{"type":"hello""#) == true)
                    case 1: try? client.send(#"{"subscribe":{"to"#)
                    case 2: try? client.send([0, 255, 10, 13, 200])
                    case 3: client.shutDown(SHUT_WR)
                    default: break
                    }
                }
                try served.isServed(28)
                // The first second is what buffers and tables grow in.
                if second == 0 { bytes = try served.daemon.residentBytes }
            }
            let rate = Double(1000 * (seconds + 1)) / ((ContinuousClock.now - began) / .seconds(1))
            try served.isAsBefore(bytes)
            let growth = try served.daemon.residentBytes - bytes
            guard seconds > 2 else { return }
            print("\(1000 * (seconds + 1)) connections, \(Int(rate)) a second: \(growth) bytes more")
            #expect(rate > 950)
        }
    }

    @Test("Half-open clients, and ones that do nothing, cost what they cost and no more")
    func halfOpen() async throws {
        try await blocking {
            var served = try Served()
            func connect(_ count: Int, _ prepare: (SocketClient) throws -> Void) throws -> [SocketClient] {
                try (0..<count).map { _ in
                    let client = try SocketClient(connecting: try served.socket)
                    try prepare(client)
                    return client
                }
            }
            let silent = try connect(50) { _ in }
            let speechless = try connect(50) { $0.shutDown(SHUT_WR) }
            let deaf = try connect(50) { $0.shutDown(SHUT_RD) }
            try served.isServed(60)
            // Who can't hear is let go at the first event that he can't be sent.
            let deadline = ContinuousClock.now + .seconds(60)
            var clients = try served.status().whole("clients")
            while clients != 101, ContinuousClock.now < deadline { clients = try served.status().whole("clients") }
            #expect(clients == 101)
            #expect(try served.daemon.residentBytes - served.residentBytes < 150 * 256 << 10)
            withExtendedLifetime((silent, speechless, deaf)) {}
            _ = consume silent
            _ = consume speechless
            _ = consume deaf
            try served.isServed()
            try served.isAsBefore(served.residentBytes + (16 << 20))
        }
    }

    /// A block that no parser takes.
    private static func garbage(newlines: Bool) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<65_536).map { _ in
            let byte = UInt8.random(in: 0...255, using: &generator)
            return byte == 10 && !newlines ? 11 : byte
        }
    }

    /// Sends a block again and again.
    ///
    /// - Returns: megabytes that went through before the other side closed.
    private static func flood(_ client: SocketClient, _ block: [UInt8], megabytes: Int) -> Int {
        for sent in 0..<(megabytes * 16) where (try? client.send(block)) == nil { return sent / 16 }
        return megabytes
    }

    @Test("Garbage, with lines and without, for gigabytes: closed after sixteen errors", arguments: [true, false])
    func garbage(newlines: Bool) async throws {
        try await blocking {
            var served = try Served()
            for _ in 0..<4 {
                let client = try SocketClient(connecting: try served.socket)
                #expect(Self.flood(client, Self.garbage(newlines: newlines), megabytes: 4096) < 1024)
            }
            try served.isServed()
            #expect(try served.reader.status().whole("request_errors") == 64)
            try served.isAsBefore()
        }
    }

    /// Megabytes of requests as short and as long as there are. `REQUEST_MEGABYTES=4096` makes it gigabytes of the latter:
    /// `make test-connections`.
    private static let requests: [(name: String, line: String, megabytes: Int)] = [
        ("short", "{\"status\":true}", 8),
        // Whose answer costs most.
        ("metrics", "{\"metrics\":true}", 8),
        (
            "long", "{\"subscribe\":{\"top\":1}" + String(repeating: " ", count: 65_000) + "}",
            ProcessInfo.processInfo.environment["REQUEST_MEGABYTES"].flatMap { Int($0) }
                ?? (isSanitized ? 8 : 256)
        ),
    ]

    @Test("Requests without end by one who reads no answer: others have every event", arguments: 0..<3)
    func requests(kind: Int) async throws {
        let (name, line, megabytes) = Self.requests[kind]
        try await blocking {
            var served = try Served()
            let block = Array(String(repeating: line + "\n", count: max(1, 65_536 / line.utf8.count)).utf8)
            let began = ContinuousClock.now
            let sent = Atomic<Int>(-1)
            do {
                // Nobody else's while the thread has it.
                nonisolated(unsafe) let client = try SocketClient(connecting: try served.socket)
                let flooding = DedicatedThread(name: "flood") {
                    sent.store(Self.flood(client, block, megabytes: megabytes), ordering: .releasing)
                }
                while sent.load(ordering: .acquiring) < 0 { try served.isServed(5) }
                flooding.join()
            }
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            #expect(sent.load(ordering: .acquiring) == megabytes)
            try served.isServed(60)
            let status = try served.reader.status()
            #expect(try status.whole("request_errors") == 0)
            // Answers are small; only short requests ask for more than a client's share of the daemon's memory.
            if name != "long" { #expect(try status.whole("events_dropped") > 100_000) }
            try served.isAsBefore()
            if megabytes > 256 { print("\(megabytes) MB of requests, \(Int(Double(megabytes) / seconds)) MB/s") }
        }
    }

    @Test("EMFILE: clients wait in the queue, and a lost device finds the descriptors that it needs")
    func descriptors() async throws {
        try await blocking {
            let served = try Served(after: "ulimit -n 48")
            let device = try served.device.get()
            let others = try (0..<60).map { _ in try SocketClient(connecting: device.socket) }
            _ = try others[0].event("hello")
            let before = (ContinuousClock.now, try served.daemon.processorSeconds)
            device.pullOut()
            try served.daemon.waitForErrorLine(containing: "waiting for the device")
            try device.plugIn()
            let back = ContinuousClock.now
            #expect(try served.reader.event("gap")["reason"] == .string("device-lost"))
            _ = try served.reader.event("tags")
            noteRecovery("EMFILE, and the device lost meanwhile", since: back)
            let elapsed = (ContinuousClock.now - before.0) / .seconds(1)
            #expect(try (served.daemon.processorSeconds - before.1) / elapsed < 0.5)
            #expect(try served.daemon.descriptors < 48)
            let status = try served.reader.status()
            // Of 48 descriptors the daemon keeps 32 for itself; one client may be on his way in when that is seen.
            #expect(try status.whole("clients") <= 17 && status.whole("accept_pauses") >= 1)
            _ = consume others
            try served.isAsBefore()
            _ = try SocketClient(connecting: device.socket).event("tags")
        }
    }

    @Test("EMFILE where nobody counted: who connects waits, nothing spins, and is served once there are descriptors")
    func refusedDescriptors() async throws {
        try await blocking {
            var served = try Served()
            let socket = try served.socket
            try ChildProcess.permit(served.daemon.descriptors, descriptorsOf: served.daemon.identifier)
            do {
                let others = try (0..<8).map { _ in try SocketClient(connecting: socket) }
                let before = (ContinuousClock.now, try served.daemon.processorSeconds)
                try served.isServed()
                poll(nil, 0, 1000)
                let elapsed = (ContinuousClock.now - before.0) / .seconds(1)
                #expect(try (served.daemon.processorSeconds - before.1) / elapsed < 0.5)
                let status = try served.status()
                #expect(try status.whole("clients") < 1 + others.count && status.whole("accept_pauses") >= 1)
                try ChildProcess.permit(1024, descriptorsOf: served.daemon.identifier)
                for other in others { _ = try other.event("tags") }
            }
            try served.isServed()
            try served.isAsBefore()
        }
    }

    @Test("Too few descriptors to begin with: one line, exit 69")
    func tooFewDescriptors() async throws {
        try await blocking {
            let device = try PluggableDevice()
            try device.plugIn()
            let result = try device.daemon(after: "ulimit -n 20").end()
            #expect(result.code == 69)
            #expect(
                result.errors == "wavetag: descriptors: more than 32 wanted, 20 permitted (LimitNOFILE, ulimit -n)\n")
        }
    }

    @Test("ENOSPC: no room for the socket is one line, exit 69", .enabled(if: getuid() == 0))
    func noRoomForSocket() async throws {
        try await blocking {
            let device = try PluggableDevice()
            try device.plugIn()
            mkdir(device.folder + "/full", 0o700)
            let daemon = try device.daemon(
                "hw:0", ["--socket", device.folder + "/full/s"],
                // Its root takes the only file that there may be.
                after: "mount -t tmpfs -o nr_inodes=1 full \(device.folder)/full || exit 1",
                shell: ["/usr/bin/unshare", "-m", "/bin/sh"])
            let result = try daemon.end()
            #expect(result.code == 69)
            #expect(result.errors == "wavetag: \(device.folder)/full/s: No space left on device\n")
        }
    }

    @Test("A log that nobody reads, its pipe full, stops nothing: tags flow, a device comes back, the program ends")
    func unreadLog() async throws {
        try await blocking {
            let device = try PluggableDevice()
            try device.plugIn()
            // Opened for reading too, so that it can be opened; what fills it stays there, since nobody reads.
            let daemon = try device.daemon(
                "hw:0", ["--log-level", "trace"],
                after: """
                    mkfifo \(device.folder)/log; exec 9<>\(device.folder)/log
                    dd if=/dev/zero of=\(device.folder)/log bs=65536 count=1 2>/dev/null; exec 2>&9
                    """)
            let client = try Self.connect(to: device)
            for _ in 0..<2 { try Self.loseAndRegain(device, client) }
            // Thread sanitizer's own end waits for whoever writes to standard error.
            guard !isSanitized else { return }
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
        }
    }

    @Test("ENOSPC: a log that can't be written stops nothing")
    func noRoomForLog() async throws {
        try await blocking {
            let device = try PluggableDevice()
            try device.plugIn()
            let daemon = try device.daemon("hw:0", ["--log-level", "trace"], after: "exec 2>/dev/full")
            let client = try Self.connect(to: device)
            try Self.loseAndRegain(device, client)
            daemon.signal(SIGTERM)
            #expect(try daemon.end() == (0, "", ""))
        }
    }

    /// From tags to tags: what a daemon has most to log of.
    private static func loseAndRegain(_ device: PluggableDevice, _ client: SocketClient) throws {
        _ = try client.event("tags")
        device.pullOut()
        while try client.status()["device_running"] == .bool(true) {}
        try device.plugIn()
        _ = try client.event("gap")
        _ = try client.event("tags")
    }

    /// Connects as soon as the daemon listens, whatever it says.
    private static func connect(to device: PluggableDevice) throws -> SocketClient {
        let deadline = ContinuousClock.now + .seconds(90)
        while true {
            if let client = try? SocketClient(connecting: device.socket) { return client }
            guard ContinuousClock.now < deadline else { throw SocketClient.Failure(reason: "nobody listens") }
            poll(nil, 0, 20)
        }
    }
}
