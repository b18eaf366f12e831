import CALSA
import CLinux
import Core
import Glibc
import Synchronization

/// Captures from a device for ever, on a thread of its own: what the device delivers goes into the ring, what it loses is measured and said.
// Safe to share: what changes is atomic, or belongs to the thread alone.
final class Capture: @unchecked Sendable {
    let ring: CaptureRing
    let counters = CaptureCounters()
    private let settings: CaptureSettings
    private let observer: @Sendable (CaptureEvent) -> Void
    private let stopDescriptor: Int32
    private let stopped = Atomic<Bool>(false)
    private var thread: DedicatedThread?

    /// The device as `start` opened it, until the thread takes it.
    private var first: CaptureDevice?

    // The thread's own.
    private var format = CaptureFormat(sample: .s16, rate: 0, channels: 0)
    /// When the last good frame was captured, by `bootTime`; 0 before the first.
    private var lastFrame: Int64 = 0
    /// How long the machine had slept then.
    private var slept: Int64 = 0
    /// A gap that is to be said before the next sound.
    private var pendingGap: GapReason?
    /// Seconds of sound dropped since the ring was full.
    private var droppedSeconds = 0.0
    private var seconds = 0.0
    private var pace: CaptureSettings.Pace
    private var stall: StallDetector
    private var drift = ClockDrift()
    /// Until when `stall` knows what came, monotonic nanoseconds.
    private var heardUntil = monotonicTime()

    /// - Parameters:
    ///   - ring: seconds of sound that the ring holds are its maker's choice.
    ///   - observer: is called on the capture thread when the device changes.
    init(_ settings: CaptureSettings, ring: CaptureRing, observer: @escaping @Sendable (CaptureEvent) -> Void) {
        self.settings = settings
        pace = settings.pace
        stall = StallDetector(after: settings.stalledAfter)
        self.ring = ring
        self.observer = observer
        stopDescriptor = wavetag_event_counter()
    }

    deinit {
        close(stopDescriptor)
        scratchMemory.deallocate()
    }

    /// Starts the thread.
    ///
    /// - Throws: `CaptureError` when the device isn't there and isn't to be waited for.
    func start() throws(CaptureError) {
        // Opened once here, so that a wrong name is an error of the command and not a log line.
        if !settings.waitForDevice { first = try CaptureDevice(settings) }
        thread = DedicatedThread(name: "capture") { [self] in run() }
    }

    /// Asks the thread to stop; the ring then ends. May be called from anywhere, more than once.
    func requestStop() {
        stopped.store(true, ordering: .releasing)
        var one: UInt64 = 1
        _ = write(stopDescriptor, &one, 8)
    }

    /// Whether it has been asked to stop.
    var isStopping: Bool { stopped.load(ordering: .acquiring) }

    /// Stops the thread and waits for its end.
    func stop() {
        requestStop()
        waitForEnd()
    }

    /// Waits until the thread has ended, of itself or because it was asked to.
    func waitForEnd() {
        thread?.join()
        thread = nil
    }

    // MARK: The thread

    private func run() {
        if let reason = requestRealtimePriority(settings.realtimePriority) {
            observer(.noRealtimePriority(reason: reason))
        }
        var delay = CaptureSettings.backOff.lowerBound
        var isWaiting = false
        while !stopped.load(ordering: .acquiring) {
            do throws(CaptureError) {
                let device = if let first = first.take() { first } else { try CaptureDevice(settings) }
                format = device.format
                // Another device may have a clock where the last had none.
                pace = settings.pace
                stall.begin()
                drift.begin()
                isWaiting = false
                observer(.opened(device: device.name, device.format))
                counters.isRunning.store(true, ordering: .relaxed)
                let framesBefore = counters.frames.load(ordering: .relaxed)
                let reason = capture(from: device)
                // A device that opens and fails at once is not tried without pause.
                if counters.frames.load(ordering: .relaxed) > framesBefore {
                    delay = CaptureSettings.backOff.lowerBound
                }
                counters.isRunning.store(false, ordering: .relaxed)
                counters.drift.store(0, ordering: .relaxed)
                guard let reason else { break }
                counters.losses.add(1, ordering: .relaxed)
                pendingGap = .deviceLost
                observer(.lost(reason: "\(settings.device): \(reason)"))
            } catch {
                counters.openFailures.add(1, ordering: .relaxed)
                if !isWaiting { observer(.waiting(reason: error.description)) }
                isWaiting = true
            }
            sleep(seconds: delay)
            let now = monotonicTime()
            tell(stall.wait(Double(now - heardUntil) / 1e9))
            heardUntil = now
            delay = min(delay * 2, CaptureSettings.backOff.upperBound)
        }
        sayDropped()
        commitMark(.end)
        counters.hasEnded.store(true, ordering: .relaxed)
        observer(.ended)
    }

