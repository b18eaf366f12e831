import Foundation
import Glibc

/// A program under test. Every wait has a deadline, and the program is killed and reaped when this object goes, so that
/// no test leaves one behind.
///
/// Waits block: use it inside `blocking`.
final class ChildProcess {
    struct Failure: Error { let reason: String }

    /// What stands in the place of an exit code when a signal ended the program: as a shell says it.
    static func code(ofSignal number: Int32) -> Int32 { 128 + number }

    /// `wavetag`, built beside the tests.
    static let wavetag = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("wavetag").path

    /// A shell's command on a terminal of 80 columns, `$WAVETAG` being the program. What the terminal is sent is its output.
    static func inTerminal(_ command: String, environment: [String: String] = [:]) throws -> ChildProcess {
        let environment = ["WAVETAG": wavetag, "SHELL": "/bin/sh", "TERM": "xterm"].merging(environment) { $1 }
        return try ChildProcess(
            ["/usr/bin/script", "-qec", "stty cols 80 rows 24 -opost; " + command, "/dev/null"],
            environment: environment)
    }

    let identifier: pid_t
    /// What was written so far that no `readLine` has taken.
    private var output = Stream()
    private var errors = Stream()
    private var isReaped = false

    private struct Stream {
        var descriptor: Int32 = -1
        var bytes: [UInt8] = []
    }

    /// - Parameters:
    ///   - arguments: the program, as a path, and its arguments.
    ///   - environment: is added to the tests' own, without what would lead the program elsewhere.
    ///   - descriptor: what the program finds as descriptor 3.
    init(_ arguments: [String], environment: [String: String] = [:], passing descriptor: Int32? = nil) throws {
        var outputs: [Int32] = [0, 0]
        var errorOutputs: [Int32] = [0, 0]
        // Sockets, not pipes: these can be made so that children started at the same moment don't inherit them.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &outputs) == 0, socketpair(AF_UNIX, kind, 0, &errorOutputs) == 0 else {
            throw Failure(reason: "no descriptor left")
        }
        defer {
            close(outputs[1])
            close(errorOutputs[1])
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, outputs[1], STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errorOutputs[1], STDERR_FILENO)
        if let descriptor { posix_spawn_file_actions_adddup2(&actions, descriptor, 3) }
        // What other tests have open is none of its business: they wait for ends that it would hold open. Closing what
        // isn't open is no error here. One of them has a thousand connections.
        for other in (descriptor == nil ? 3 : 4)..<Int32(4096) { posix_spawn_file_actions_addclose(&actions, other) }

