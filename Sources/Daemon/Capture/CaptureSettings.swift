/// What the capture thread is told.
struct CaptureSettings: Sendable, Equatable {
    /// Who sets the pace.
    enum Pace: String, Sendable, CaseIterable {
        /// The device's own clock.
        case device
        /// The computer's clock, for devices without one (ALSA's `file` plugin).
        case realtime
        /// The reader: nothing is lost, however fast the device is. For files behind an ALSA device, and for tests.
        case wait
    }

    /// An ALSA PCM: `default`, `hw:1`, `plughw:CARD=Device`, a name out of asound.conf; or a path as `DeviceName` has it.
    var device = "default"
    /// Wanted, Hz; the device's nearest is taken. 8 000 to 192 000.
    var rate = 44_100
    /// Wanted; the device's nearest is taken. 1 to 8.
    var channels = 2
    /// Milliseconds that the device gathers before it hands them over.
    var period = 2.5
    var pace = Pace.device
    /// Whether a device that isn't there at start is waited for.
    var waitForDevice = false
    /// SCHED_FIFO priority; 0: none.
    var realtimePriority = 50
    /// Seconds of sound after which the input ends; 0: never.
    var duration = 0.0
    /// Seconds without sound after which that is said; 0: never.
    var stalledAfter = 60.0

    /// Seconds between two attempts to open a lost device: from, to.
    static let backOff = 0.25...1.0
    /// A running device that delivers nothing for so long is taken for lost, milliseconds.
    static let patience: Int32 = 2000
}
