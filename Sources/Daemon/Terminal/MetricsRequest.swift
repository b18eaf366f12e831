import ArgumentParser
import Core
import Glibc

/// Asks a daemon for its metrics, for a shell.
enum MetricsRequest {
    /// Seconds that a daemon has for its answer.
    private static let patience = 10.0

    /// Prints the answer.
    ///
    /// - Throws: `ExitCode`, with a line said: 69 where there is no daemon, or one that knows no metrics.
    static func print(from path: String, signals: SignalPipe) throws {
        func failure(_ reason: String) -> ExitCode { .because(.unavailable, "watch: \(path): \(reason)") }
        let connection: EventConnection
        do throws(EventConnection.Failure) { connection = try EventConnection(path: path) } catch {
            throw failure(error.reason)
        }
        guard connection.send("{\"subscribe\":{\"top\":0,\"every\":86400}}\n{\"metrics\":true}\n") else {
            throw failure("the daemon has gone")
        }
        let deadline = monotonicTime() + Int64(patience * 1e9)
        var answer: JSONValue?
        while answer == nil {
            var waits = [
                pollfd(fd: connection.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            poll(&waits, 2, Int32(clamping: max(0, deadline - monotonicTime()) / 1_000_000))
            while let number = signals.next() { if number != SIGWINCH { return } }
            guard monotonicTime() < deadline else { throw failure("no answer in \(Int(patience)) s") }
            guard waits[0].revents != 0 else { continue }
            let isConnected = connection.receive { line in
                guard let json = try? JSONValue(parsing: line, depth: 16) else { return }
                if json["type"] == .string("metrics") || json["type"] == .string("error") { answer = answer ?? json }
            }
            guard isConnected || answer != nil else { throw failure("the daemon has gone") }
        }
        guard case .string(let text)? = answer?["text"] else {
            guard case .string(let message)? = answer?["message"] else { throw failure("no metrics") }
            throw failure(message.shown)
        }
        guard Output.write(text) else { throw ExitCode.because(.ioError, "watch: standard output: can't be written") }
    }
}
