import Glibc

/// Notices that no sound comes: the same sample for ever, as from a muted input or a source that has gone to sleep, or nothing
/// at all. Silence that a microphone hears is no such thing: it has noise.
struct StallDetector {
    /// Seconds without sound that are a stall; 0: none are.
    private let limit: Double
    private var seconds = 0.0
    /// Whether that long no sound has come.
    private(set) var isStalled = false
    /// The newest frame: at most 8 channels of 4 bytes.
    private var last = SIMD32<UInt8>()
    private var format: CaptureFormat?

    init(after limit: Double) { self.limit = limit }

    /// Frames were captured.
    ///
    /// - Returns: whether `isStalled` has changed.
    mutating func hear(_ frames: UnsafeRawPointer, count: Int, of format: CaptureFormat) -> Bool {
        guard limit > 0, count > 0 else { return false }
        let bytes = format.frameBytes
        let isFirst = format != self.format
        let isSame =
            (isFirst || withUnsafeBytes(of: &last) { memcmp($0.baseAddress!, frames, bytes) == 0 })
            && memcmp(frames, frames + bytes, (count - 1) * bytes) == 0
        self.format = format
        withUnsafeMutableBytes(of: &last) {
            _ = memcpy($0.baseAddress!, frames + (count - 1) * bytes, min($0.count, bytes))
        }
        guard isSame else {
            seconds = 0
            defer { isStalled = false }
            return isStalled
        }
        return wait(Double(count) / Double(format.rate))
    }

    /// A device was opened: that its first sample is another than the last one's is no sound.
    mutating func begin() { format = nil }

    /// So long nothing was captured.
    ///
    /// - Returns: whether `isStalled` has changed.
    mutating func wait(_ duration: Double) -> Bool {
        guard limit > 0 else { return false }
        seconds += duration
        guard !isStalled, seconds >= limit else { return false }
        isStalled = true
        return true
    }
}
