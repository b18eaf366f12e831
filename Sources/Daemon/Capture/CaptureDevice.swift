import CALSA
import Core
import Glibc

/// An open ALSA capture device.
struct CaptureDevice: ~Copyable {
    let format: CaptureFormat
    /// As the settings have it, and where that is a path, what it led to.
    let name: String
    /// Frames of a period.
    let period: Int
    /// Frames that the device holds.
    private let buffer: Int
    private let pcm: OpaquePointer
    /// The device's own descriptors, and room for one more in front.
    private let descriptors: UnsafeMutableBufferPointer<pollfd>

    /// What a read came to.
    enum ReadResult: Equatable {
        case frames(Int)
        /// Nothing yet.
        case wait
        /// -EPIPE: the device ran over.
        case overrun
        /// -ESTRPIPE: the machine slept.
        case suspended
        /// The device is gone; ALSA's error.
        case lost(Int32)
    }

    /// 16 bits come first: they hold 96 dB, more than a tagger uses, and a PCM without a format of its own
    /// (the `file` plugin) mostly has such samples.
    static let formats: [(SampleFormat, snd_pcm_format_t)] = [
        (.s16, SND_PCM_FORMAT_S16_LE), (.s32, SND_PCM_FORMAT_S32_LE), (.s24, SND_PCM_FORMAT_S24_LE),
        (.s24packed, SND_PCM_FORMAT_S24_3LE), (.float32, SND_PCM_FORMAT_FLOAT_LE),
    ]

    /// Opens and starts a device.
    ///
    /// - Throws: `CaptureError`, `device: why`.
    init(_ settings: CaptureSettings) throws(CaptureError) {
        wavetag_alsa_silence_errors()
        let name = try DeviceName.pcm(of: settings.device)
        var handle: OpaquePointer?
        // Non-blocking: a device that never delivers must not hold the thread.
        let opened = snd_pcm_open(&handle, name, SND_PCM_STREAM_CAPTURE, Int32(SND_PCM_NONBLOCK))
        guard opened >= 0, let pcm = handle else { throw CaptureError(settings.device, opened) }
        let negotiated: (format: CaptureFormat, period: Int, buffer: Int)
        do throws(CaptureError) {
            negotiated = try Self.negotiate(pcm, settings)
            let started = snd_pcm_start(pcm)
            guard started >= 0 else { throw CaptureError(settings.device, started) }
        } catch {
            snd_pcm_close(pcm)
            throw error
        }
        (format, period, buffer) = negotiated
        self.name = name == settings.device ? name : "\(settings.device) (\(name))"
        self.pcm = pcm
        let count = max(0, snd_pcm_poll_descriptors_count(pcm))
        descriptors = .allocate(capacity: Int(count) + 1)
        descriptors.initialize(repeating: pollfd())
        if count > 0 { snd_pcm_poll_descriptors(pcm, descriptors.baseAddress! + 1, UInt32(count)) }
    }

    deinit {
        descriptors.deallocate()
        snd_pcm_close(pcm)
    }