        // The tests' threads block signals; what they start is to hear them.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        var merged = ProcessInfo.processInfo.environment
        for name in ["NOTIFY_SOCKET", "INVOCATION_ID", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC", "WATCHDOG_PID"] {
            merged[name] = nil
        }
        merged = merged.filter { !$0.key.hasPrefix("WAVETAG_") }.merging(environment) { $1 }
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = merged.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var identifier: pid_t = 0
        let error = posix_spawn(&identifier, arguments[0], &actions, &attributes, &argv, &envp)
        output.descriptor = outputs[0]
        errors.descriptor = errorOutputs[0]
        self.identifier = identifier
        guard error == 0 else {
            isReaped = true
            throw Failure(reason: "\(arguments[0]): \(String(cString: strerror(error)))")
        }
    }

    deinit {
        if !isReaped {
            kill(identifier, SIGKILL)
            var status: Int32 = 0
            waitpid(identifier, &status, 0)
        }
        if output.descriptor >= 0 { close(output.descriptor) }
        if errors.descriptor >= 0 { close(errors.descriptor) }
    }

    /// Processor time that the program has taken so far.
    var processorSeconds: Double {
        get throws {
            let line = try String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8)
            // The second field, a name in brackets, may hold spaces; user and system time are fields 14 and 15.
            let fields = line.drop { $0 != ")" }.split(separator: " ")
            guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else {
                throw Failure(reason: "no times in \"\(line)\"")
            }
            return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }

    /// Stops the program until it is sent SIGCONT; it has stopped when this returns.
    func stop() {
        signal(SIGSTOP)
        var status: Int32 = 0
        waitpid(identifier, &status, WUNTRACED)
        // Any other news is its end.
        isReaped = status & 0xff != 0x7f
    }

    func signal(_ number: Int32) { if !isReaped { kill(identifier, number) } }

    /// The next line of standard output; nil at its end.
    func readLine(seconds: Double = 90) throws -> String? { try readLine(\.output, seconds: seconds) }

    /// The next line of standard error; nil at its end.
    func readErrorLine(seconds: Double = 90) throws -> String? { try readLine(\.errors, seconds: seconds) }

    /// Whether a line of standard error that was written so far has `text` in it; reads up to and with it.
    func hasErrorLine(containing text: String) throws -> Bool {
        var waits = [pollfd(fd: errors.descriptor, events: Int16(POLLIN), revents: 0)]
        if poll(&waits, 1, 0) > 0 { Self.take(&errors) }
        while errors.bytes.contains(UInt8(ascii: "\n")) {
            if let line = try readLine(\.errors, deadline: .now), line.contains(text) { return true }
        }
        return false
    }

    /// Waits for a line of standard error that has `text` in it.
    func waitForErrorLine(containing text: String, seconds: Double = 90) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var seen: [String] = []
        while let line = try readLine(\.errors, deadline: deadline) {
            if line.contains(text) { return }
            seen.append(line)
        }
        throw Failure(reason: "ended without \"\(text)\": \(seen)")
    }

    /// Waits for the program to end.
    ///
    /// - Returns: its exit code, and what it wrote that wasn't read.
    func end(seconds: Double = 90) throws -> (code: Int32, output: String, errors: String) {
        let deadline = ContinuousClock.now + .seconds(seconds)
        // Its ends of the pipes are closed when it is gone.
        while output.descriptor >= 0 || errors.descriptor >= 0 { try pump(deadline) }
        var status: Int32 = 0
        guard waitpid(identifier, &status, 0) == identifier else { throw Failure(reason: "nothing to wait for") }
        isReaped = true
        let signal = status & 0x7f
        return (
            signal == 0 ? (status >> 8) & 0xff : Self.code(ofSignal: signal),
            String(decoding: output.bytes, as: UTF8.self), String(decoding: errors.bytes, as: UTF8.self)
        )
    }

    private func readLine(_ stream: ReferenceWritableKeyPath<ChildProcess, Stream>, seconds: Double) throws -> String? {
        try readLine(stream, deadline: .now + .seconds(seconds))
    }

    private func readLine(
        _ stream: ReferenceWritableKeyPath<ChildProcess, Stream>, deadline: ContinuousClock.Instant
    ) throws -> String? {
        while true {
            if let end = self[keyPath: stream].bytes.firstIndex(of: UInt8(ascii: "\n")) {
                defer { self[keyPath: stream].bytes.removeFirst(end + 1) }
                return String(decoding: self[keyPath: stream].bytes[..<end], as: UTF8.self)
            }
            guard self[keyPath: stream].descriptor >= 0 else { return nil }
            try pump(deadline)
        }
    }

    /// Takes what is there of both streams, waiting for something.
    private func pump(_ deadline: ContinuousClock.Instant) throws {
        var waits = [output, errors].map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        guard poll(&waits, 2, deadline.millisecondsLeft) > 0 else {
            throw Failure(reason: "nothing before the deadline: \(String(decoding: errors.bytes, as: UTF8.self))")
        }
        if waits[0].revents != 0 { Self.take(&output) }
        if waits[1].revents != 0 { Self.take(&errors) }
    }

    private static func take(_ stream: inout Stream) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = read(stream.descriptor, &buffer, buffer.count)
        if count > 0 {
            stream.bytes += buffer[..<count]
        } else {
            close(stream.descriptor)
            stream.descriptor = -1
        }
    }
}

extension ContinuousClock.Instant {
    /// As poll(2) wants it; 0 when the instant has passed.
    var millisecondsLeft: Int32 {
        let left = (self - .now).components
        return Int32(max(0, left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000))
    }
}
