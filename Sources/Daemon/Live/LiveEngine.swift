import Core
import Glibc
import Streaming
import Synchronization

/// The engine's thread: sound out of the capture ring, tags into the report ring. In steady state it neither allocates, locks nor logs, and it waits for nothing but sound.
// Safe to share: what changes is atomic, or belongs to the thread alone.
final class LiveEngine: @unchecked Sendable {
    let counters = LiveCounters()
    private let capture: CaptureRing
    private let reports: ReportRing
    private let tagger: Tagger
    private let choice: ChannelChoice
    /// Whether the source waits for us; then being behind is no overload.
    private let sourceWaits: Bool
    private var thread: DedicatedThread?

    private var converter: MonoConverter?
    private var format: CaptureFormat?
    /// Where the stream will stand when all that was captured has come through the resampler.
    private var capturedPosition = 0.0
    /// When the last captured sample was captured, by `bootTime`.
    private var capturedTime: Int64 = 0
    private var clock = SongClock()
    /// When the backlog was last judged, monotonic nanoseconds, and how long it was then, seconds; nil while it is short.
    private var judged: (time: Int64, backlog: Double)?
    private var isEnding = false
    /// Whether the program is to end.
    private let isStopping = Atomic<Bool>(false)
    /// Seconds of sound passed over since.
    private var skipped = 0.0

    /// Seconds of sound that may wait before hops are raised, and that are still heard when the program is to end.
    private static let patience = 0.5
    /// Nanoseconds between two looks at a backlog.
    private static let judging: Int64 = 1_000_000_000

    init(
        tagger: Tagger, choice: ChannelChoice, capture: CaptureRing, reports: ReportRing, sourceWaits: Bool
    ) {
        self.tagger = tagger
        self.choice = choice
        self.capture = capture
        self.reports = reports
        self.sourceWaits = sourceWaits
        counters.hop.store(tagger.longestHop, ordering: .relaxed)
        tagger.clock = monotonicTime
    }

    /// - Parameters:
    ///   - priority: the thread's real-time priority; 0: none.
    ///   - observer: is called on the thread where that isn't to be had, with the reason.
    func start(priority: Int = 0, observer: @escaping @Sendable (String) -> Void = { _ in }) {
        tellPlan()
        thread = DedicatedThread(name: "engine") { [self] in
            if let reason = requestRealtimePriority(priority) { observer(reason) }
            var ended = false
            while !ended {
                // The time-out only shows the watchdog that this thread is alive when no sound comes.
                _ = capture.next(timeout: 500) { block, frames in ended = take(block, frames) }
                counters.turns.add(1, ordering: .relaxed)
            }
        }
    }

    /// Tells that the program is to end: of sound that waits because this machine can't keep up nothing more is heard.
    func requestStop() { isStopping.store(true, ordering: .relaxed) }

    /// Waits for the thread to end, which it does when the ring ends.
    func join() { thread?.join() }

    /// - Returns: true when the input has ended.
    private func take(_ block: CaptureBlock, _ frames: UnsafeRawBufferPointer) -> Bool {
        switch block.kind {
        case .sound:
            guard !skips(block) else { return false }
            hear(block, frames)
            checkBacklog(block)
            return false
        case .gap(let seconds, let reason):
            lose(seconds, reason, time: block.time)
            return false
        case .stalled(let isStalled):
            publish(.stalled(isStalled), time: block.time)
            return false
        case .end:
            isEnding = true
            drainConverter()
            if skipped > 0 { lose(skipped, .overload, time: block.time) }
            tagger.finish { publish($0) }
            publish(.end, time: block.time)
            return true
        }
    }

    private func lose(_ seconds: Double, _ reason: GapReason, time: Int64) {
        drainConverter()
        converter?.reset()
        tagger.gap()
        capturedPosition = Double(tagger.position)
        let lost = Int64((seconds * Double(Model.sampleRate)).rounded())
        counters.lostSamples.add(Int(lost), ordering: .relaxed)
        counters.gaps.add(1, ordering: .relaxed)
        publish(.gap(position: tagger.position, lost: lost, reason), time: time)
    }

    private func skips(_ block: CaptureBlock) -> Bool {
        guard isStopping.load(ordering: .relaxed), !sourceWaits, skipped > 0 || waiting(block) > Self.patience else {
            return false
        }
        skipped += Double(block.frames) / Double(block.format.rate)
        return true
    }

    /// Seconds of sound that wait, `block` among them.
    private func waiting(_ block: CaptureBlock) -> Double {
        Double(capture.backlog) / Double(block.format.frameBytes) / Double(block.format.rate)
    }

