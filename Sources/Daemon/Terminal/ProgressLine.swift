import Glibc

/// How far something has come: a line that lives on a terminal, and elsewhere, where one looks it up later, a line a minute.
struct ProgressLine {
    private let output: Int32
    private let isTerminal: Bool
    /// Nanoseconds between two.
    private let interval: Int64
    private var next: Int64
    private var isThere = false

    /// - Parameters:
    ///   - interval: seconds between two on a terminal.
    ///   - plainInterval: seconds between two lines where there is no terminal; nil: none there.
    init(output: Int32 = STDERR_FILENO, interval: Double = 0.1, plainInterval: Double? = 60) {
        self.output = output
        isTerminal = Output.isTerminal(output)
        self.interval = Int64((isTerminal ? interval : plainInterval ?? 0) * 1e9)
        // Work that takes less than that needs no line in a file.
        next = isTerminal ? 0 : plainInterval == nil ? .max : monotonicTime() + self.interval
    }

    /// - Parameters:
    ///   - isLast: it has come to its end, which a terminal shows at once.
    ///   - text: is only asked for when it is time.
    mutating func show(isLast: Bool = false, _ text: (_ now: Int64) -> String) {
        let now = monotonicTime()
        guard now >= next || (isLast && isTerminal) else { return }
        next = now + interval
        Output.write(isTerminal ? "\r\u{1B}[K" + text(now) : text(now) + "\n", to: output)
        isThere = isTerminal
    }

    /// Takes the line away from a terminal.
    mutating func clear() {
        if isThere { Output.write("\r\u{1B}[K", to: output) }
        isThere = false
    }
}
