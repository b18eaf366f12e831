import ArgumentParser
import CLinux
import Core
import Glibc
import Logging
import NIOPosix
import ServiceLifecycle
import Streaming
import Synchronization
import UnixSignals

/// The daemon, put together: capture thread → ring → engine thread → ring → event loop → clients.
struct LiveService: Service, CustomStringConvertible {
    /// What the service is called in logs.
    var description: String { "live" }
    let logger: Logger
    let log: LogQueue
    private let limiter: LogLimiter
    private let metricsFile: MetricsFile?
    private let settings: Settings
    private let socketPath: String
    private let name: String
    private let encoder: EventEncoder
    private let capture: Capture
    private let engine: LiveEngine
    private let bell = ReportBell()
    private let reload: LiveReload
    private let started = monotonicTime()
    /// Clients that there are descriptors for, beside what the device, files and the program itself need.
    private let acceptedClients: Int
    private static let ownDescriptors = 32

    /// Seconds of sound that the capture ring holds.
    private static let captureSeconds = 4
    /// Bytes of the ring at least: 1.3 s of what needs most at 96 kHz (8 channels of 32 bits).
    private static let leastRing = 1 << 22

    /// Reads the model and checks everything that can be checked without touching a device or the socket.
    ///
    /// - Parameter reread: the settings again, when SIGHUP asks for them.
    /// - Throws: `ModelFileError`, `TaggerError`; `SettingsError` where this process may have too few descriptors.
    init(
        _ settings: Settings, environment: [String: String], reread: @escaping @Sendable () async throws -> Settings
    ) throws {
        let descriptors = Int(clamping: wavetag_allow_descriptors(UInt(settings.mostClients + Self.ownDescriptors)))
        acceptedClients = descriptors - Self.ownDescriptors
        guard acceptedClients > 0 else {
            throw SettingsError(
                description: "descriptors: more than \(Self.ownDescriptors) wanted, \(descriptors) permitted "
                    + "(LimitNOFILE, ulimit -n)",
                exitCode: .unavailable)
        }
        log = LogQueue(environment: environment)
        let limiter = LogLimiter(most: settings.logLimit, out: QueuedLogHandler(log))
        var logger = Logger(label: "wavetag") { _ in LimitedLogHandler(limiter) }
        logger.logLevel = settings.logLevel
        self.logger = logger
        self.limiter = limiter
        metricsFile = settings.metricsFile.map { [logger] in MetricsFile(path: $0, logger: logger) }
        socketPath = settings.socketPath ?? SocketPath.listening(environment: environment)
        let live = try LiveModel(settings, environment: environment)
        name = live.facts.name
        encoder = live.encoder
        self.settings = settings

        let bytes = Self.captureSeconds * settings.capture.rate * settings.capture.channels * 4
        // A device may have more channels, and a higher rate, than was wanted.
        let ring = CaptureRing(capacity: max(Self.leastRing, bytes))
        capture = Capture(settings.capture, ring: ring) { [logger] event in Self.log(event, to: logger) }
        engine = LiveEngine(
            tagger: live.tagger, choice: settings.choice, capture: ring, reports: live.reports(bell: bell),
            sourceWaits: settings.capture.pace == .wait)
        reload = LiveReload(
            running: settings, model: live, environment: environment, engine: engine, bell: bell, logger: logger,
            settings: reread)
    }

