import Foundation
import Logging
import NIOPosix
import Streaming

@testable import Daemon

/// The daemon's server on a real socket, with a test in the engine's place.
struct TestServer: Sendable {
    static let tags = ["piano", "rock"]

    let path: String
    let ring: ReportRing
    let tagCount: Int

    /// Runs `body`, which may block, while a server listens.
    ///
    /// - Parameter ring: where reports come from; nil: from `publish`.
    static func run(
        tags: [String] = tags, clients: Int = 256, ring: ReportRing? = nil,
        _ body: @escaping @Sendable (TestServer) throws -> Void
    ) async throws {
        let path = "/tmp/wavetag-server-\(UUID().uuidString.prefix(8)).sock"
        let ring = ring ?? ReportRing(capacity: 256, tags: tags.count, nets: 1)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let socket = try ListeningSocket(path: path, mode: 0o600, group: nil)
        let hub = EventHub(
            loop: group.next(),
            encoder: EventEncoder(model: .init(name: "m", sha256: "ab", nets: ["3^9"], tags: tags)),
            source: "hw:1", limits: .init(clients: clients),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            status: { [("hop", .count(729)), ("load", .number(0.5)), ("kernel", .text("avx2")), ("on", .flag(true))] })
        let server = try await EventServer(socket: socket, ring: ring, group: group, hub: hub) {}
        let result: Result<Void, any Error>
        do {
            result = .success(try await blocking { try body(TestServer(path: path, ring: ring, tagCount: tags.count)) })
        } catch {
            result = .failure(error)
        }
        await server.close()
        try await group.shutdownGracefully()
        socket.removeFile()
        try result.get()
    }

    /// A client that has read its `hello`.
    func connect() throws -> SocketClient {
        let client = try SocketClient(connecting: path)
        guard try client.readLine()?.hasPrefix(#"{"type":"hello","#) == true else {
            throw SocketClient.Failure(reason: "no hello")
        }
        return client
    }

    /// A `tags` event at `position`, in which the tags have these probabilities.
    func publish(_ position: Int64, _ window: [Float] = []) {
        var report = TagReport(tags: tagCount, nets: 1)
        report.position = position
        if !window.isEmpty { report.window = window }
        ring.publish(report, time: 0)
    }
}

extension String {
    /// `position` of a `tags` event.
    var position: Int? {
        guard hasPrefix(#"{"type":"tags","position":"#) else { return nil }
        return Int(dropFirst(26).prefix { $0.isNumber })
    }
}
