/// How far a file has come: on a terminal only, since what is heard goes on beside it.
struct FileProgress {
    private let path: String
    private let frames: Int
    private let sampleRate: Int
    private let started = monotonicTime()
    private var done = 0
    private var line = ProgressLine(plainInterval: nil)

    init(path: String, frames: Int, sampleRate: Int) {
        self.path = path
        self.frames = frames
        self.sampleRate = sampleRate
    }

    mutating func add(_ count: Int) {
        done += count
        line.show { [path, frames, sampleRate, started, done] now in
            let speed = Double(done) / Double(sampleRate) / max(1e-9, Double(now - started) / 1e9)
            let share = frames > 0 && frames >= done ? "\(done * 100 / frames) %" : "\(done / sampleRate) s"
            return "\(path)  \(share)  \(Int(speed))× real time"
        }
    }

    /// Takes the line away.
    mutating func clear() { line.clear() }
}