    /// Reads until the device is lost or the input is to end.
    ///
    /// - Returns: why the device was lost; nil at the end.
    private func capture(from device: borrowing CaptureDevice) -> String? {
        let started = monotonicTime()
        var clock = ClockDetector(at: bootTime())
        var frames = 0
        var emptyTurns = 0
        // For how long it has delivered nothing. Turns add up to it, not time: while this thread doesn't run (a machine that is
        // stopped, or at its limit) no device is at fault.
        var (turn, silence) = (started, Int64(0))
        while !stopped.load(ordering: .acquiring) {
            // A device in error may be readable, or run over, for ever and deliver nothing: at real-time priority that is a
            // core gone.
            if emptyTurns > 20 { sleep(seconds: 0.005) }
            emptyTurns += 1
            let now = monotonicTime()
            silence += min(now - turn, Self.longestTurn)
            turn = now
            // A period that is long beside the ring would find room in it never, or too seldom.
            let piece = min(device.period, max(1, ring.capacity / 8 / format.frameBytes))
            let bytes = piece * format.frameBytes
            let target = room(for: bytes)
            switch device.read(into: target ?? scratch(bytes), frames: piece) {
            case .frames(let count):
                heardUntil = monotonicTime()
                (emptyTurns, silence) = (0, 0)
                frames += count
                let hasChanged = stall.hear(target ?? scratch(bytes), count: count, of: format)
                let unread = atOneMoment { pace == .device ? device.unread : 0 }
                deliver(
                    count, reserved: bytes, inRing: target != nil,
                    at: unread.time - Int64(Double(unread.value) / Double(format.rate) * 1e9))
                tell(hasChanged)
                seconds += Double(count) / Double(format.rate)
                if settings.duration > 0, seconds >= settings.duration { return nil }
                if pace == .device, clock.isMissing(frames + unread.value, at: unread.time, rate: format.rate) {
                    pace = .realtime
                    observer(.unclocked)
                }
                if pace == .realtime {
                    sleep(until: started + Int64(Double(frames) / Double(format.rate) * 1e9))
                }
            case .wait:
                guard device.wait(stop: stopDescriptor, timeout: Int32(Self.longestTurn / 1_000_000)) else {
                    return nil
                }
                if silence + min(monotonicTime() - turn, Self.longestTurn) >= Self.patience {
                    return "nothing was delivered for \(CaptureSettings.patience / 1000) s"
                }
            case .overrun:
                counters.overruns.add(1, ordering: .relaxed)
                pendingGap = .overrun
                // One that runs over as often as it is started delivers nothing either.
                if emptyTurns > 20, silence >= Self.patience {
                    return "overruns and nothing else for \(CaptureSettings.patience / 1000) s"
                }
                guard device.restart() else { return "can't be started again after an overrun" }
            case .suspended:
                counters.suspensions.add(1, ordering: .relaxed)
                pendingGap = .suspended
                // Not at once, where the card is still asleep: for a while it may say so.
                var result = device.resume()
                for _ in 0..<CaptureSettings.patience / 100 where result == -EAGAIN && !isStopping {
                    sleep(seconds: 0.1)
                    result = device.resume()
                }
                guard result == 0 else { return "can't be resumed" }
                silence = 0
            case .lost(let error):
                return String(cString: snd_strerror(error))
            }
        }
        return nil
    }

