import Core
import Glibc
import Streaming
import Synchronization

/// The engine's thread: sound out of the capture ring, tags into the report ring. In steady state it neither allocates, locks nor logs, and it waits for nothing but sound.
// Safe to share: what changes is atomic, or belongs to the thread alone.
final class LiveEngine: @unchecked Sendable {
    let counters = LiveCounters()
    private let capture: CaptureRing
    private var reports: ReportRing
    private var tagger: Tagger
    private var choice: ChannelChoice
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
    private var rule: OverloadRule
    private var isEnding = false
    /// What a successor is warmed with.
    private let recent = RecentSamples()
    /// The successor that is given what comes.
    private var successor: EngineSuccessor?
    /// One that another thread has brought; nobody brings one any more when the thread has ended.
    private let offered = Mutex<(successor: EngineSuccessor?, isOver: Bool)>((nil, false))
    /// Whether `offered` is worth a look.
    private let hasOffer = Atomic<Bool>(false)
    /// Whether the program is to end.
    private let isStopping = Atomic<Bool>(false)
    /// Seconds of sound passed over since.
    private var skipped = 0.0

    init(
        tagger: Tagger, choice: ChannelChoice, capture: CaptureRing, reports: ReportRing, sourceWaits: Bool
    ) {
        self.tagger = tagger
        self.choice = choice
        self.capture = capture
        self.reports = reports
        self.sourceWaits = sourceWaits
        rule = OverloadRule(costs: tagger.levels.map(\.cost))
        counters.hop.store(tagger.longestHop, ordering: .relaxed)
    }

    /// The ring that reports stand in until a successor's takes its place; to be asked for before `start`.
    var firstReports: ReportRing { reports }

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
                if hasOffer.load(ordering: .acquiring), !ended { considerOffer() }
                counters.turns.add(1, ordering: .relaxed)
            }
            refuseOffers()
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
        recent.clear()
        successor?.breakOff()
        capturedPosition = Double(tagger.position)
        let lost = Int64((seconds * Double(Model.sampleRate)).rounded())
        counters.lostSamples.add(Int(lost), ordering: .relaxed)
        counters.gaps.add(1, ordering: .relaxed)
        publish(.gap(position: tagger.position, lost: lost, reason), time: time)
    }

    private func skips(_ block: CaptureBlock) -> Bool {
        guard isStopping.load(ordering: .relaxed), !sourceWaits, skipped > 0 || waiting(block) > OverloadRule.patience
        else {
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
        counters.clockJumps.store(clock.jumps, ordering: .relaxed)
        converter.push(raw: frames, format: block.format.sample) { feed($0) }
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

    private func drainConverter() { converter?.flush { feed($0) } }

    private func feed(_ samples: UnsafeBufferPointer<Float>) {
        recent.append(samples)
        successor?.record(samples)
        tagger.feed(samples) { publish($0) }
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

    /// Less is asked of the nets where more and more sound waits, and more again when it doesn't: `OverloadRule`.
    private func checkBacklog(_ block: CaptureBlock) {
        let waiting = waiting(block)
        counters.backlogMicroseconds.store(Int(waiting * 1e6), ordering: .relaxed)
        guard !sourceWaits else { return }
        let verdict = rule.judge(
            time: Double(monotonicTime()) / 1e9, heard: Double(tagger.position) / Double(Model.sampleRate),
            busy: Double(counters.busyNanoseconds.load(ordering: .relaxed)) / 1e9, backlog: waiting)
        guard verdict != .stay else { return }
        tagger.use(level: rule.level)
        tellPlan()
        if verdict == .less {
            counters.overloads.add(1, ordering: .relaxed)
        } else {
            counters.recoveries.add(1, ordering: .relaxed)
        }
        reports.publish(
            .overload(
                level: rule.level, isMore: verdict == .more, hop: tagger.longestHop, nets: tagger.netsInUse),
            time: block.time)
    }
}

// MARK: Another tagger in place of this one

extension LiveEngine {
    /// Brings a successor; its thread then waits to be asked for. Any thread may call it.
    func offer(_ successor: EngineSuccessor) {
        let isOver = offered.withLock { offered in
            if !offered.isOver { offered.successor = successor }
            return offered.isOver
        }
        if isOver { successor.refuse() } else { hasOffer.store(true, ordering: .releasing) }
    }

    /// Gives a new successor what was heard, or lets one that is warm take over. Between two turns, so that no hop is cut;
    /// locks, and frees nothing.
    private func considerOffer() {
        if successor == nil {
            successor = offered.withLock { $0.successor }
            successor?.begin(recent, after: tagger)
        }
        guard let next = successor else { return }
        // A source that waits for us waits for the successor too; live sound goes on meanwhile.
        while sourceWaits, !next.isWarm { sched_yield() }
        // In a full ring the reader would never learn of the next one.
        guard next.isWarm, reports.hasRoom else { return }
        if next.choice != choice {
            // What the resampler holds is still heard as it was; the next block makes another.
            drainConverter()
            converter = nil
            format = nil
            choice = next.choice
        }
        next.replace(tagger)
        tagger = next.tagger
        rule.use(costs: tagger.levels.map(\.cost))
        if tagger.level != rule.level { tagger.use(level: rule.level) }
        tellPlan()
        publish(.replaced(by: next), time: capturedTime)
        reports = next.reports
        successor = nil
        hasOffer.store(false, ordering: .releasing)
        offered.withLock { $0.successor = nil }
        next.tellTaken()
    }

    private func refuseOffers() {
        let last = offered.withLock { offered in
            offered.isOver = true
            return offered.successor.take()
        }
        last?.refuse()
    }

    /// Says how the nets are computed from here on. Locks and allocates: it happens when hops change.
    private func tellPlan() {
        counters.hop.store(tagger.longestHop, ordering: .relaxed)
        counters.level.store(tagger.level, ordering: .relaxed)
        let nets = tagger.netsInUse.joined(separator: ", ")
        counters.nets.withLock { $0 = nets }
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
    /// Times that the computer's clock was set.
    let clockJumps = Atomic<Int>(0)
    let busyNanoseconds = Atomic<Int>(0)
    /// Parts of the engine's time: adding windows to their song, and evaluating its classifier.
    let aggregationNanoseconds = Atomic<Int>(0)
    let classificationNanoseconds = Atomic<Int>(0)
    let classifierEvaluations = Atomic<Int>(0)
    let backlogMicroseconds = Atomic<Int>(0)
    let hop = Atomic<Int>(0)
    /// How each net is computed, and what that costs.
    let plan = Mutex("")
    /// Names of the nets that aren't left out.
    let nets = Mutex("")
    /// Which of `OverloadLevel`s holds, and how often it became one more and one less.
    let level = Atomic<Int>(0)
    let overloads = Atomic<Int>(0)
    let recoveries = Atomic<Int>(0)
    /// Turns of the thread's loop: while it grows, the thread lives.
    let turns = Atomic<Int>(0)
}
