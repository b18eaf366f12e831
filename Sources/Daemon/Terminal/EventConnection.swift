import Glibc

/// A client's end of the daemon's socket. Closes it when it goes.
final class EventConnection {
    /// A line from the daemon that is longer is taken for damage.
    private static let longestLine = 16 << 20
    /// Seconds that a daemon may leave somebody in its queue: one that is stopped, or hangs, does for ever.
    static let patience = 5

    let descriptor: Int32
    private var partial: [UInt8] = []

    struct Failure: Error {
        let reason: String
        /// A signal has come meanwhile.
        var isInterrupted = false
    }

    init(path: String) throws(Failure) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room else { throw Failure(reason: "longer than \(room - 1) bytes") }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(reason: String(cString: strerror(errno))) }
        var patience = timeval(tv_sec: Self.patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let error = errno
            throw Failure(
                reason: error == EAGAIN ? "nobody answers in \(Self.patience) s" : String(cString: strerror(error)),
                isInterrupted: error == EINTR)
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// False when the daemon is gone.
    func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Reads what is there and hands over every whole line, without its newline.
    ///
    /// - Returns: false when the daemon has closed.
    func receive(_ body: ([UInt8]) throws -> Void) rethrows -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 { return errno == EINTR || errno == EAGAIN }
        guard count > 0 else { return false }
        partial += buffer[..<count]
        var start = 0
        while let end = partial[start...].firstIndex(of: UInt8(ascii: "\n")) {
            try body(Array(partial[start..<end]))
            start = end + 1
        }
        partial.removeFirst(start)
        return partial.count <= Self.longestLine
    }
}