    func run() async throws {
        let terminal = ControllingTerminal()
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        let socket = try openSocket()
        defer { socket.removeFile() }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let hub = EventHub(
            loop: group.next(), encoder: encoder,
            source: settings.capture.device,
            limits: .init(clients: settings.mostClients, accepted: acceptedClients),
            logger: logger,
            status: { [self] in status })
        let (ended, end) = AsyncStream<Void>.makeStream()
        let server = try await EventServer(socket: socket, ring: engine.firstReports, group: group, hub: hub) {
            end.finish()
        }
        do { try capture.start() } catch {
            await server.close()
            try? await group.shutdownGracefully()
            throw error
        }
        engine.start(priority: settings.priority) { [logger] in Self.logNoPriority("engine", $0, to: logger) }
        group.next().execute { [logger, settings] in
            guard let reason = requestRealtimePriority(settings.priority) else { return }
            Self.logNoPriority("event loop", reason, to: logger)
        }
        let watchdog = Watchdog(engine: engine)
        if settings.statusInterval > 0 { server.every(settings.statusInterval) { hub.sendStatusToAll() } }
        if let interval = ServiceNotification.watchdogInterval {
            server.every(interval / 3) { if watchdog.isAlive() { ServiceNotification.watchdog() } }
        }
        let captureWatch = CaptureWatch(capture)
        server.every(1) { if captureWatch.isHung() { endHung() } }
        server.every(60) { limiter.sayLeftOut() }
        if let metricsFile {
            metricsFile.start()
            server.every(settings.metricsInterval, atOnce: true) { metricsFile.write(hub.metrics) }
        }
        logger.info(
            "listening",
            metadata: [
                "socket": "\(socket.path)", "model": "\(name)",
                "engine": "\(engine.counters.plan.withLock { $0 })",
            ])
        // What the device does is told by the capture thread.
        ServiceNotification.ready()

        await withTaskGroup { tasks in
            // Signals that come while one is being followed are one more.
            let (requests, request) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
            tasks.addTask {
                for await _ in hangups { if terminal.isGone { requestStop() } else { request.yield() } }
            }
            tasks.addTask { for await _ in requests { await reload.reload() } }
            await withGracefulShutdownHandler {
                for await _ in ended {}
            } onGracefulShutdown: {
                requestStop()
            }
            ServiceNotification.stopping()
            capture.stop()
            engine.join()
            tasks.cancelAll()
        }
        await server.close()
        try await group.shutdownGracefully()
        metricsFile?.end()
        limiter.sayLeftOut(all: true)
    }

    /// Ends the program without waiting for the capture thread, which will never end; systemd starts it again.
    private func endHung() -> Never {
        logger.critical("the device doesn't return", metadata: ["device": "\(settings.capture.device)"])
        ServiceNotification.status("the device doesn't return: \(settings.capture.device)")
        metricsFile?.end()
        log.flush()
        // Without what libraries do at the end: the thread may hold their locks.
        _exit(ExitCode.unavailable.rawValue)
    }

    private func requestStop() {
        engine.requestStop()
        capture.requestStop()
    }

    private func openSocket() throws -> ListeningSocket {
        if let descriptor = try ServiceNotification.activatedSocket() {
            return ListeningSocket(activated: descriptor)
        }
        let folder = socketPath.split(separator: "/").dropLast().joined(separator: "/")
        // The standard folder is made; one that a user names must be there.
        if settings.socketPath == nil { mkdir("/" + folder, 0o755) }
        return try ListeningSocket(path: socketPath, mode: settings.socketMode, group: settings.socketGroup)
    }

    private static func logNoPriority(_ what: String, _ reason: String, to logger: Logger) {
        logger.notice("\(what) runs without real-time priority", metadata: ["reason": "\(reason)"])
    }

    private static func log(_ event: CaptureEvent, to logger: Logger) {
        switch event {
        case .opened(let device, let format):
            logger.info(
                "device opened",
                metadata: [
                    "device": "\(device)", "rate": "\(format.rate)", "channels": "\(format.channels)",
                    "format": "\(format.sample)",
                ])
            ServiceNotification.status("listening to \(device)")
        case .waiting(let reason):
            logger.warning("waiting for the device", metadata: ["reason": "\(reason)"])
            ServiceNotification.status("waiting for the device: \(reason)")
        case .lost(let reason): logger.error("device lost", metadata: ["reason": "\(reason)"])
        case .noRealtimePriority(let reason):
            logger.notice("capture runs without real-time priority", metadata: ["reason": "\(reason)"])
        case .unclocked: logger.notice("the device has no clock: it is read in real time")
        case .ended: logger.info("capture ended")
        }
    }