    private func hear(_ block: CaptureBlock, _ frames: UnsafeRawBufferPointer) {
        if block.format != format { changeFormat(block.format) }
        guard let converter else { return }
        let started = monotonicTime()
        capturedPosition += Double(block.frames) * Double(Model.sampleRate) / Double(block.format.rate)
        capturedTime = block.time
        clock.follow(block.sinceEpoch)
        converter.push(raw: frames, format: block.format.sample) { samples in
            tagger.feed(samples) { publish($0) }
        }
        counters.position.store(Int(tagger.position), ordering: .relaxed)
        let cost = tagger.songCost
        counters.classifierEvaluations.store(cost.evaluations, ordering: .relaxed)
        counters.classificationNanoseconds.store(Int(cost.classification), ordering: .relaxed)
        counters.aggregationNanoseconds.store(Int(cost.aggregation), ordering: .relaxed)
        counters.busyNanoseconds.add(Int(monotonicTime() - started), ordering: .relaxed)
    }

    /// The device came back with another format. Allocates: it happens when a device is opened, not while sound flows.
    private func changeFormat(_ new: CaptureFormat) {
        drainConverter()
        format = new
        converter = try? MonoConverter(sampleRate: new.rate, channels: new.channels, choice: choice)
        if converter == nil {
            // A single channel was wanted that the device doesn't have.
            publish(.channelMissing(found: new.channels), time: capturedTime)
            converter = try? MonoConverter(sampleRate: new.rate, channels: new.channels, choice: .mean)
        }
        capturedPosition = Double(tagger.position)
    }

    private func drainConverter() {
        converter?.flush { samples in tagger.feed(samples) { publish($0) } }
    }

    private func publish(_ event: TaggerEvent) {
        switch event {
        case .tags(let report):
            counters.windows.add(1, ordering: .relaxed)
            waitForRoom()
            clock.isInSong = report.songStart < report.position
            reports.publish(report, time: time(of: report.position))
        case .song(let song):
            publish(.song(song), time: time(of: song.end))
            clock.isInSong = false
        }
    }

    private func publish(_ event: LiveEvent, time: Int64) {
        waitForRoom()
        reports.publish(event, time: time)
    }

    /// Where the source waits for us, we wait for the server: a file's events are not to be lost. So we do at the end,
    /// when no sound is waiting any more: the last song and the end itself must come through.
    private func waitForRoom() {
        while sourceWaits || isEnding, !reports.hasRoom { sched_yield() }
    }

    /// When the sample before `position` was captured, nanoseconds since 1970.
    private func time(of position: Int64) -> Int64 {
        let behind = (capturedPosition - Double(position)) / Double(Model.sampleRate)
        return clock.tell(capturedTime - Int64(behind * 1e9))
    }

    /// Longer hops where more and more sound waits.
    ///
    /// Judged once a second: the backlog must be long, and no shorter than it was a second ago. So neither one late turn is
    /// an overload nor a burst (from a device without a clock), and a raised hop has time to catch up.
    private func checkBacklog(_ block: CaptureBlock) {
        let waiting = waiting(block)
        counters.backlogMicroseconds.store(Int(waiting * 1e6), ordering: .relaxed)
        guard !sourceWaits, waiting > Self.patience else {
            judged = nil
            return
        }
        let now = monotonicTime()
        guard let before = judged else {
            judged = (now, waiting)
            return
        }
        guard now - before.time >= Self.judging else { return }
        judged = (now, waiting)
        guard waiting >= before.backlog, tagger.longestHop < TaggerSettings.longestHop else { return }
        tagger.raiseHop()
        tellPlan()
        reports.publish(.hopRaised(to: tagger.longestHop), time: block.time)
    }
}

extension LiveEngine {
    /// Says how the nets are computed from here on. Locks and allocates: it happens when hops change.
    private func tellPlan() {
        counters.hop.store(tagger.longestHop, ordering: .relaxed)
        let plan = tagger.plans.map(\.summary).joined(separator: ", ")
        counters.plan.withLock { $0 = plan }
    }
}

/// What the engine's thread counts; any thread may read.
final class LiveCounters: Sendable {
    let position = Atomic<Int>(0)
    let windows = Atomic<Int>(0)
    let gaps = Atomic<Int>(0)
    let lostSamples = Atomic<Int>(0)
    let busyNanoseconds = Atomic<Int>(0)
    /// Parts of the engine's time: adding windows to their song, and evaluating its classifier.
    let aggregationNanoseconds = Atomic<Int>(0)
    let classificationNanoseconds = Atomic<Int>(0)
    let classifierEvaluations = Atomic<Int>(0)
    let backlogMicroseconds = Atomic<Int>(0)
    let hop = Atomic<Int>(0)
    /// How each net is computed, and what that costs.
    let plan = Mutex("")
    /// Turns of the thread's loop: while it grows, the thread lives.
    let turns = Atomic<Int>(0)
}
