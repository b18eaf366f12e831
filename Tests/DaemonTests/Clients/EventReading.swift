import Core
import Foundation

extension SocketClient {
    /// The next event that `isWanted`; those before it are passed over.
    func event(seconds: Double = 90, where isWanted: (JSONValue) -> Bool) throws -> JSONValue {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while let line = try readLine(seconds: (deadline - .now) / .seconds(1)) {
            let event = try JSONValue(parsing: line.utf8)
            if isWanted(event) { return event }
        }
        throw Failure(reason: "the daemon has closed")
    }

    /// The next event of a type.
    func event(_ type: String, seconds: Double = 90) throws -> JSONValue {
        try event(seconds: seconds) { $0["type"] == .string(type) }
    }

    /// Asks for status, and reads on to the answer.
    func status() throws -> JSONValue {
        try send("{\"status\":true}\n")
        return try event("status")
    }
}

extension JSONValue {
    /// A whole number of an event.
    func whole(_ name: String) throws -> Int {
        guard case .integer(let number)? = self[name] else {
            throw SocketClient.Failure(reason: "no \(name) in \(self)")
        }
        return Int(number)
    }

    /// When an event's sample was captured, seconds since 1970.
    var time: Double {
        get throws {
            guard case .string(let text)? = self["time"] else {
                throw SocketClient.Failure(reason: "no time in \(self)")
            }
            return try Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text).timeIntervalSince1970
        }
    }
}

/// How long a fault took to be over: a line in the file that RECOVERY_TIMES names, for `make faults`.
func noteRecovery(_ fault: String, since start: ContinuousClock.Instant) {
    guard let path = ProcessInfo.processInfo.environment["RECOVERY_TIMES"], let file = fopen(path, "ae") else { return }
    fputs("\(fault)\t\(String(format: "%.2f", (ContinuousClock.now - start) / .seconds(1)))\n", file)
    fclose(file)
}

extension ChildProcess {
    /// Lets a process that runs have no more descriptors than this, from now on.
    static func permit(_ count: Int, descriptorsOf process: pid_t) throws {
        let result = try ChildProcess(["/usr/bin/prlimit", "--pid", "\(process)", "--nofile=\(count):"]).end()
        guard result.code == 0 else { throw Failure(reason: result.errors) }
    }

    /// How many descriptors the program has open.
    var descriptors: Int {
        get throws { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/fd").count }
    }

    /// Memory that the program holds.
    var residentBytes: Int {
        get throws {
            let fields = try String(contentsOfFile: "/proc/\(identifier)/statm", encoding: .utf8).split(separator: " ")
            return (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
        }
    }
}
