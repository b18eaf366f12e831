import Glibc
import Testing

@testable import Daemon

@Suite("How far something has come, on a terminal and elsewhere")
struct ProgressLineTests {
    /// What `body` leaves in a pipe.
    private func piped(_ body: (Int32) -> Void) throws -> String {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        body(ends[1])
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(ends[0], &bytes, bytes.count)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }

    @Test("In a pipe a line each time, whole")
    func plain() throws {
        let text = try piped { output in
            var line = ProgressLine(output: output, plainInterval: 0)
            line.show { _ in "half" }
            line.show { _ in "nearly" }
            line.clear()
        }
        #expect(text == "half\nnearly\n")
    }

    @Test("In a pipe none before its time, nor at the end; where none is wanted, never")
    func quiet() throws {
        for interval in [3600, nil] as [Double?] {
            let text = try piped { output in
                var line = ProgressLine(output: output, plainInterval: interval)
                line.show { _ in "half" }
                line.show(isLast: true) { _ in "whole" }
                line.clear()
            }
            #expect(text.isEmpty)
        }
    }

    @Test("On a terminal one line that is written over, not before its time, the last at once, and taken away")
    func terminal() throws {
        var (master, terminal): (Int32, Int32) = (-1, -1)
        try #require(openpty(&master, &terminal, nil, nil, nil) == 0)
        defer {
            close(master)
            close(terminal)
        }
        var line = ProgressLine(output: terminal, interval: 3600)
        line.show { _ in "half" }
        line.show { _ in "too soon" }
        line.show(isLast: true) { _ in "whole" }
        line.clear()
        line.clear()
        let wanted = "\r\u{1B}[Khalf\r\u{1B}[Kwhole\r\u{1B}[K"
        var bytes = [UInt8](repeating: 0, count: 4096)
        var said = ""
        while said.utf8.count < wanted.utf8.count {
            var wait = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
            try #require(poll(&wait, 1, 10_000) == 1)
            let count = read(master, &bytes, bytes.count)
            try #require(count > 0)
            said += String(decoding: bytes[..<count], as: UTF8.self)
        }
        #expect(said == wanted)
    }
}
