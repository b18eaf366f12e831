/// Says when samples were captured, as people's clocks had it; where such a clock is set, so that within a song no time lies
/// before an earlier one.
///
/// A clock set forward is followed at once. One set back is followed where no song plays, or the playing one has ended; until
/// then times go on as if nothing had happened. What time passes is counted by a clock that nobody sets.
struct SongClock {
    /// What is added to `bootTime` for nanoseconds since 1970; nil before the first sample.
    private var offset: Int64?
    /// What the computer's clock says that it should be.
    private var wanted: Int64 = 0
    private var newest = Int64.min
    /// Times that the computer's clock was set, as far as that shows between two pieces of sound.
    private(set) var jumps = 0

    /// Whether a song plays, as far as was told.
    var isInSong = false {
        didSet { if !isInSong { adopt() } }
    }

    /// Offsets are measured; no clock is set by so little, nanoseconds.
    private static let tolerance: Int64 = 1_000_000
    /// No measurement errs by so much, nanoseconds.
    private static let jump: Int64 = 100_000_000

    /// The computer's clock is so far ahead of `bootTime` now.
    mutating func follow(_ offset: Int64) {
        if self.offset != nil, abs(offset - wanted) > Self.jump { jumps += 1 }
        wanted = offset
        guard let old = self.offset else {
            self.offset = offset
            return
        }
        if offset - old > Self.tolerance || !isInSong { adopt() }
    }

    private mutating func adopt() {
        guard let offset, abs(wanted - offset) > Self.tolerance else { return }
        if wanted < offset { newest = .min }
        self.offset = wanted
    }

    /// - Parameter captured: when a sample was captured, by `bootTime`.
    /// - Returns: nanoseconds since 1970.
    mutating func tell(_ captured: Int64) -> Int64 {
        newest = max(newest, captured + (offset ?? 0))
        return newest
    }
}
