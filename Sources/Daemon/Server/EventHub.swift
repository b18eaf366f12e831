import Core
import Logging
import NIOCore
import Streaming

/// Everyone who listens, and what each is sent. Belongs to the server's event loop.
///
/// Each event is written once for every different wish, and the bytes are shared. A client that doesn't read is sent
/// nothing beyond what its buffers hold; what it missed is counted and said when it reads again.
// Safe to share: everything but `init` runs on `loop`, which is checked.
final class EventHub: @unchecked Sendable {
    struct Limits: Sendable {
        var clients = 256
        /// Clients above which others wait in the socket's queue: as many as there are descriptors for.
        var accepted = Int.max
        /// Lines not understood after which a client is closed.
        var errors = 16
        /// Bytes waiting for one client beyond which nothing is added, besides the kernel's buffer. With a line that
        /// the client has not ended (at most 64 KiB in a buffer twice as large) it costs less than 256 KiB.
        var pendingBytes = 64 * 1024
        /// What the kernel is asked for; it takes twice as much for its own bookkeeping.
        var kernelBytes = 16 * 1024
    }

    let limits: Limits
    private let loop: any EventLoop
    private var encoder: EventEncoder
    private let source: String
    private let logger: Logger
    private let status: @Sendable () -> [(name: String, value: StatusValue)]
    private var clients: [ObjectIdentifier: Client] = [:]
    private var position: Int64 = 0
    private var line: [UInt8] = []
    private var encoded: [TagsOptions: ByteBuffer] = [:]
    private var eventsSent = 0
    private var eventsDropped = 0
    private var requestErrors = 0
    private var clientsRefused = 0
    private var acceptPauses = 0

    init(
        loop: any EventLoop, encoder: EventEncoder, source: String, limits: Limits = Limits(), logger: Logger,
        status: @escaping @Sendable () -> [(name: String, value: StatusValue)]
    ) {
        self.loop = loop
        self.encoder = encoder
        self.source = source
        self.limits = limits
        self.logger = logger
        self.status = status
    }

    /// One who listens.
    final class Client {
        let channel: any Channel
        var subscription = Subscription()
        /// Events that were not sent since the last that was.
        var dropped = 0
        var errors = 0
        /// Position of the last `tags` event sent.
        var lastTags: Int64?
        /// Is sent nothing more and not listened to: it is being closed.
        var isClosing = false
        /// What it is to have when it reads again.
        var owed: Owed = []

        init(channel: any Channel) { self.channel = channel }
    }

    /// What a client that doesn't read misses nothing of: it waits for it, or would take one thing for another without it.
    struct Owed: OptionSet {
        let rawValue: Int

        /// Which model answers from here on.
        static let hello = Owed(rawValue: 1)
        /// The answer to what it has asked for.
        static let status = Owed(rawValue: 2)
        static let metrics = Owed(rawValue: 4)
    }

    // MARK: Clients come and go

    /// Whether there is a descriptor for one more.
    var mayAccept: Bool { clients.count < limits.accepted }

    /// Who connects now has to wait for want of descriptors.
    func countAcceptPause() {
        loop.preconditionInEventLoop()
        acceptPauses += 1
    }

    func add(_ channel: any Channel) -> Client? {
        loop.preconditionInEventLoop()
        let client = Client(channel: channel)
        guard clients.count < limits.clients else {
            clientsRefused += 1
            logger.warning("a client was refused: there are too many", metadata: ["clients": "\(limits.clients)"])
            write(client) { $0.error("too many clients: \(limits.clients)", into: &$1) }
            close(client)
            return nil
        }
        clients[ObjectIdentifier(channel)] = client
        // Also for one who is gone before he has his hello: who stayed in the list would take a place for ever.
        channel.closeFuture.assumeIsolated().whenComplete { [self] _ in remove(client) }
        write(client) { $0.hello(source: source, position: position, into: &$1) }
        return client
    }