    private static func negotiate(
        _ pcm: OpaquePointer, _ settings: CaptureSettings
    ) throws(CaptureError) -> (format: CaptureFormat, period: Int, buffer: Int) {
        func check(_ result: Int32, _ what: String) throws(CaptureError) {
            if result < 0 { throw CaptureError(settings.device, result, what) }
        }
        var parameters: OpaquePointer?
        try check(snd_pcm_hw_params_malloc(&parameters), "memory")
        defer { snd_pcm_hw_params_free(parameters) }
        try check(snd_pcm_hw_params_any(pcm, parameters), "parameters")
        try check(
            snd_pcm_hw_params_set_access(pcm, parameters, SND_PCM_ACCESS_RW_INTERLEAVED), "interleaved access")
        guard
            let (sample, format) = formats.first(where: {
                snd_pcm_hw_params_test_format(pcm, parameters, $0.1) == 0
            })
        else { throw CaptureError(settings.device, -EINVAL, "16, 24, 32 bits or float") }
        try check(snd_pcm_hw_params_set_format(pcm, parameters, format), "format")
        var channels = UInt32(settings.channels)
        try check(snd_pcm_hw_params_set_channels_near(pcm, parameters, &channels), "\(settings.channels) channels")
        var rate = UInt32(settings.rate)
        try check(snd_pcm_hw_params_set_rate_near(pcm, parameters, &rate, nil), "\(settings.rate) Hz")
        guard (1...8).contains(channels), (8_000...192_000).contains(rate) else {
            throw CaptureError(settings.device, -EINVAL, "1 to 8 channels at 8 to 192 kHz")
        }
        // A second of buffer outlives what a busy machine keeps from us; small periods keep the delay small.
        var buffer: UInt32 = 1_000_000
        _ = snd_pcm_hw_params_set_buffer_time_near(pcm, parameters, &buffer, nil)
        var period = UInt32(settings.period * 1000)
        _ = snd_pcm_hw_params_set_period_time_near(pcm, parameters, &period, nil)
        try check(snd_pcm_hw_params(pcm, parameters), "parameters")
        var frames: snd_pcm_uframes_t = 0
        if snd_pcm_hw_params_get_period_size(parameters, &frames, nil) < 0 || frames == 0 {
            frames = snd_pcm_uframes_t(Double(rate) * settings.period / 1000)
        }
        // A device may insist on long periods; it is read in short pieces all the same.
        let piece = max(1, min(Int(frames), Int(Double(rate) * settings.period / 1000)))
        if snd_pcm_hw_params_get_buffer_size(parameters, &frames) < 0 { frames = snd_pcm_uframes_t(rate) }
        return (CaptureFormat(sample: sample, rate: Int(rate), channels: Int(channels)), piece, Int(clamping: frames))
    }

    /// Waits until there is something to read, `stop` becomes readable or time is up.
    ///
    /// - Returns: false when `stop` is readable.
    func wait(stop: Int32, timeout: Int32) -> Bool {
        descriptors[0] = pollfd(fd: stop, events: Int16(POLLIN), revents: 0)
        poll(descriptors.baseAddress, nfds_t(descriptors.count), timeout)
        var events: UInt16 = 0
        // ALSA's plugins mangle descriptors; this undoes it, and lets them drain theirs.
        if descriptors.count > 1 {
            snd_pcm_poll_descriptors_revents(
                pcm, descriptors.baseAddress! + 1, UInt32(descriptors.count - 1), &events)
        }
        return descriptors[0].revents == 0
    }

    /// Reads at most `frames` frames.
    func read(into target: UnsafeMutableRawPointer, frames: Int) -> ReadResult {
        // ALSA's `file` plugin leaves memory as it is behind its file's end and says that it has read: that is to be silence.
        memset(target, 0, frames * format.frameBytes)
        let count = snd_pcm_readi(pcm, target, snd_pcm_uframes_t(frames))
        switch Int32(truncatingIfNeeded: count) {
        case -EAGAIN, 0, -EINTR: return .wait
        case -EPIPE: return .overrun
        case -ESTRPIPE: return .suspended
        case let error where error < 0: return .lost(error)
        default: return .frames(Int(count))
        }
    }

    /// Frames that the device has captured and that are not yet read.
    var unread: Int { min(max(0, Int(snd_pcm_avail_update(pcm))), buffer) }

    /// Starts again after an overrun.
    ///
    /// - Returns: false when the device must be opened anew.
    func restart() -> Bool { snd_pcm_prepare(pcm) >= 0 && snd_pcm_start(pcm) >= 0 }

    /// Starts again after the machine slept: as it was where the device can, prepared anew where not. -EAGAIN: not yet.
    func resume() -> Int32 {
        let result = snd_pcm_resume(pcm)
        if result == -EAGAIN { return result }
        // Of ALSA's plugins one that can't resume says yes and stays suspended.
        if result == 0, snd_pcm_state(pcm) == SND_PCM_STATE_RUNNING { return 0 }
        return restart() ? 0 : result < 0 ? result : -ESTRPIPE
    }
}

/// A device that can't be had: one line, `device: why`.
struct CaptureError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ device: String, _ error: Int32, _ what: String? = nil) {
        let reason = String(cString: snd_strerror(error))
        description = what.map { "\(device): \($0): \(reason)" } ?? "\(device): \(reason)"
    }
}
