import Foundation
import Testing

@testable import Daemon

@Suite struct ListeningSocketTests {
    private let path = "/tmp/wavetag-listen-\(UUID().uuidString.prefix(8)).sock"

    private func listen(mode: mode_t = 0o660, group: String? = nil) throws -> ListeningSocket {
        try ListeningSocket(path: path, mode: mode, group: group)
    }

    private func status() throws -> stat {
        var status = stat()
        try #require(stat(path, &status) == 0)
        return status
    }

    @Test("a unit's runtime directory is the daemon's place, and not where a client in a unit of its own looks")
    func place() {
        let unit = ["RUNTIME_DIRECTORY": "/run/other:/run/third"]
        #expect(SocketPath.listening(environment: unit) == "/run/other/wavetag.sock")
        #expect(SocketPath.looked(environment: unit) == "/run/wavetag/wavetag.sock")
        #expect(SocketPath.listening(environment: [:]) == "/run/wavetag/wavetag.sock")
    }

    @Test("has the wanted mode and group, takes clients, and removes its file")
    func mode() async throws {
        try await blocking {
            let socket = try listen(mode: 0o620, group: "\(getgid())")
            defer { close(socket.descriptor) }
            #expect(try status().st_mode == S_IFSOCK | 0o620)
            #expect(try status().st_gid == getgid())
            _ = try SocketClient(connecting: path)
            socket.removeFile()
            #expect(access(path, F_OK) != 0)
            let leftOver = try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter {
                "/tmp/\($0)".hasPrefix(path)
            }
            #expect(leftOver.isEmpty)
        }
    }

    @Test("gives the socket to a group by name", .enabled(if: getuid() == 0 && getgrnam("audio") != nil))
    func group() throws {
        let socket = try listen(group: "audio")
        defer {
            close(socket.descriptor)
            socket.removeFile()
        }
        #expect(try status().st_gid == getgrnam("audio").pointee.gr_gid)
    }

    @Test("replaces a socket that nobody listens on")
    func stale() async throws {
        try await blocking {
            let dead = try SocketClient.listen(at: path)
            // What another test is just starting may hold a copy of the descriptor.
            shutdown(dead, Int32(SHUT_RDWR))
            close(dead)
            let old = try status().st_ino
            let socket = try listen()
            defer {
                close(socket.descriptor)
                socket.removeFile()
            }
            #expect(try status().st_ino != old)
            _ = try SocketClient(connecting: path)
        }
    }

    @Test("leaves a socket that someone listens on, even one whose queue is full")
    func live() async throws {
        try await blocking {
            let listener = try SocketClient.listen(at: path)
            defer {
                close(listener)
                unlink(path)
            }
            let inode = try status().st_ino
            // Until connecting would block: then the queue is full.
            var waiting: [Int32] = []
            defer { for descriptor in waiting { close(descriptor) } }
            while true {
                #expect(throws: SocketError(description: "\(path): another wavetag is listening")) { try listen() }
                guard let descriptor = try SocketClient.connectWithoutWaiting(to: path) else { break }
                waiting.append(descriptor)
            }
            #expect(throws: SocketError(description: "\(path): another wavetag is listening")) { try listen() }
            #expect(try status().st_ino == inode)
        }
    }

    @Test("leaves a file that is no socket")
    func regularFile() throws {
        try "mine".write(toFile: path, atomically: true, encoding: .utf8)
        defer { unlink(path) }
        #expect(throws: SocketError(description: "\(path): there is a file that isn't a socket")) { try listen() }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
    }

    @Test("leaves a file that has taken its place")
    func replaced() throws {
        let socket = try listen()
        defer { close(socket.descriptor) }
        unlink(path)
        try "mine".write(toFile: path, atomically: true, encoding: .utf8)
        defer { unlink(path) }
        socket.removeFile()
        #expect(access(path, F_OK) == 0)
    }

    @Test("says what is wrong with a path or a group, and leaves nothing behind")
    func wrong() throws {
        #expect(throws: SocketError(description: "/nowhere/at/all: No such file or directory")) {
            try ListeningSocket(path: "/nowhere/at/all", mode: 0o660, group: nil)
        }
        let long = "/tmp/" + String(repeating: "x", count: 110)
        #expect(throws: SocketError.self) { try ListeningSocket(path: long, mode: 0o660, group: nil) }
        #expect(throws: SocketError(description: "\(path): group no such: no such group")) {
            try listen(group: "no such")
        }
        #expect(access("\(path).\(getpid())", F_OK) != 0)
    }
}
