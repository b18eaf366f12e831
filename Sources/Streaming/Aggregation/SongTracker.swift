/// Where songs begin and end: a song ends when silence has lasted long enough, the next begins with the next sound.
struct SongTracker {
    enum Change: Equatable {
        case none
        /// Sound has come back before the song was over.
        case pauseEnded
        /// The song that began at `start` had its last sound at `end`.
        case songEnded(start: Int64, end: Int64)
        case songBegan
    }

    /// Where the playing song began; between songs, where the stream stands.
    private(set) var start: Int64 = 0
    /// False between songs.
    private(set) var isPlaying = true
    /// Whether the playing song has had a loud block.
    private var hasSound = false
    /// Where the last loud block ended, or the song began.
    private(set) var lastSound: Int64 = 0
    /// Samples of silence that end a song; nil: it never does.
    private(set) var silence: Int64?

    init(silence: Int64?) { self.silence = silence }

    /// Goes on with what another knows, by another rule. Where nothing ends songs any more, one is always playing.
    init(silence: Int64?, continuing other: SongTracker, at position: Int64) {
        self = other
        self.silence = silence
        guard silence == nil, !isPlaying else { return }
        isPlaying = true
        start = position
        lastSound = position
    }

    /// Whether what is heard now may turn out to lie behind the song's end.
    func isSilent(at position: Int64) -> Bool { position >= lastSound + Int64(SilenceDetector.block) }

    /// The block that ended at `position` was loud or not.
    mutating func block(loud: Bool, endingAt position: Int64) -> Change {
        guard let silence else {
            lastSound = position
            hasSound = hasSound || loud
            return .none
        }
        if loud {
            let wasSilent = isSilent(at: position - Int64(SilenceDetector.block))
            lastSound = position
            hasSound = true
            guard !isPlaying else { return wasSilent ? .pauseEnded : .none }
            isPlaying = true
            start = position - Int64(SilenceDetector.block)
            return .songBegan
        }
        guard isPlaying, position - lastSound >= silence else { return .none }
        isPlaying = false
        let ended = Change.songEnded(start: start, end: lastSound)
        defer { hasSound = false }
        return hasSound ? ended : .none
    }

    /// The music became another at `position`, which lies back: there the playing song ended and the next began.
    ///
    /// - Returns: the song that ended.
    mutating func cut(at position: Int64) -> (start: Int64, end: Int64) {
        defer { start = position }
        return (start, position)
    }

    /// The input has ended at `position`.
    mutating func finish(at position: Int64) -> Change {
        guard isPlaying else { return .none }
        isPlaying = false
        // What fills no block any more counts as sound: nobody has measured it as silence.
        let end = isSilent(at: position) ? lastSound : position
        return hasSound || silence == nil ? .songEnded(start: start, end: end) : .none
    }

    /// Samples were lost at `position`: they are no silence.
    mutating func gap(at position: Int64) { lastSound = max(lastSound, position) }
}
