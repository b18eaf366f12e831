import Core
import Glibc

/// The daemon's Unix socket: bound beside its place and renamed into it, so that clients never meet one with the wrong mode; a stale one is replaced, a live one is not.
struct ListeningSocket: Sendable {
    let descriptor: Int32
    let path: String
    /// The socket's own file, so that at the end no other's is removed; nil where systemd owns it.
    private let inode: ino_t?

    /// A socket that systemd opened.
    init(activated descriptor: Int32) {
        self.descriptor = descriptor
        path = Self.boundPath(descriptor)
        inode = nil
    }

    /// - Parameters:
    ///   - mode: permissions of the socket's file.
    ///   - group: name or number of its group; nil: the process's.
    /// - Throws: `SocketError`, `path: why`.
    init(path: String, mode: mode_t, group: String?) throws(SocketError) {
        self.path = path
        try Self.requireFree(path)
        Self.removeLeftovers(beside: path)
        let beside = "\(path).\(getpid())"
        unlink(beside)
        var address = try Self.address(beside, shown: path)
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw SocketError(path, errno) }
        do throws(SocketError) {
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            guard bound == 0 else { throw SocketError(path, errno) }
            if let group {
                guard let identifier = Self.groupIdentifier(group) else {
                    throw SocketError(description: "\(path): group \(group): no such group")
                }
                guard chown(beside, uid_t.max, identifier) == 0 else {
                    throw SocketError("\(path): group \(group)", errno)
                }
            }
            guard chmod(beside, mode) == 0, listen(descriptor, 128) == 0 else { throw SocketError(path, errno) }
            var status = stat()
            guard stat(beside, &status) == 0, rename(beside, path) == 0 else { throw SocketError(path, errno) }
            inode = status.st_ino
        } catch {
            close(descriptor)
            unlink(beside)
            throw error
        }
        self.descriptor = descriptor
    }

    /// Where a socket is bound.
    private static func boundPath(_ descriptor: Int32) -> String {
        var address = sockaddr_un()
        var size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        guard result == 0 else { return "" }
        return withUnsafeBytes(of: &address.sun_path) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// Removes the socket's file, if it is still this socket's.
    func removeFile() {
        var status = stat()
        guard let inode, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK,
            status.st_ino == inode
        else { return }
        unlink(path)
    }

    /// Nothing stands in the way, or a socket that nobody listens on.
    private static func requireFree(_ path: String) throws(SocketError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw SocketError(path, errno)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw SocketError(description: "\(path): there is a file that isn't a socket")
        }
        var address = try address(path, shown: path)
        // Non-blocking: a daemon whose queue is full is alive too.
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard probe >= 0 else { throw SocketError(path, errno) }
        defer { close(probe) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(probe, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected != 0, errno != EAGAIN else {
            throw SocketError(description: "\(path): another wavetag is listening")
        }
        guard errno == ECONNREFUSED || errno == ENOENT else { throw SocketError(path, errno) }
    }

    /// Removes sockets that others have bound beside their place and, killed, not renamed any more.
    private static func removeLeftovers(beside path: String) {
        let end = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        let folder = String(path[..<end])
        let prefix = path[end...] + "."
        for name in FolderNames.read(folder) {
            guard name.hasPrefix(prefix), let process = pid_t(name.dropFirst(prefix.count)), process > 0,
                process != getpid(), kill(process, 0) != 0, errno == ESRCH
            else { continue }
            var status = stat()
            guard lstat(folder + name, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { continue }
            unlink(folder + name)
        }
    }

    static func address(_ path: String, shown: String) throws(SocketError) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < room else {
            throw SocketError(
                description: "\(shown): a socket's path has at most \(room - 1) bytes, with room for a process number")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }

    private static func groupIdentifier(_ group: String) -> gid_t? {
        if let number = gid_t(group) { return number }
        return getgrnam(group).map { $0.pointee.gr_gid }
    }
}

/// A socket that can't be had: one line, `path: why`.
struct SocketError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(description: String) { self.description = description }

    init(_ path: String, _ error: Int32) { description = "\(path): \(String(cString: strerror(error)))" }
}
