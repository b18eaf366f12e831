import Core
import Foundation
import Streaming
import Testing

@testable import Daemon

@Suite struct EventServerTests {
    @Test("hello comes first, and every kind of event byte for byte")
    func bytes() async throws {
        try await TestServer.run { server in
            let client = try SocketClient(connecting: server.path)
            #expect(
                try client.readLine()
                    == #"{"type":"hello","protocol":1,"program":"wavetag","version":"\#(Wavetag.version)","model":{"name":"m","#
                    + #""sha256":"ab","nets":["3^9"],"precision":"float","tags":["piano","rock"]},"sample_rate":22050,"#
                    + #""source":"hw:1","position":0}"#)
            server.publish(729, [0.25, 0.5])
            #expect(
                try client.readLine()
                    == #"{"type":"tags","position":729,"time":"1970-01-01T00:00:00.000Z","window":{"piano":0.2500,"#
                    + #""rock":0.5000},"song":{},"song_start":0}"#)
            server.ring.publish(.song(SongReport(start: 5, end: 729, song: [0, 1])), time: 0)
            #expect(
                try client.readLine() == #"{"type":"song","start":5,"end":729,"song":{"piano":0.0000,"rock":1.0000}}"#)
            server.ring.publish(.gap(position: 729, lost: 441, .deviceLost), time: 0)
            #expect(try client.readLine() == #"{"type":"gap","position":729,"lost":441,"reason":"device-lost"}"#)
            try client.send("{\"status\":true}\n")
            #expect(
                try client.readLine()
                    == #"{"type":"status","hop":729,"load":0.5,"kernel":"avx2","on":true,"clients":1,"#
                    + #""clients_refused":0,"accept_pauses":0,"events_sent":4,"events_dropped":0,"request_errors":0}"#)
            try client.send("nonsense\n")
            #expect(try client.readLine()?.hasPrefix(#"{"type":"error","message":"not JSON: "#) == true)
            let late = try SocketClient(connecting: server.path)
            #expect(try late.readLine()?.hasSuffix(#""position":729}"#) == true)
        }
    }

    @Test("an overload, and its end, are told to everyone")
    func raisedHop() async throws {
        try await TestServer.run { server in
            let client = try server.connect()
            server.ring.publish(.overload(level: 1, isMore: false, hop: 2187, nets: ["3^9"]), time: 0)
            #expect(try client.readLine()?.hasPrefix(#"{"type":"status","#) == true)
            server.ring.publish(.overload(level: 0, isMore: true, hop: 729, nets: ["3^9"]), time: 0)
            #expect(try client.readLine()?.hasPrefix(#"{"type":"status","#) == true)
        }
    }

