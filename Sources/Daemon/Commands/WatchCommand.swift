import ArgumentParser
import Glibc

struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Shows what a running daemon hears.",
        discussion: """
            Bars in a terminal, plain lines in a pipe, the daemon's own events with --format json. Follows a daemon \
            that restarts.

            EXAMPLES
              wavetag watch --top 8
              wavetag watch --format json | jq .window
              wavetag watch --status
              wavetag watch --format json --output-dir /var/lib/tags --keep 30
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Option(help: ArgumentHelp("The daemon's socket.", valueName: "path"), completion: .file()) var socket: String?
    @Option(
        help: ArgumentHelp(
            "Show so many of the likeliest tags. Default: those above the model's thresholds, or 5; all as json.",
            valueName: "count"))
    var top: Int?
    @Option(help: ArgumentHelp("Show tags from this probability on, 0 to 1.", valueName: "probability"))
    var threshold: Double?
    @Option(
        help: ArgumentHelp(
            "Time between two pictures or lines, at least. Default: 0.1 in a terminal, 1 as lines, into a folder and for --status, 0 as json.",
            valueName: "seconds"))
    var every: Double?
    @Option(help: "Bars or lines of text, or the events as they come.") var format: Format = .text
    @Flag(help: "Show the daemon's counters and gauges instead of tags.") var status = false
    @Flag(help: "Print the daemon's metrics once, in Prometheus' text format, and end.") var metrics = false
    @OptionGroup var storage: StorageOptions
    @Flag(help: "Wait for a daemon that isn't there yet.") var wait = false
    @Flag(help: "End when the daemon does, instead of waiting for it to come back.") var once = false

    func validate() throws {
        if let top, top < 0 { throw ValidationError("--top: \(top): 0 or more wanted") }
        if let every, !(0...86_400).contains(every) {
            throw ValidationError("--every: \(every): 0 to 86400 wanted")
        }
        if let threshold, !(0...1).contains(threshold) {
            throw ValidationError("--threshold: \(threshold): 0 to 1 wanted")
        }
        guard [status, metrics, storage.outputDir != nil].count(where: { $0 }) <= 1 else {
            throw ValidationError("--status, --metrics, --output-dir: one of them wanted")
        }
        if storage.outputDir != nil, format != .json {
            throw ValidationError("--output-dir: wants --format json")
        }
    }

    func run() throws {
        let environment = processEnvironment()
        let path = socket ?? SocketPath.looked(environment: environment)
        signal(SIGPIPE, SIG_IGN)
        guard let signals = SignalPipe([SIGINT, SIGTERM, SIGHUP, SIGWINCH]) else {
            throw failure("signals: no descriptor left", .ioError)
        }
        if metrics { return try MetricsRequest.print(from: path, signals: signals) }
        let folder = try storage.open { Output.write("wavetag: watch: \($0)\n", to: STDERR_FILENO) }
        var output = WatchOutput(
            format: format, limits: WatchLimits(top: top, threshold: threshold),
            environment: environment, content: status ? .status : .events, folder: folder)
        let result = Result { try watch(path, signals: signals, output: &output) }
        guard output.finish() else { throw ExitCode.ioError }
        try result.get()
    }

    /// Until a signal, or until the daemon's end if that is wanted.
    private func watch(_ path: String, signals: SignalPipe, output: inout WatchOutput) throws {
        var hasConnected = storage.outputDir != nil
        var isWaiting = false
        var delay: Int32 = 250
        while true {
            do throws(EventConnection.Failure) {
                let connection = try EventConnection(path: path)
                hasConnected = true
                isWaiting = true
                delay = 250
                guard follow(connection, signals: signals, output: &output), !once else { return }
                output.flush()
                output.say("the daemon has gone; waiting for it")
            } catch {
                if error.isInterrupted {
                    guard pause(milliseconds: 0, signals: signals) else { return }
                    continue
                }
                guard hasConnected || wait else { throw failure("\(path): \(error.reason)", .unavailable) }
                // A service that stores nothing for years because of a wrong path must say so, once.
                if storage.outputDir != nil, !isWaiting {
                    output.say("\(path): \(error.reason); waiting for the daemon")
                }
                isWaiting = true
            }
            guard pause(milliseconds: delay, signals: signals) else { return }
            delay = min(5000, delay * 2)
        }
    }

    /// The line that asks the daemon for what is shown. Without --top and --threshold that is everything: what is heard
    /// is known when the daemon has said hello.
    var subscription: String {
        // Songs and gaps come all the same; they aren't many.
        if status { return #"{"subscribe":{"top":0,"every":86400}}"# + "\n" }
        var members: [String] = []
        if let top = top ?? (format == .json || threshold == nil ? nil : WatchLimits.usualTop) {
            members.append("\"top\":\(top)")
        }
        let every =
            every ?? (storage.outputDir != nil ? 1 : format == .json ? 0 : Output.isTerminal(STDOUT_FILENO) ? 0.1 : 1)
        if every > 0 { members.append("\"every\":\(every)") }
        if let threshold { members.append("\"threshold\":\(threshold)") }
        return "{\"subscribe\":{\(members.joined(separator: ","))}}\n"
    }

    /// - Returns: false when the program is to end, true when the daemon has gone.
    private func follow(
        _ connection: EventConnection, signals: SignalPipe, output: inout WatchOutput
    ) -> Bool {
        guard connection.send(subscription) else { return true }
        var waits = [
            pollfd(fd: connection.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        var nextStatus = status ? monotonicTime() : Int64.max
        // Whoever takes connections for a daemon that is stopped, or hangs, doesn't answer for it.
        var complaint = monotonicTime() + Int64(EventConnection.patience) * 1_000_000_000
        while true {
            if monotonicTime() >= complaint {
                output.say("the daemon says nothing; waiting for it")
                complaint = .max
            }
            if monotonicTime() >= nextStatus {
                guard connection.send("{\"status\":true}\n") else { return true }
                nextStatus = monotonicTime() + Int64(max(0.1, every ?? 1) * 1e9)
            }
            if let flush = output.nextFlush, monotonicTime() >= flush { output.flush() }
            let next = min(nextStatus, complaint, output.nextFlush ?? .max)
            // Rounded up: a little too early would be a turn for nothing.
            let wait = next == .max ? -1 : Int32(clamping: max(0, next - monotonicTime()) / 1_000_000 + 1)
            guard poll(&waits, 2, wait) > 0 else { continue }
            while let number = signals.next() {
                guard number == SIGWINCH else { return false }
                output.redraw()
            }
            guard waits[0].revents != 0 else { continue }
            complaint = .max
            var isOpen = true
            let isConnected = connection.receive { line in
                if isOpen { isOpen = output.show(line) }
            }
            guard isOpen else { return false }
            guard isConnected else { return true }
        }
    }

    /// - Returns: false when a signal has asked to end.
    private func pause(milliseconds: Int32, signals: SignalPipe) -> Bool {
        var wait = pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&wait, 1, milliseconds)
        while let number = signals.next() {
            if number != SIGWINCH { return false }
        }
        return true
    }

    private func failure(_ line: String, _ code: ExitCode) -> ExitCode {
        let bytes = Array("wavetag: watch: \(line)\n".utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
        return code
    }
}
