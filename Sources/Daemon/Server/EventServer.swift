import Logging
import NIOCore
import NIOPosix

/// The Unix socket's side of the daemon: accepts clients, hands their lines to the hub, and wakes it when there are reports.
final class EventServer: Sendable {
    let hub: EventHub
    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let listener: any Channel
    private let reports: any Channel

    /// Starts listening.
    ///
    /// - Parameter onEnd: is called on the event loop when the reports have come to their end.
    init(
        socket: ListeningSocket, ring: ReportRing, group: MultiThreadedEventLoopGroup, hub: EventHub,
        onEnd: @escaping @Sendable () -> Void
    ) async throws {
        self.group = group
        self.hub = hub
        loop = group.next()
        let limits = hub.limits
        listener = try await ServerBootstrap(group: group)
            .serverChannelOption(ChannelOptions.backlog, value: 128)
            // One at a time, so that `AcceptPause` is asked for each.
            .serverChannelOption(ChannelOptions.maxMessagesPerRead, value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(hub: hub))
                }
            }
            // A client may say what it wants, close its side and go on reading, as `echo … | socat - UNIX:…` does.
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            // Of one who sends without end so much a turn, that others don't wait for it.
            .childChannelOption(ChannelOptions.maxMessagesPerRead, value: 1)
            .childChannelOption(
                ChannelOptions.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4096)
            )
            .childChannelOption(ChannelOptions.socketOption(.so_sndbuf), value: numericCast(limits.kernelBytes))
            .childChannelOption(
                ChannelOptions.writeBufferWaterMark,
                value: .init(low: limits.pendingBytes / 4, high: limits.pendingBytes)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ClientHandler(hub: hub))
                }
            }
            .withBoundSocket(socket.descriptor).get()
        reports = try await NIOPipeBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ReportHandler(ring: ring, hub: hub, onEnd: onEnd))
                }
            }
            .takingOwnershipOfDescriptor(input: ring.takeReadDescriptor()).get()
    }

    /// Calls `body` on the event loop, again and again.
    ///
    /// - Parameter atOnce: also now.
    func every(_ seconds: Double, atOnce: Bool = false, _ body: @escaping @Sendable () -> Void) {
        let interval = TimeAmount.nanoseconds(Int64(seconds * 1e9))
        loop.scheduleRepeatedTask(initialDelay: atOnce ? .zero : interval, delay: interval) { _ in body() }
    }

    /// Stops accepting, lets clients read what was written for them, and closes them.
    func close() async {
        try? await listener.close()
        try? await reports.close()
        let hub = hub
        try? await loop.flatSubmit { hub.closeAll() }.get()
    }
}

/// Accepts nobody for whom there is no descriptor: the device needs some when it comes back, whatever clients have taken.
///
/// Also stops for a while when accepting has failed: the waiting client stays in the queue, the listener stays readable, and
/// the event loop would do nothing but try again.
private final class AcceptPause: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never

    private static let pause = TimeAmount.milliseconds(250)
    private let hub: EventHub

    init(hub: EventHub) { self.hub = hub }

    func read(context: ChannelHandlerContext) {
        guard !hub.mayAccept else { return context.read() }
        hub.countAcceptPause()
        let channel = context.channel
        channel.eventLoop.scheduleTask(in: Self.pause) { channel.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let channel = context.channel
        guard let options = channel.syncOptions else { return }
        hub.countAcceptPause()
        try? options.setOption(ChannelOptions.autoRead, value: false)
        channel.eventLoop.scheduleTask(in: Self.pause) {
            channel.setOption(ChannelOptions.autoRead, value: true)
        }
    }
}

/// One client's connection.
private final class ClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let hub: EventHub
    private var client: EventHub.Client?
    private var framer = LineFramer()

    init(hub: EventHub) { self.hub = hub }

    func channelActive(context: ChannelHandlerContext) {
        client = hub.add(context.channel)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        client = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let client else { return }
        framer.append(unwrapInboundIn(data).readableBytesView) { hub.receive($0, from: client) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if let client { hub.becameWritable(client) }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A client that went away in the middle of something: nothing that anyone need hear of.
        context.close(promise: nil)
    }
}

/// Drains the report ring whenever its pipe says that there is something.
private final class ReportHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var ring: ReportRing
    private let hub: EventHub
    private let onEnd: @Sendable () -> Void

    init(ring: ReportRing, hub: EventHub, onEnd: @escaping @Sendable () -> Void) {
        self.ring = ring
        self.hub = hub
        self.onEnd = onEnd
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        while true {
            var next: ReportRing?
            ring.drain { slot in
                hub.send(slot)
                switch slot.event {
                case .end: onEnd()
                case .replaced(let successor): next = successor.reports
                default: break
                }
            }
            guard let next else { return }
            ring = next
        }
    }
}