    private func remove(_ client: Client) {
        loop.preconditionInEventLoop()
        client.isClosing = true
        clients[ObjectIdentifier(client.channel)] = nil
    }

    /// A client has read, and there is room for it again.
    func becameWritable(_ client: Client) {
        guard !client.isClosing, client.channel.isWritable else { return }
        sayDropped(to: client)
        for what in [Owed.hello, .status, .metrics] where client.owed.contains(what) { owe(what, to: client) }
    }

    /// Sends what a client is to have now, or when it reads again.
    ///
    /// - Returns: false where it is owed the same already: it is sent once.
    @discardableResult
    private func owe(_ what: Owed, to client: Client) -> Bool {
        guard !client.isClosing else { return true }
        guard client.channel.isWritable else { return client.owed.insert(what).inserted }
        client.owed.remove(what)
        give(what, to: client)
        return true
    }

    private func give(_ what: Owed, to client: Client) {
        switch what {
        case .hello: write(client) { $0.hello(source: source, position: position, into: &$1) }
        case .status: write(client) { $0.status(status() + ownStatus, into: &$1) }
        default: write(client) { $0.metrics(metrics, into: &$1) }
        }
    }

    /// Another model answers from here on.
    private func change(to successor: EngineSuccessor) {
        encoder = successor.encoder
        for client in clients.values {
            client.subscription.choose(of: encoder.tags, songTags: encoder.songTags)
            owe(.hello, to: client)
        }
    }

    private func sayDropped(to client: Client) {
        guard client.dropped > 0 else { return }
        line.removeAll(keepingCapacity: true)
        encoder.dropped(client.dropped, into: &line)
        client.dropped = 0
        // Goes out even when there is no room: it is short, and said once.
        client.channel.writeAndFlush(ByteBuffer(bytes: line), promise: nil)
    }

    /// A line from a client.
    func receive(_ line: LineFramer.Line, from client: Client) {
        guard !client.isClosing else { return }
        do throws(ClientRequestError) {
            guard case .line(let bytes) = line else {
                throw ClientRequestError(message: "a line of at most \(LineFramer.longest) bytes wanted")
            }
            switch try ClientRequest(parsing: bytes, tags: encoder.tags, songTags: encoder.songTags) {
            case .subscribe(let subscription):
                client.subscription = subscription
                client.lastTags = nil
            case .status: answer(.status, to: client)
            case .metrics: answer(.metrics, to: client)
            }
        } catch {
            requestErrors += 1
            client.errors += 1
            write(client) { $0.error(error.message, into: &$1) }
            if client.errors >= limits.errors { close(client) }
        }
    }

    // MARK: Events

    func send(_ slot: borrowing ReportRing.Slot) {
        loop.preconditionInEventLoop()
        switch slot.event {
        case .tags: sendTags(slot.report, time: slot.time)
        case .song(let song):
            sendToAll { client in bytes(for: client.subscription.options) { encoder.song(song, options: $0, into: &$1) }
            }
        case .gap(let position, let lost, let reason):
            logger.warning("sound was lost", metadata: ["samples": "\(lost)", "reason": "\(reason.name)"])
            sendToAll { _ in
                bytes(for: TagsOptions()) { encoder.gap(position: position, lost: lost, reason: reason, into: &$1) }
            }
        case .overload(let level, let isMore, let hop, let nets):
            logger.log(
                level: isMore ? .notice : .warning,
                isMore
                    ? "this machine keeps up: more is asked of the nets again"
                    : "this machine can't keep up: less is asked of the nets",
                metadata: ["level": "\(level)", "hop": "\(hop)", "nets": "\(nets.joined(separator: ", "))"])
            sendStatusToAll()
        case .stalled(let isStalled):
            if isStalled {
                logger.warning("no sound comes: the same sample again and again, or none")
            } else {
                logger.notice("sound comes again")
            }
            sendStatusToAll()
        case .replaced(let successor): change(to: successor)
        case .channelMissing(let found):
            logger.warning(
                "the device hasn't the wanted channel: the mean of all is heard", metadata: ["channels": "\(found)"])
        case .end: break
        }
    }

