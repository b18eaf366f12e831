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
            "Time between two pictures or lines, at least. Default: 0.1 in a terminal, 1 as lines, 0 as json.",
            valueName: "seconds"))
    var every: Double?
    @Option(help: "Bars or lines of text, or the events as they come.") var format: Format = .text
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
    }

    func run() throws {
        let environment = processEnvironment()
        let path = socket ?? SocketPath.standard(environment: environment)
        signal(SIGPIPE, SIG_IGN)
        guard let signals = SignalPipe([SIGINT, SIGTERM, SIGHUP, SIGWINCH]) else {
            throw failure("signals: no descriptor left", .ioError)
        }
        var output = WatchOutput(
            format: format, limits: WatchLimits(top: top, threshold: threshold),
            environment: environment)
        defer { output.finish() }
        var hasConnected = false
        var delay: Int32 = 250
        while true {
            do throws(EventConnection.Failure) {
                let connection = try EventConnection(path: path)
                hasConnected = true
                delay = 250
                guard follow(connection, signals: signals, output: &output), !once else { return }
                output.say("the daemon has gone; waiting for it")
            } catch {
                guard hasConnected || wait else { throw failure("\(path): \(error.reason)", .unavailable) }
            }
            guard pause(milliseconds: delay, signals: signals) else { return }
            delay = min(5000, delay * 2)
        }
    }

    /// The line that asks the daemon for what is shown. Without --top and --threshold that is everything: what is heard
    /// is known when the daemon has said hello.
    var subscription: String {
        var members: [String] = []
        if let top = top ?? (format == .json || threshold == nil ? nil : WatchLimits.usualTop) {
            members.append("\"top\":\(top)")
        }
        let every = every ?? (format == .json ? 0 : Output.isTerminal(STDOUT_FILENO) ? 0.1 : 1)
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
        while true {
            guard poll(&waits, 2, -1) > 0 else { continue }
            while let number = signals.next() {
                guard number == SIGWINCH else { return false }
                output.redraw()
            }
            guard waits[0].revents != 0 else { continue }
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
