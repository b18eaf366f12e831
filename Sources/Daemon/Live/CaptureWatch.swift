import Synchronization

/// Notices that the capture thread doesn't come back from a call to ALSA: a driver that hangs, a sound server that is
/// frozen. No thread can be taken out of such a call, and what it holds can't be opened again in the same process.
///
/// Looks are counted, not time: a process that was stopped, or a machine that slept, hasn't waited.
final class CaptureWatch: Sendable {
    /// Looks, one a second, after which the thread counts as hung: opening a device may take its time.
    static let patience = 30
    /// The same when it has been asked to stop.
    static let patienceAtEnd = 5

    private let capture: Capture
    private let seen = Atomic<Int>(-1)
    private let looks = Atomic<Int>(0)

    init(_ capture: Capture) { self.capture = capture }

    /// Whether it hangs; asked once a second.
    func isHung() -> Bool {
        let turns = capture.counters.turns.load(ordering: .relaxed)
        guard seen.exchange(turns, ordering: .relaxed) == turns, !capture.counters.hasEnded.load(ordering: .relaxed)
        else {
            looks.store(0, ordering: .relaxed)
            return false
        }
        let count = looks.add(1, ordering: .relaxed).newValue
        return count >= (capture.isStopping ? Self.patienceAtEnd : Self.patience)
    }
}
