import Core

/// Why samples were lost, as `gap` events name it.
enum GapReason: UInt8, Sendable, CaseIterable {
    case overrun
    case deviceLost
    case suspended
    case overload

    var name: StaticString {
        switch self {
        case .overrun: "overrun"
        case .deviceLost: "device-lost"
        case .suspended: "suspended"
        case .overload: "overload"
        }
    }
}

/// How a device's frames stand in memory.
struct CaptureFormat: Sendable, Equatable {
    var sample: SampleFormat
    /// Hz.
    var rate: Int
    var channels: Int

    var frameBytes: Int { sample.bytes * channels }
}

/// What the capture thread hands to the engine's thread.
struct CaptureBlock: Sendable {
    enum Kind: Sendable, Equatable {
        /// Frames follow on those of the block before.
        case sound
        /// So many seconds of sound are missing here.
        case gap(seconds: Double, GapReason)
        /// No sound has come for as long as the settings say, or it comes again.
        case stalled(Bool)
        /// There will be no more.
        case end
    }

    var kind: Kind
    var format: CaptureFormat
    /// 0 unless this is sound.
    var frames: Int
    /// When the block's last frame was captured, by `bootTime`.
    var time: Int64
    /// What was to be added to that for nanoseconds since 1970; another value where the computer's clock was set.
    var sinceEpoch: Int64 = 0
}
