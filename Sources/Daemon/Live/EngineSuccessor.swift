import CLinux
import Core
import Glibc
import Streaming
import Synchronization

/// A tagger that is to take the running one's place, between two hops and without a sample lost.
///
/// The thread that has made it calls `takePlace`, and is its only user until it is warm. The engine's thread meanwhile
/// gives it the newest samples and those that come, and then takes it over, with a report ring of its own.
// Safe to share: `phase` says whose it is. What a thread writes it writes before it moves the phase on.
final class EngineSuccessor: @unchecked Sendable {
    let tagger: Tagger
    let choice: ChannelChoice
    let reports: ReportRing
    let encoder: EventEncoder
    /// Whether it has the running one's nets, so that a song's features go on.
    let sameNets: Bool

    private enum Phase: Int {
        case offered
        /// The engine's thread has given its newest samples, and gives what comes.
        case recording
        /// All that was given has been heard: the engine's thread may take over.
        case warm
        case taken
        /// There is no engine any more.
        case refused
    }

    private let phase = Atomic<Int>(Phase.offered.rawValue)
    /// Wakes the thread that waits in `takePlace`.
    private let bell: Int32
    private let samples = SampleRing(capacity: RecentSamples.capacity + EngineSuccessor.patience * Model.sampleRate)
    /// Seconds of sound that may come while the newest are heard.
    private static let patience = 20
    /// Samples heard in one go.
    private static let piece = 4096

    // Written by the engine's thread before `recording`, or before `taken`.
    private var oldest: Int64 = 0
    private var now: Int64 = 0
    private var origin: Int64 = 0
    private var level = 0
    private var retired: Tagger?
    /// Whether samples are missing: a gap, or more than have room. Then windows start anew.
    private let isBroken = Atomic<Bool>(false)

    /// nil where no descriptor is left.
    init?(tagger: Tagger, choice: ChannelChoice, reports: ReportRing, encoder: EventEncoder, sameNets: Bool) {
        bell = wavetag_event_counter()
        guard bell >= 0 else { return nil }
        self.tagger = tagger
        self.choice = choice
        self.reports = reports
        self.encoder = encoder
        self.sameNets = sameNets
    }

    deinit { close(bell) }

    // MARK: The side of the thread that has made it

    /// Hears what the engine has heard, and waits until it is in its place. What it replaces is freed here.
    ///
    /// - Returns: false where there is no engine any more.
    func takePlace(in engine: LiveEngine) -> Bool {
        engine.offer(self)
        guard wait(until: .recording) else { return false }
        if level > 0 { tagger.use(level: min(level, tagger.levels.count - 1)) }
        tagger.prepare(from: oldest, now: now, origin: origin)
        while !isBroken.load(ordering: .acquiring), samples.take(atMost: Self.piece, { tagger.warm($0) }) {}
        // The engine may have ended meanwhile, and have refused: that stands.
        let (isWarm, _) = phase.compareExchange(
            expected: Phase.recording.rawValue, desired: Phase.warm.rawValue, ordering: .acquiringAndReleasing)
        guard isWarm, wait(until: .taken) else { return false }
        retired = nil
        return true
    }

    private func wait(until wanted: Phase) -> Bool {
        var descriptor = pollfd(fd: bell, events: Int16(POLLIN), revents: 0)
        while true {
            let phase = phase.load(ordering: .acquiring)
            if phase == Phase.refused.rawValue { return false }
            if phase >= wanted.rawValue { return true }
            poll(&descriptor, 1, -1)
            var count: UInt64 = 0
            _ = read(bell, &count, 8)
        }
    }

    // MARK: The side of the engine's thread

    /// Gives what was heard last; `record` gives what comes.
    func begin(_ recent: RecentSamples, after tagger: Tagger) {
        now = tagger.position
        oldest = now - Int64(recent.count)
        origin = tagger.origin
        level = tagger.level
        recent.forEachPiece { record($0) }
        move(to: .recording)
    }

    /// The stream's next samples.
    func record(_ new: UnsafeBufferPointer<Float>) {
        if !isBroken.load(ordering: .relaxed), !samples.write(new) { breakOff() }
    }

    /// Samples were lost.
    func breakOff() { isBroken.store(true, ordering: .releasing) }

    var isWarm: Bool { phase.load(ordering: .acquiring) == Phase.warm.rawValue }

    /// Hears what is left and takes the other's place.
    func replace(_ other: Tagger) {
        if isBroken.load(ordering: .relaxed) {
            tagger.startCold(beside: other)
        } else {
            while samples.take(atMost: Self.piece, { tagger.warm($0) }) {}
        }
        tagger.takeOver(from: other, sameNets: sameNets)
        retired = other
    }

    /// Tells that it is in its place.
    func tellTaken() { move(to: .taken) }

    /// Tells that it never will be.
    func refuse() { move(to: .refused) }

    private func move(to next: Phase) {
        phase.store(next.rawValue, ordering: .releasing)
        var one: UInt64 = 1
        _ = write(bell, &one, 8)
    }
}
