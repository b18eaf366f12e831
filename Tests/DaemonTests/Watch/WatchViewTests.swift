import Testing

@testable import Daemon

@Suite struct WatchViewTests {
    private func view() throws -> WatchView {
        var view = WatchView()
        for line in [
            #"{"type":"hello","model":{"name":"default"},"source":"hw:1"}"#,
            #"{"type":"tags","time":"2026-01-02T03:04:05.678Z","window":{"piano":0.5,"female vocalist":0.25},"song":{"rock":1}}"#,
        ] {
            view.show(try #require(WatchEvent(parsing: Array(line.utf8))))
        }
        return view
    }

    @Test("no line is wider than the terminal", arguments: [1, 10, 20, 80, 200])
    func width(_ width: Int) throws {
        let lines = try view().lines(width: width, color: false)
        #expect(lines.count == 6)
        #expect(lines.allSatisfy { $0.count <= width })
    }

    @Test("a bar is as long as its probability")
    func bar() throws {
        let lines = try view().lines(width: 41, color: false)
        // 13 columns of name, 6 of spaces and number: 22 are left.
        #expect(
            lines[2] == "piano         " + String(repeating: "█", count: 11) + String(repeating: " ", count: 11)
                + " 0.50")
    }

    @Test("colour only when asked for")
    func color() throws {
        #expect(!(try view().lines(width: 80, color: false)).joined().contains("\u{1B}"))
        #expect((try view().lines(width: 80, color: true)).joined().contains("\u{1B}[36m"))
    }

    @Test("a line's columns are its characters but for colours")
    func columns() throws {
        let (plain, coloured) = (try view().lines(width: 30, color: false), try view().lines(width: 30, color: true))
        #expect(plain != coloured)
        #expect(plain.map(WatchView.columns(of:)) == plain.map(\.count))
        #expect(coloured.map(WatchView.columns(of:)) == plain.map(\.count))
    }

    @Test("what is heard among others stands out: bold in colour, with a star without")
    func heard() {
        var view = WatchView()
        view.show(
            .tags(
                time: "T",
                window: [.init(tag: "piano", probability: 0.5, isHeard: true), .init(tag: "drums", probability: 0.5)],
                song: []))
        let plain = view.lines(width: 40, color: false)
        #expect(plain[2].hasPrefix("piano* █") && plain[3].hasPrefix("drums  █"))
        let coloured = view.lines(width: 40, color: true)
        #expect(
            coloured[2].hasPrefix("\u{1B}[1mpiano\u{1B}[0m \u{1B}[36m█") && coloured[3].hasPrefix("drums \u{1B}[36m█"))
        #expect(coloured[2...3].allSatisfy { WatchView.columns(of: $0) == 40 })
        #expect(view.lines(width: 5, color: true).allSatisfy { WatchView.columns(of: $0) <= 5 })
    }

    @Test("where nothing is heard the picture says so")
    func nothing() {
        var view = WatchView()
        #expect(view.lines(width: 40, color: false) == ["wavetag"])
        view.show(.tags(time: "T", window: [], song: []))
        #expect(view.lines(width: 40, color: false) == ["wavetag  T", "now", "-"])
    }

    @Test("a tag's name cannot steer the terminal")
    func control() throws {
        let line = #"{"type":"tags","window":{"a\u001b[2Jb":0.5},"song":{}}"#
        let event = try #require(WatchEvent(parsing: Array(line.utf8)))
        #expect(!WatchView.plainLine(event).contains("\u{1B}"))
    }

    @Test("what is no event is passed over", arguments: ["", "[]", "{", #"{"type":"new"}"#, #"{"type":1}"#])
    func unknown(_ line: String) { #expect(WatchEvent(parsing: Array(line.utf8)) == nil) }
}
