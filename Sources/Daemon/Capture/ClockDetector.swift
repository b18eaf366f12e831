/// Tells a device without a clock, which delivers as fast as it is read, from one whose clock is fast.
///
/// A year of a good clock is far ahead of the computer's: at 500 ppm by more than four hours. So what counts is not how far a
/// device is ahead since it was opened, but since a moment ago. One that was behind, because nobody read it, may catch up.
struct ClockDetector {
    /// When the device was opened, by `bootTime`: what was recorded while this machine slept may come at once, too.
    private let opened: Int64
    /// The most that the device was ahead so far, in seconds, as of the last look.
    private var most = 0.0
    private var looked: Int64

    /// Seconds that a device may come ahead between two looks. A buffer that can't be asked, as a sound server's,
    /// explains one.
    private static let mostAhead = 3.0
    /// Nanoseconds between two looks. A clock is fast by a third at least before it counts as none.
    private static let interval: Int64 = 10_000_000_000

    init(at time: Int64) {
        opened = time
        looked = time
    }

    /// - Parameters:
    ///   - frames: captured since the device was opened, read or not, the last of them at `time`, by `bootTime`.
    /// - Returns: whether no clock can have done that.
    mutating func isMissing(_ frames: Int, at time: Int64, rate: Int) -> Bool {
        let ahead = Double(frames) / Double(rate) - Double(time - opened) / 1e9
        if ahead - most > Self.mostAhead { return true }
        if time - looked >= Self.interval {
            most = max(most, ahead)
            looked = time
        }
        return false
    }
}