    @Test("a subscription holds for its client alone")
    func subscription() async throws {
        try await TestServer.run { server in
            let plain = try server.connect()
            let choosy = try server.connect()
            try choosy.send(#"{"subscribe":{"top":1,"every":0.1,"detail":"nets"}}"# + "\n" + #"{"status":true}"# + "\n")
            // The answer says that the subscription holds.
            #expect(try choosy.readLine()?.hasPrefix(#"{"type":"status""#) == true)
            for position in [1000, 2000, 3205] as [Int64] { server.publish(position, [0.25, 0.5]) }
            for position in [1000, 2000, 3205] {
                let line = try #require(try plain.readLine())
                #expect(line.position == position)
                #expect(line.contains(#""window":{"piano":0.2500,"rock":0.5000}"#) && !line.contains("nets"))
            }
            for position in [1000, 3205] {
                let line = try #require(try choosy.readLine())
                #expect(line.position == position)
                #expect(line.contains(#""window":{"rock":0.5000},"song":{},"song_start":0,"nets":{}}"#))
            }
        }
    }

    @Test("of 64 clients 16 never read: 48 get every event, 16 are told exactly what they missed")
    func slowClients() async throws {
        try await TestServer.run(tags: (0..<10).map { "tag \($0)" }) { server in
            let reading = try (0..<48).map { _ in try server.connect() }
            let sleeping = try (0..<16).map { _ in try server.connect() }
            let events = 1200
            for start in stride(from: 0, to: events, by: 50) {
                for position in start..<(start + 50) { server.publish(Int64(position)) }
                for client in reading {
                    for position in start..<(start + 50) { #expect(try client.readLine()?.position == position) }
                }
            }
            for client in sleeping {
                var received = 0
                var line = try client.readLine()
                while let position = line?.position {
                    #expect(position == received)
                    received += 1
                    line = try client.readLine()
                }
                #expect(received < events)
                #expect(line == #"{"type":"dropped","count":\#(events - received)}"#)
            }
            server.publish(Int64(events))
            for client in reading + sleeping { #expect(try client.readLine()?.position == events) }
        }
    }

    @Test(
        "another model: hello before its first answer, also for a client that wasn't reading, whose tags are found anew"
    )
    func otherModel() async throws {
        try await TestServer.run { server in
            let choosy = try server.connect()
            try choosy.send(#"{"subscribe":{"tags":["rock","piano"]}}"# + "\n" + #"{"status":true}"# + "\n")
            #expect(try choosy.readLine()?.hasPrefix(#"{"type":"status""#) == true)
            let sleeping = try server.connect()
            var events = 0
            func publish(on ring: ReportRing, _ window: [Float]) {
                var report = TagReport(tags: window.count, nets: 1)
                events += 1
                report.position = Int64(events)
                report.window = window
                while !ring.hasRoom { sched_yield() }
                ring.publish(report, time: 0)
            }
            // Until nothing more finds room in the sleeping client's buffers; the other one reads along.
            for _ in 0..<6000 {
                publish(on: server.ring, [0.25, 0.5])
                _ = try choosy.readLine()
            }
            let file = try ModelFile.read(path: LiveFixture.model)
            let next = ReportRing(capacity: 256, tags: 3, nets: 1, bell: server.ring.bell)
            let successor = EngineSuccessor(
                tagger: try Tagger(model: file.model), choice: .mean, reports: next,
                encoder: EventEncoder(
                    model: .init(name: "other", sha256: "cd", nets: ["2^13"], tags: ["jazz", "calm", "piano"])),
                sameNets: false)
            server.ring.publish(.replaced(by: try #require(successor)), time: 0)
            publish(on: next, [0.75, 0.125, 1])
            #expect(try choosy.readLine()?.contains(#""name":"other","sha256":"cd""#) == true)
            #expect(try choosy.readLine()?.contains(#""window":{"piano":1.0000}"#) == true)

            var line = try sleeping.readLine()
            while line?.position != nil { line = try sleeping.readLine() }
            #expect(line?.hasPrefix(#"{"type":"dropped","count":"#) == true)
            #expect(try sleeping.readLine()?.contains(#""name":"other""#) == true)
            publish(on: next, [0.75, 0.125, 1])
            #expect(
                try sleeping.readLine()?.contains(#""window":{"jazz":0.7500,"calm":0.1250,"piano":1.0000}"#) == true)
        }
    }

    @Test("what a client asks while there is no room for it is answered once, when it reads")
    func owedAnswers() async throws {
        try await TestServer.run { server in
            let other = try server.connect()
            let sleeping = try server.connect()
            func dropped() throws -> Int { try other.status().whole("events_dropped") }
            var events = 0
            // Until nothing more finds room.
            while try dropped() < 10 {
                for _ in 0..<50 { server.publish(Int64(events + 1)) }
                events += 50
                for _ in 0..<50 { _ = try other.readLine() }
            }
            let before = try dropped()
            try sleeping.send(String(repeating: "{\"status\":true}\n{\"metrics\":true}\n", count: 3))
            // Of three the second and the third.
            while try dropped() < before + 4 {}

            var line = try sleeping.readLine()
            while line?.position != nil { line = try sleeping.readLine() }
            #expect(line == #"{"type":"dropped","count":\#(before + 4)}"#)
            #expect(try sleeping.readLine()?.hasPrefix(#"{"type":"status""#) == true)
            #expect(try sleeping.readLine()?.hasPrefix(#"{"type":"metrics""#) == true)
            // And again, where there is room.
            try sleeping.send("{\"status\":true}\n")
            #expect(try sleeping.readLine()?.hasPrefix(#"{"type":"status""#) == true)
        }
    }

    @Test("after 16 lines that are none a client is closed; the others stay")
    func errors() async throws {
        try await TestServer.run { server in
            let other = try server.connect()
            let client = try server.connect()
            let longLine = String(repeating: "x", count: LineFramer.longest + 1)
            try client.send("\(longLine)\n")
            #expect(
                try client.readLine() == #"{"type":"error","message":"a line of at most 65536 bytes wanted"}"#)
            for _ in 0..<15 {
                try client.send("{}\n")
                #expect(try client.readLine() == #"{"type":"error","message":"one member wanted, 0 found"}"#)
            }
            #expect(try client.readLine() == nil)
            server.publish(1)
            #expect(try other.readLine()?.position == 1)
        }
    }

    @Test("a client that closes its sending side still reads")
    func halfClosed() async throws {
        try await TestServer.run { server in
            let client = try server.connect()
            try client.send(#"{"subscribe":{"tags":["rock"]}}"# + "\n" + #"{"status":true}"# + "\n")
            client.shutDown(SHUT_WR)
            #expect(try client.readLine()?.hasPrefix(#"{"type":"status""#) == true)
            server.publish(1, [0.25, 0.5])
            #expect(try client.readLine()?.contains(#""window":{"rock":0.5000}"#) == true)
        }
    }

    @Test("clients that leave, in the middle of a line or after closing one side, are forgotten")
    func leaving() async throws {
        try await TestServer.run { server in
            let watcher = try server.connect()
            do {
                let inMidLine = try server.connect()
                try inMidLine.send(#"{"subsc"#)
                let halfClosed = try server.connect()
                halfClosed.shutDown(SHUT_WR)
            }
            let deadline = ContinuousClock.now + .seconds(90)
            var count = ""
            while count != "1", ContinuousClock.now < deadline {
                try watcher.send("{\"status\":true}\n")
                let line = try #require(try watcher.readLine())
                count = String(try #require(line.split(separator: #""clients":"#).last).prefix { $0.isNumber })
            }
            #expect(count == "1")
        }
    }

    @Test("clients that are gone before their hello take nobody's place")
    func goneAtOnce() async throws {
        try await TestServer.run(clients: 4) { server in
            for _ in 0..<50 { try SocketClient(connecting: server.path).shutDown(SHUT_RDWR) }
            let deadline = ContinuousClock.now + .seconds(90)
            var hello = try SocketClient(connecting: server.path).readLine()
            // Those before may still be in the queue.
            while hello?.hasPrefix(#"{"type":"hello""#) != true, ContinuousClock.now < deadline {
                hello = try SocketClient(connecting: server.path).readLine()
            }
            #expect(hello?.hasPrefix(#"{"type":"hello""#) == true)
        }
    }

    @Test("one client too many is told so and closed")
    func tooMany() async throws {
        try await TestServer.run(clients: 1) { server in
            let first = try server.connect()
            let second = try SocketClient(connecting: server.path)
            #expect(try second.readLine() == #"{"type":"error","message":"too many clients: 1"}"#)
            #expect(try second.readLine() == nil)
            server.publish(1)
            #expect(try first.readLine()?.position == 1)
        }
    }

    // A server that waited for its client would wait for ever. How long a second takes on a busy machine is not tested.
    @Test("a client that never reads doesn't keep the server from ending", .timeLimit(.minutes(2)))
    func shutdownBound() async throws {
        let client = Kept()
        try await TestServer.run { server in
            let sleeping = try server.connect()
            let witness = try server.connect()
            for position in 0..<2000 as Range<Int64> {
                server.publish(position)
                #expect(try witness.readLine()?.position == Int(position))
            }
            client.keep(sleeping)
        }
        withExtendedLifetime(client) {}
    }
}

/// Keeps a client connected beyond the closure that made it.
// Safe to share: the closure ends before anyone else looks.
private final class Kept: @unchecked Sendable {
    private var client: SocketClient?
    func keep(_ client: SocketClient) { self.client = client }
}