    /// Hands over frames that were read, and before them what was lost.
    private func deliver(_ count: Int, reserved: Int, inRing: Bool, at now: Int64) {
        let frames = counters.frames.add(count, ordering: .relaxed).newValue
        let duration = Int64(Double(count) / Double(format.rate) * 1e9)
        // Not every device says so: behind PulseAudio sound goes on after a sleep as if there had been none.
        let sleep = machineSleep()
        if lastFrame > 0, pendingGap == nil, sleep - slept > Self.leastSleep {
            counters.suspensions.add(1, ordering: .relaxed)
            pendingGap = .suspended
        }
        slept = sleep
        // Sound that was lost is no drift.
        if pendingGap != nil || pace != .device { drift.begin() }
        let partsPerMillion = drift.hear(frames, until: now, rate: format.rate)
        counters.drift.store(Int(partsPerMillion * 1000), ordering: .relaxed)
        guard inRing else {
            droppedSeconds += Double(count) / Double(format.rate)
            counters.dropped.add(count, ordering: .relaxed)
            // What a lost device lost is still to be measured, from the last frame that came through.
            if pendingGap == nil { lastFrame = now }
            return
        }
        // Frames in the ring's reserved place stay there: a gap's mark takes no bytes.
        if pendingGap == nil { sayDropped() } else { droppedSeconds = 0 }
        if let reason = pendingGap {
            if lastFrame > 0 {
                let missing = Double(max(0, now - lastFrame - duration)) / 1e9
                commitMark(.gap(seconds: missing, reason))
            }
            pendingGap = nil
        }
        lastFrame = now
        ring.commit(
            CaptureBlock(
                kind: .sound, format: format, frames: count, time: now, sinceEpoch: realTimeOffset()),
            reserved: reserved)
    }

    /// Says that from here on no sound comes, or that it comes again.
    private func tell(_ hasChanged: Bool) {
        guard hasChanged else { return }
        if stall.isStalled { counters.stalls.add(1, ordering: .relaxed) }
        counters.isStalled.store(stall.isStalled, ordering: .relaxed)
        commitMark(.stalled(stall.isStalled))
    }

    /// Says what found no room.
    private func sayDropped() {
        guard droppedSeconds > 0 else { return }
        commitMark(.gap(seconds: droppedSeconds, .overload))
        droppedSeconds = 0
    }

    /// How long a device may deliver nothing, nanoseconds.
    private static let patience = Int64(CaptureSettings.patience) * 1_000_000
    /// What counts of a turn at most, and how long one waits for the device, nanoseconds.
    private static let longestTurn: Int64 = 250_000_000
    /// What is shorter is no sleep, nanoseconds.
    private static let leastSleep: Int64 = 100_000_000

    /// Room in the ring; where the reader sets the pace, waits for it.
    private func room(for bytes: Int) -> UnsafeMutableRawPointer? {
        while true {
            counters.turns.add(1, ordering: .relaxed)
            ring.clearRoomSignal()
            if let target = ring.reserve(bytes) { return target }
            guard pace == .wait, !stopped.load(ordering: .acquiring) else { return nil }
            var descriptors = (
                pollfd(fd: stopDescriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: ring.roomDescriptor, events: Int16(POLLIN), revents: 0)
            )
            withUnsafeMutableBytes(of: &descriptors) {
                _ = poll($0.bindMemory(to: pollfd.self).baseAddress, 2, 1000)
            }
        }
    }

    /// Where frames go that nobody has room for.
    private func scratch(_ bytes: Int) -> UnsafeMutableRawPointer {
        if scratchMemory.count < bytes {
            scratchMemory.deallocate()
            scratchMemory = .allocate(byteCount: bytes, alignment: 16)
        }
        return scratchMemory.baseAddress!
    }
    private var scratchMemory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

    private func commitMark(_ kind: CaptureBlock.Kind) {
        // At the end there is a limit to it: an engine that hangs would hold this thread, too.
        var patience = 500
        while !ring.hasRoomForMark {
            if stopped.load(ordering: .acquiring) {
                guard patience > 0 else { return }
                patience -= 1
            }
            counters.turns.add(1, ordering: .relaxed)
            poll(nil, 0, 10)
        }
        ring.commit(
            CaptureBlock(kind: kind, format: format, frames: 0, time: bootTime(), sinceEpoch: realTimeOffset()))
    }

    private func sleep(until deadline: Int64) {
        let rest = deadline - monotonicTime()
        if rest > 0 { sleep(seconds: Double(rest) / 1e9) }
    }

    /// Sleeps, but not beyond `stop`.
    private func sleep(seconds: Double) {
        counters.turns.add(1, ordering: .relaxed)
        var descriptor = pollfd(fd: stopDescriptor, events: Int16(POLLIN), revents: 0)
        poll(&descriptor, 1, Int32((seconds * 1000).rounded(.up)))
    }
}