    private func sendTags(_ report: TagReport, time: Int64) {
        position = report.position
        sendToAll { client in
            // `every` is told in seconds of sound, so that a file behind the device gives the same events as live sound.
            if let last = client.lastTags, report.position >= last,
                Double(report.position - last) < client.subscription.every * Double(Model.sampleRate)
            {
                return nil
            }
            client.lastTags = report.position
            return bytes(for: client.subscription.options) { encoder.tags(report, time: time, options: $0, into: &$1) }
        }
    }

    private func sendToAll(_ bytes: (Client) -> ByteBuffer?) {
        encoded.removeAll(keepingCapacity: true)
        for client in clients.values {
            guard let buffer = bytes(client) else { continue }
            send(buffer, to: client)
        }
    }

    /// An event's bytes, written once for each different wish.
    private func bytes(for options: TagsOptions, _ encode: (TagsOptions, inout [UInt8]) -> Void) -> ByteBuffer {
        if let buffer = encoded[options] { return buffer }
        line.removeAll(keepingCapacity: true)
        encode(options, &line)
        let buffer = ByteBuffer(bytes: line)
        encoded[options] = buffer
        return buffer
    }

    private func write(_ client: Client, _ encode: (EventEncoder, inout [UInt8]) -> Void) {
        line.removeAll(keepingCapacity: true)
        encode(encoder, &line)
        send(ByteBuffer(bytes: line), to: client)
    }

    private func send(_ buffer: ByteBuffer, to client: Client) {
        guard !client.isClosing else { return }
        guard client.channel.isWritable else { return countDropped(client) }
        eventsSent += 1
        client.channel.writeAndFlush(buffer, promise: nil)
    }

    private func countDropped(_ client: Client) {
        guard !client.isClosing else { return }
        if client.dropped == 0 { logger.notice("a client reads too slowly: it is not sent all events") }
        client.dropped += 1
        eventsDropped += 1
    }

    /// For one who asks and asks, and doesn't read, one answer is gathered, when he does.
    private func answer(_ what: Owed, to client: Client) {
        if !owe(what, to: client) { countDropped(client) }
    }

    /// Sends status to all, the same to each.
    func sendStatusToAll() {
        guard !clients.isEmpty else { return }
        let values = status() + ownStatus
        sendToAll { _ in bytes(for: TagsOptions()) { encoder.status(values, into: &$1) } }
    }

    /// What `status` says, and of what, in Prometheus' text format.
    var metrics: String {
        loop.preconditionInEventLoop()
        return MetricsText(status: status() + ownStatus, facts: encoder.facts).text
    }

    private var ownStatus: [(name: String, value: StatusValue)] {
        [
            ("clients", .count(clients.count)), ("clients_refused", .count(clientsRefused)),
            ("accept_pauses", .count(acceptPauses)),
            ("events_sent", .count(eventsSent)), ("events_dropped", .count(eventsDropped)),
            ("request_errors", .count(requestErrors)),
        ]
    }

    // MARK: The end

    /// Closes a client when what was written has gone, or after a second.
    private func close(_ client: Client) {
        guard !client.isClosing else { return }
        for answer in [Owed.status, .metrics] where client.owed.contains(answer) { countDropped(client) }
        sayDropped(to: client)
        client.isClosing = true
        let channel = client.channel
        channel.writeAndFlush(ByteBuffer()).whenComplete { _ in channel.close(promise: nil) }
        loop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
    }

    /// Closes all; the future ends when all are gone.
    func closeAll() -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        let closed = clients.values.map(\.channel.closeFuture)
        for client in clients.values { close(client) }
        return EventLoopFuture.andAllComplete(closed, on: loop)
    }
}
