import Core

/// Turns an endless signal into one answer for every window of a net.
///
/// Window j ends at sample W + jH of the signal (W the net's window, H the hop). Samples are pushed up to
/// `samplesWanted` at a time, then `step` computes every window that has ended. Answers never depend on how the
/// signal was cut into pushes. Nothing is allocated after construction.
public protocol WindowEngine: AnyObject {
    var shape: NetShape { get }
    /// Samples from one window's end to the next one's.
    var hop: Int { get }
    /// Samples that may be pushed before the next `step`; at least 1 after a step.
    var samplesWanted: Int { get }
    /// Samples that may be pushed until the next window ends; at least 1 after a step.
    var samplesToNextWindow: Int { get }
    /// Adds at most `samplesWanted` samples.
    func push(_ samples: UnsafeBufferPointer<Float>)
    /// Computes all windows that have ended since the last step.
    ///
    /// - Returns: how many there are; each is `result(0)`, `result(1)`, … until the next push.
    func step() -> Int
    func result(_ index: Int) -> WindowResult
    /// Forgets the signal: the next sample is sample 0.
    func reset()
}

/// One window's answer; the pointers are valid until the engine's next push.
public struct WindowResult {
    /// Samples of the signal up to and with the window's last.
    public let end: Int
    /// [tags].
    public let probabilities: UnsafeBufferPointer<Float>
    /// The last three layers' activations, each the maximum over time, one behind the other: [shape.featureCount].
    public let features: UnsafeBufferPointer<Float>
}
