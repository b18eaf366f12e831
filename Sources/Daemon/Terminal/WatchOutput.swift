import Glibc

/// Where `watch` writes: a picture redrawn in place on a terminal, lines into anything else, events into a folder.
struct WatchOutput {
    /// What is shown of all that comes.
    enum Content { case events, status }

    private let content: Content
    private let folder: EventFolder?
    private var status: StatusView?
    private let format: WatchCommand.Format
    private var limits: WatchLimits
    private let isTerminal: Bool
    private let usesColor: Bool
    private var view = WatchView()
    /// Characters of each line of the picture that stands in the terminal.
    private var drawn: [Int] = []
    private var isCursorHidden = false

    init(
        format: WatchCommand.Format, limits: WatchLimits, environment: [String: String], content: Content = .events,
        folder: EventFolder? = nil
    ) {
        self.content = content
        self.folder = folder
        self.format = format
        self.limits = limits
        isTerminal = format == .text && isatty(STDOUT_FILENO) == 1
        // no-color.org: set and not empty.
        usesColor = (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// - Returns: false when nobody reads any more.
    mutating func show(_ line: [UInt8]) -> Bool {
        if let folder {
            folder.append(line)
            return true
        }
        if content == .status { return showStatus(line) }
        if format == .json { return Self.write(line + [UInt8(ascii: "\n")], to: STDOUT_FILENO) }
        guard let found = WatchEvent(parsing: line) else { return true }
        let event = limits.apply(to: found)
        guard isTerminal else { return Self.write(Array((WatchView.plainLine(event) + "\n").utf8), to: STDOUT_FILENO) }
        view.show(event)
        return redraw()
    }

    private mutating func showStatus(_ line: [UInt8]) -> Bool {
        guard let found = StatusView(parsing: line) else { return true }
        status = found
        if format == .json { return Self.write(line + [UInt8(ascii: "\n")], to: STDOUT_FILENO) }
        return isTerminal ? redraw() : Self.write(Array((found.plainLine + "\n").utf8), to: STDOUT_FILENO)
    }

    /// When `flush` is to be called, monotonic nanoseconds; nil: not before more is shown.
    var nextFlush: Int64? { folder?.nextFlush }

    func flush() { folder?.flush() }

    /// Says something of the connection, where it doesn't stand among the data.
    mutating func say(_ note: String) {
        if isTerminal {
            status = nil
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
        let columns = isKnown ? Int(size.ws_col) : 80
        let lines = (status?.lines(width: columns) ?? view.lines(width: columns, color: usesColor))
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

    /// Gives the cursor back, and ends what goes into a folder.
    ///
    /// - Returns: whether all was written that was to be.
    mutating func finish() -> Bool {
        if isCursorHidden { _ = Self.write(Array("\u{1B}[?25h".utf8), to: STDOUT_FILENO) }
        isCursorHidden = false
        return folder?.finish() ?? true
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
