import Glibc

/// Where `watch` writes: a picture redrawn in place on a terminal, lines into anything else.
struct WatchOutput {
    private let format: WatchCommand.Format
    private var limits: WatchLimits
    private let isTerminal: Bool
    private let usesColor: Bool
    private var view = WatchView()
    /// Characters of each line of the picture that stands in the terminal.
    private var drawn: [Int] = []
    private var isCursorHidden = false

    init(format: WatchCommand.Format, limits: WatchLimits, environment: [String: String]) {
        self.format = format
        self.limits = limits
        isTerminal = format == .text && isatty(STDOUT_FILENO) == 1
        // no-color.org: set and not empty.
        usesColor = (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// - Returns: false when nobody reads any more.
    mutating func show(_ line: [UInt8]) -> Bool {
        if format == .json { return Self.write(line + [UInt8(ascii: "\n")], to: STDOUT_FILENO) }
        guard let found = WatchEvent(parsing: line) else { return true }
        let event = limits.apply(to: found)
        guard isTerminal else { return Self.write(Array((WatchView.plainLine(event) + "\n").utf8), to: STDOUT_FILENO) }
        view.show(event)
        return redraw()
    }

    /// Says something of the connection, where it doesn't stand among the data.
    mutating func say(_ note: String) {
        if isTerminal {
            view.show(note: note)
            redraw()
        } else {
            _ = Self.write(Array("wavetag: watch: \(note)\n".utf8), to: STDERR_FILENO)
        }
    }

    @discardableResult
    mutating func redraw() -> Bool {
        guard isTerminal else { return true }
        var size = winsize()
        let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        let lines = view.lines(width: isKnown ? Int(size.ws_col) : 80, color: usesColor)
            .prefix(isKnown && size.ws_row > 1 ? Int(size.ws_row) - 1 : 24)
        var text = isCursorHidden ? "" : "\u{1B}[?25l"
        isCursorHidden = true
        // A terminal that has become narrower has wrapped the old picture's lines.
        let width = isKnown ? Int(size.ws_col) : 80
        let rows = drawn.reduce(0) { $0 + max(1, ($1 + width - 1) / width) }
        if rows > 0 { text += "\u{1B}[\(rows)A" }
        // Erased first: the old picture may have been longer.
        text += "\r\u{1B}[J" + lines.map { $0 + "\r\n" }.joined()
        drawn = lines.map(WatchView.columns(of:))
        return Self.write(Array(text.utf8), to: STDOUT_FILENO)
    }

    /// Gives the cursor back.
    mutating func finish() {
        guard isCursorHidden else { return }
        isCursorHidden = false
        _ = Self.write(Array("\u{1B}[?25h".utf8), to: STDOUT_FILENO)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0 {
                    guard errno == EINTR else { return false }
                    continue
                }
                rest = rest.dropFirst(count)
            }
            return true
        }
    }
}
