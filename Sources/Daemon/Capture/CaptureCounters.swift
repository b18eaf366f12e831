import Synchronization

/// What the capture thread counts; any thread may read.
final class CaptureCounters: Sendable {
    let frames = Atomic<Int>(0)
    let overruns = Atomic<Int>(0)
    let suspensions = Atomic<Int>(0)
    /// Times that the device was lost.
    let losses = Atomic<Int>(0)
    /// Times that it couldn't be opened: busy, or away.
    let openFailures = Atomic<Int>(0)
    /// What `ClockDrift` says, thousandths of a part per million.
    let drift = Atomic<Int>(0)
    /// Frames that found no room in the ring.
    let dropped = Atomic<Int>(0)
    /// Times that no sound came for as long as the settings say, and whether that is so now.
    let stalls = Atomic<Int>(0)
    let isStalled = Atomic<Bool>(false)
    /// Whether a device is open and running.
    let isRunning = Atomic<Bool>(false)
    /// Goes up at least every other second; where it stays, the thread is inside a call to the device that doesn't return.
    let turns = Atomic<Int>(0)
    /// Whether the thread has said its last word.
    let hasEnded = Atomic<Bool>(false)
}

/// What the capture thread tells when its device changes; never while sound flows.
enum CaptureEvent: Sendable, Equatable {
    case opened(device: String, CaptureFormat)
    case waiting(reason: String)
    case lost(reason: String)
    case noRealtimePriority(reason: String)
    /// The device delivers faster than time passes: from here on it is read in real time.
    case unclocked
    case ended
}
