import Glibc
import Testing

@testable import Daemon

/// The built program as a child process, with its pipes. Everything that waits has a deadline; a child that is left is killed.
final class WavetagProcess {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    struct Result: Sendable {
        let status: Int32
        let output: String
        let errors: String
    }

    let identifier: pid_t
    private let input: Int32
    private let output: LineReader
    private let errorOutput: LineReader
    private var status: Int32?

    /// The program stands beside the test bundle.
    static let path: String = {
        let bundle = CommandLine.arguments[0]
        return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/wavetag"
    }()

    /// - Parameter environment: set besides what this process has.
    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        var pipes: [[Int32]] = []
        for _ in 0..<3 {
            var pair: [Int32] = [0, 0]
            guard pipe(&pair) == 0 else { throw Failure(description: "no pipe") }
            for descriptor in pair { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
            pipes.append(pair)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pipes[0][0], 0)
        posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 1)
        posix_spawn_file_actions_adddup2(&actions, pipes[2][1], 2)
        // The tests' own signal masks and handlers are not the program's.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        let merged = processEnvironment().merging(environment) { $1 }
        var words = ([Self.path] + arguments).map { strdup($0) }
        var variables = merged.map { strdup("\($0.key)=\($0.value)") }
        defer { (words + variables).forEach { free($0) } }
        words.append(nil)
        variables.append(nil)
        var child: pid_t = 0
        let error = posix_spawn(&child, Self.path, &actions, &attributes, words, variables)
        close(pipes[0][0])
        close(pipes[1][1])
        close(pipes[2][1])
        input = pipes[0][1]
        output = LineReader(pipes[1][0])
        errorOutput = LineReader(pipes[2][0])
        identifier = child
        guard error == 0 else { throw Failure(description: "\(Self.path): \(String(cString: strerror(error)))") }
    }

    deinit {
        kill()
        close(input)
    }

    /// Runs the program to its end.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], seconds: Double = 30
    ) async throws -> Result {
        try await blocking {
            let process = try WavetagProcess(arguments, environment: environment)
            defer { process.kill() }
            let output = try process.output.readAll(seconds: seconds)
            let errors = try process.errorOutput.readAll(seconds: seconds)
            return Result(status: try process.wait(seconds: seconds), output: output, errors: errors)
        }
    }

    func signal(_ number: Int32) {
        if status == nil { Glibc.kill(identifier, number) }
    }

    /// The next line of standard output; nil at its end.
    func readLine(seconds: Double = 20) throws -> String? { try output.readLine(seconds: seconds) }

    /// All of standard error; waits until the program closes it.
    func errors(seconds: Double = 20) throws -> String { try errorOutput.readAll(seconds: seconds) }

    /// Waits for the program's end.
    ///
    /// - Returns: its exit code; 128 and the signal's number when one ended it.
    @discardableResult
    func wait(seconds: Double = 20) throws -> Int32 {
        if let status { return status }
        // Its end closes its pipes: waiting for that has a deadline, waiting for the process then takes no time.
        _ = try output.readAll(seconds: seconds)
        _ = try errorOutput.readAll(seconds: seconds, keeping: true)
        var raw: Int32 = 0
        guard waitpid(identifier, &raw, 0) == identifier else { throw Failure(description: "no such child") }
        let code = raw & 0x7F == 0 ? raw >> 8 & 0xFF : 128 + (raw & 0x7F)
        status = code
        return code
    }

    func kill() {
        guard status == nil else { return }
        Glibc.kill(identifier, SIGKILL)
        var raw: Int32 = 0
        waitpid(identifier, &raw, 0)
        status = 128 + SIGKILL
    }
}

/// Lines from a descriptor, each with a deadline.
final class LineReader {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var isAtEnd = false

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    func readLine(seconds: Double) throws -> String? {
        let deadline = monotonicTime() + Int64(seconds * 1e9)
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                defer { buffer.removeFirst(end + 1) }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            guard !isAtEnd else { return nil }
            try fill(deadline)
        }
    }

    /// - Parameter keeping: leaves what was read to be read again.
    func readAll(seconds: Double, keeping: Bool = false) throws -> String {
        let deadline = monotonicTime() + Int64(seconds * 1e9)
        while !isAtEnd { try fill(deadline) }
        defer { if !keeping { buffer = [] } }
        return String(decoding: buffer, as: UTF8.self)
    }

    private func fill(_ deadline: Int64) throws {
        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let rest = max(0, (deadline - monotonicTime()) / 1_000_000)
        guard poll(&wait, 1, Int32(rest)) > 0 else {
            throw WavetagProcess.Failure(
                description: "nothing came in time; so far: \(String(decoding: buffer.suffix(300), as: UTF8.self))")
        }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(descriptor, &bytes, bytes.count)
        if count > 0 { buffer += bytes[..<count] } else { isAtEnd = true }
    }
}
