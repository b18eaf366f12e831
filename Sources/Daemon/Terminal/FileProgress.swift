import Glibc

/// How far a file has come: a line that lives, on a terminal only.
struct FileProgress {
    private let path: String
    private let frames: Int
    private let sampleRate: Int
    private let isShown = Output.isTerminal(STDERR_FILENO)
    private let started = monotonicTime()
    private var done = 0
    private var lastShown: Int64 = 0

    init(path: String, frames: Int, sampleRate: Int) {
        self.path = path
        self.frames = frames
        self.sampleRate = sampleRate
    }

    mutating func add(_ count: Int) {
        done += count
        let now = monotonicTime()
        guard isShown, now - lastShown > 100_000_000 else { return }
        lastShown = now
        let speed = Double(done) / Double(sampleRate) / max(1e-9, Double(now - started) / 1e9)
        let share = frames > 0 && frames >= done ? "\(done * 100 / frames) %" : "\(done / sampleRate) s"
        Output.write("\r\u{1B}[K\(path)  \(share)  \(Int(speed))× real time", to: STDERR_FILENO)
    }

    /// Takes the line away.
    func clear() {
        if isShown, lastShown != 0 { Output.write("\r\u{1B}[K", to: STDERR_FILENO) }
    }
}
