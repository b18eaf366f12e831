import Testing

@testable import Daemon

@Suite struct LineFramerTests {
    private func lines(_ pieces: [[UInt8]]) -> [LineFramer.Line] {
        var framer = LineFramer()
        var lines: [LineFramer.Line] = []
        for piece in pieces { framer.append(piece) { lines.append($0) } }
        return lines
    }

    @Test("lines don't depend on how bytes arrive; empty ones and an unended one are none")
    func pieces() {
        let bytes = Array("ab\n\ncd\ne".utf8)
        let wanted: [LineFramer.Line] = [.line(Array("ab".utf8)), .line(Array("cd".utf8))]
        #expect(lines([bytes]) == wanted)
        #expect(lines(bytes.map { [$0] }) == wanted)
    }

    @Test("a line without an end is said again and again, so that its sender can be closed")
    func endless() {
        let bytes = [UInt8](repeating: 120, count: LineFramer.longest + 1 + 3 * LineFramer.patience)
        #expect(lines([bytes, [10, 97, 10]]) == [.tooLong, .tooLong, .tooLong, .tooLong, .line([97])])
    }

    @Test("64 KiB is a line, one byte more is said once and passed over to its end")
    func tooLong() {
        let longest = [UInt8](repeating: 120, count: LineFramer.longest)
        #expect(lines([longest + [10]]) == [.line(longest)])
        #expect(lines([longest + longest + longest + [10], [97, 10]]) == [.tooLong, .line([97])])
    }
}
