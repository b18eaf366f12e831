/// How much faster than the computer's clock a device counts.
///
/// When a frame was captured is only known to some milliseconds, so nothing is said before the two clocks are further apart
/// than that can explain: 50 ppm take seven minutes.
struct ClockDrift {
    /// The first frame that was heard.
    private var first: (frames: Int, time: Int64)?

    /// Seconds that a device's buffer and a late thread can feign.
    private static let uncertainty = 0.02
    /// No clock is so far off: a device without one, which is read ahead of time at first.
    private static let largest = 0.1

    /// A device begins, or begins again.
    mutating func begin() { first = nil }

    /// - Parameters:
    ///   - frames: delivered so far.
    ///   - time: when the last of them was captured, by `bootTime`.
    /// - Returns: parts per million, more than none where the device is the faster one; 0 while nothing can be said.
    mutating func hear(_ frames: Int, until time: Int64, rate: Int) -> Double {
        guard let first else {
            self.first = (frames, time)
            return 0
        }
        let passed = Double(time - first.time) / 1e9
        let ahead = Double(frames - first.frames) / Double(rate) - passed
        guard passed > 0, abs(ahead) > Self.uncertainty, abs(ahead) < Self.largest * passed else { return 0 }
        return ahead / passed * 1e6
    }
}
