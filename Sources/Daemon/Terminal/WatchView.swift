/// What `watch` shows: events in, lines out. Knows no terminal, so that it can be tested.
struct WatchView {
    private var title = "wavetag"
    private var time = ""
    private var window: [TagProbability] = []
    private var song: [TagProbability] = []
    private var note = ""

    init() {}

    mutating func show(_ event: WatchEvent) {
        switch event {
        case .hello(let model, let source, _):
            self = WatchView()
            title = "wavetag  \(model)  \(source)"
        case .tags(let time, let window, let song):
            self.time = time
            self.window = window
            self.song = song
        default: note = Self.plainLine(event)
        }
    }

    mutating func show(note: String) { self.note = note }

    /// The picture, none of its lines wider than `width` characters, escape sequences not counted.
    func lines(width: Int, color: Bool) -> [String] {
        let names = (window + song).map { Self.name($0, color: color).count }.max() ?? 0
        let nameWidth = min(names, max(4, width / 3))
        func section(_ heading: String, _ tags: [TagProbability], _ code: String) -> [String] {
            guard !tags.isEmpty else { return [] }
            return [Self.cut(heading, to: width)]
                + tags.map { Self.bar($0, nameWidth: nameWidth, width: width, color: color ? code : nil) }
        }
        var lines = [Self.cut(time.isEmpty ? title : "\(title)  \(time)", to: width)]
        lines += section("now", window, "36")
        if window.isEmpty, !time.isEmpty { lines += ["now", "-"].map { Self.cut($0, to: width) } }
        lines += section("song", song, "35")
        if !note.isEmpty { lines.append(Self.cut(note, to: width)) }
        return lines
    }

    /// One event as one line, for a pipe.
    static func plainLine(_ event: WatchEvent) -> String {
        switch event {
        case .hello(let model, let source, _): "listening: model \(model), source \(source)"
        case .tags(let time, let window, let song): "\(time)  now: \(list(window))  song: \(list(song))"
        case .song(let start, let end, let song): "song ended (\(seconds(end - start)) s): \(list(song))"
        case .gap(let lost, let reason): "gap: \(lost) samples lost: \(reason)"
        case .dropped(let count): "dropped: \(count) events"
        case .error(let message): "error: \(message)"
        }
    }

    private static func list(_ tags: [TagProbability]) -> String {
        tags.isEmpty
            ? "-" : tags.map { "\(name($0, color: false)) \(twoDecimals($0.probability))" }.joined(separator: ", ")
    }

    /// What is heard is marked: by colour, or by a star.
    private static func name(_ tag: TagProbability, color: Bool) -> String {
        tag.isHeard && !color ? tag.tag + "*" : tag.tag
    }

    private static func seconds(_ samples: Int64) -> String {
        let tenths = samples * 10 / 22_050
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func twoDecimals(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths / 10 % 10)\(hundredths % 10)"
    }

    /// `piano ██████     0.62`
    private static func bar(_ tag: TagProbability, nameWidth: Int, width: Int, color: String?) -> String {
        let name = cut(name(tag, color: color != nil), to: nameWidth)
        let spaces = String(repeating: " ", count: nameWidth - name.count)
        let padded = (tag.isHeard && color != nil ? "\u{1B}[1m\(name)\u{1B}[0m" : name) + spaces
        let room = width - nameWidth - 6
        guard room > 0 else { return cut("\(name)\(spaces) \(twoDecimals(tag.probability))", to: width) }
        let filled = Int((tag.probability * Double(room)).rounded())
        let blocks = String(repeating: "█", count: filled)
        let bar = color.map { "\u{1B}[\($0)m\(blocks)\u{1B}[0m" } ?? blocks
        return "\(padded) \(bar)\(String(repeating: " ", count: room - filled)) \(twoDecimals(tag.probability))"
    }

    /// Columns of the terminal that a line of the picture takes: its characters but for colours.
    static func columns(of line: String) -> Int {
        var isEscape = false
        return line.reduce(0) { count, character in
            if character == "\u{1B}" { isEscape = true }
            defer { if character == "m" { isEscape = false } }
            return isEscape ? count : count + 1
        }
    }

    private static func cut(_ text: String, to width: Int) -> String {
        guard text.count > width else { return text }
        return width > 1 ? text.prefix(width - 1) + "…" : String(text.prefix(max(0, width)))
    }
}
