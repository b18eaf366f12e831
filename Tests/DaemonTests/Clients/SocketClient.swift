import Glibc

/// A client on a Unix socket that blocks, with a deadline on every wait.
final class SocketClient {
    struct Failure: Error { let reason: String }

    private let descriptor: Int32
    private var received: [UInt8] = []
    /// What came last, for who waits in vain.
    private var last = "nothing"

    /// Takes over a connected descriptor.
    init(descriptor: Int32) { self.descriptor = descriptor }

    convenience init(connecting path: String) throws {
        let descriptor = try Self.socket()
        let result = try Self.withAddress(path) { connect(descriptor, $0, $1) }
        guard result == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Failure(reason: reason)
        }
        self.init(descriptor: descriptor)
    }

    deinit { close(descriptor) }

    /// A descriptor that is connected to `path`; nil where the listener's queue is full.
    static func connectWithoutWaiting(to path: String) throws -> Int32? {
        let descriptor = try socket()
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        if try withAddress(path, { connect(descriptor, $0, $1) }) == 0 { return descriptor }
        let error = errno
        close(descriptor)
        guard error == EAGAIN else { throw Failure(reason: String(cString: strerror(error))) }
        return nil
    }

    /// A listening socket at `path`, to be closed by the caller.
    static func listen(at path: String) throws -> Int32 {
        let descriptor = try socket()
        guard try withAddress(path, { bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 8) == 0 else {
            throw Failure(reason: String(cString: strerror(errno)))
        }
        return descriptor
    }

    /// The next client of a listening socket.
    static func accept(_ listener: Int32, seconds: Double = 90) throws -> SocketClient {
        try waitUntilReadable(listener, deadline: .now + .seconds(seconds), after: "listening")
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { throw Failure(reason: String(cString: strerror(errno))) }
        return SocketClient(descriptor: descriptor)
    }

    /// Closes one side or both, and keeps the descriptor: used from outside, it might already be another socket's.
    func shutDown(_ sides: Int) { shutdown(descriptor, Int32(sides)) }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ all: [UInt8]) throws {
        var bytes = all[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Failure(reason: String(cString: strerror(errno))) }
            bytes = bytes.dropFirst(count)
        }
    }

    /// The next line without its newline; nil when the other end has closed.
    func readLine(seconds: Double = 90) throws -> String? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                defer { received.removeFirst(end + 1) }
                last = String(decoding: received[..<end], as: UTF8.self)
                return last
            }
            try Self.waitUntilReadable(descriptor, deadline: deadline, after: last)
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { throw Failure(reason: String(cString: strerror(errno))) }
            if count == 0 { return nil }
            received += buffer[..<count]
        }
    }

    private static func waitUntilReadable(
        _ descriptor: Int32, deadline: ContinuousClock.Instant, after last: String
    ) throws {
        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, deadline.millisecondsLeft) > 0 else {
            throw Failure(reason: "nothing before the deadline, after \(last)")
        }
    }

    private static func socket() throws -> Int32 {
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(reason: String(cString: strerror(errno))) }
        return descriptor
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Failure(reason: "path too long")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
}