    /// Counters and gauges of all parts but the server.
    private var status: [(name: String, value: StatusValue)] {
        let uptime = Double(monotonicTime() - started) / 1e9
        let busy = Double(engine.counters.busyNanoseconds.load(ordering: .relaxed)) / 1e9
        let windows = engine.counters.windows.load(ordering: .relaxed)
        let evaluations = engine.counters.classifierEvaluations.load(ordering: .relaxed)
        let aggregation = Double(engine.counters.aggregationNanoseconds.load(ordering: .relaxed))
        let classification = Double(engine.counters.classificationNanoseconds.load(ordering: .relaxed))
        return [
            ("position", .count(engine.counters.position.load(ordering: .relaxed))),
            ("hop", .count(engine.counters.hop.load(ordering: .relaxed))),
            ("overload", .count(engine.counters.level.load(ordering: .relaxed))),
            ("overloads", .count(engine.counters.overloads.load(ordering: .relaxed))),
            ("overload_recoveries", .count(engine.counters.recoveries.load(ordering: .relaxed))),
            ("nets", .text(engine.counters.nets.withLock { $0 })),
            ("engine", .text(engine.counters.plan.withLock { $0 })), ("kernel", .text(Kernel.best.name)),
            ("windows", .count(windows)),
            ("engine_seconds", .number(busy)),
            ("engine_load", .number(uptime > 0 ? busy / uptime : 0)),
            ("hop_microseconds", .number(windows > 0 ? busy / Double(windows) * 1e6 : 0)),
            ("classifier_evaluations", .count(evaluations)),
            ("classifier_microseconds", .number(evaluations > 0 ? classification / Double(evaluations) / 1000 : 0)),
            ("song_load", .number(busy > 0 ? (aggregation + classification) / 1e9 / busy : 0)),
            ("backlog_ms", .number(Double(engine.counters.backlogMicroseconds.load(ordering: .relaxed)) / 1000)),
            ("device_running", .flag(capture.counters.isRunning.load(ordering: .relaxed))),
            ("frames", .count(capture.counters.frames.load(ordering: .relaxed))),
            ("overruns", .count(capture.counters.overruns.load(ordering: .relaxed))),
            ("suspensions", .count(capture.counters.suspensions.load(ordering: .relaxed))),
            ("device_losses", .count(capture.counters.losses.load(ordering: .relaxed))),
            ("open_failures", .count(capture.counters.openFailures.load(ordering: .relaxed))),
            ("drift_ppm", .number(Double(capture.counters.drift.load(ordering: .relaxed)) / 1000)),
            ("clock_jumps", .count(engine.counters.clockJumps.load(ordering: .relaxed))),
            ("stalled", .flag(capture.counters.isStalled.load(ordering: .relaxed))),
            ("stalls", .count(capture.counters.stalls.load(ordering: .relaxed))),
            ("frames_dropped", .count(capture.counters.dropped.load(ordering: .relaxed))),
            ("gaps", .count(engine.counters.gaps.load(ordering: .relaxed))),
            ("lost_samples", .count(engine.counters.lostSamples.load(ordering: .relaxed))),
            ("reports_lost", .count(bell.lost.load(ordering: .relaxed))),
            ("reloads", .count(reload.reloads.load(ordering: .relaxed))),
            ("reloads_refused", .count(reload.refusals.load(ordering: .relaxed))),
            ("reload_error", .text(reload.refusal.withLock { $0 })),
            ("restart_needed", .text(reload.waiting.withLock { $0 }.joined(separator: ", "))),
            ("resident_bytes", .count(residentBytes())),
            ("uptime_seconds", .number(uptime)),
            ("metrics_failures", .count(metricsFile?.failures ?? 0)),
            ("log_lines_left_out", .count(limiter.leftOut + log.lost)),
        ]
    }
}

/// Whether the engine's thread still turns: it does twice a second at least, with or without sound.
private final class Watchdog: Sendable {
    private let engine: LiveEngine
    private let seen = Atomic<Int>(-1)

    init(engine: LiveEngine) { self.engine = engine }

    func isAlive() -> Bool {
        let turns = engine.counters.turns.load(ordering: .relaxed)
        return seen.exchange(turns, ordering: .relaxed) != turns
    }
}

/// Memory that this process holds.
private func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "re") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
    let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
}
