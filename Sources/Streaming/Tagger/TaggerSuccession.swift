import Core

/// One tagger in another's place while the stream goes on: another model, other settings, and no sample less.
///
/// The successor is made and warmed beside the running one, on any thread: `prepare`, then `warm` with the newest samples
/// that the other has heard, and with those that it hears meanwhile. When both stand at the same position, `takeOver`.
/// From there on the successor says what it would have said had it heard the stream since its last gap, except for
/// windows that are longer than what it was warmed with.
extension Tagger {
    /// Makes a new tagger ready to be warmed.
    ///
    /// - Parameters:
    ///   - oldest: stream position of the first sample that `warm` will be given.
    ///   - now: the stream's position: windows that end before it are of interest no more, but for each net's newest.
    ///   - origin: the other tagger's: no window begins before it.
    public func prepare(from oldest: Int64, now: Int64, origin: Int64) {
        self.origin = origin
        position = max(oldest, origin)
        for net in engines.indices {
            let hop = Int64(max(1, engines[net].hop))
            let newest = (now - Int64(engines[net].shape.window) - origin) / hop * hop
            starts[net] = max(start(of: net, from: position), origin + max(0, newest))
        }
    }

    /// Hears what the other tagger has said already: engines are filled, nothing is said.
    public func warm(_ samples: UnsafeBufferPointer<Float>) {
        var rest = samples
        while !rest.isEmpty {
            let (count, completes) = nextPiece(of: rest.count)
            push(UnsafeBufferPointer(rebasing: rest[..<count]))
            rest = UnsafeBufferPointer(rebasing: rest[count...])
            guard completes else { continue }
            let windows = threads.step()
            for net in engines.indices where windows[net] > 0 {
                let result = engines[net].result(windows[net] - 1)
                note(result, of: net, endingAt: starts[net] + Int64(result.end))
            }
        }
    }

    /// Starts windows anew at the other tagger's position, as after a gap, where it could not be warmed.
    public func startCold(beside other: Tagger) {
        origin = other.origin
        position = other.position
        for net in engines.indices {
            engines[net].reset()
            starts[net] = start(of: net, from: position)
            report.nets[net].end = 0
        }
    }

    /// Goes on where `other` stands, between two hops of it. The song goes on too.
    ///
    /// - Parameter sameNets: whether both have the same weights and tags, so that what the song has said so far goes on;
    ///   otherwise the song's tags are of what this tagger hears of it.
    /// - Precondition: both stand at the same position.
    public func takeOver(from other: Tagger, sameNets: Bool) {
        precondition(position == other.position)
        silence.adopt(other.silence)
        blockStart = other.blockStart
        song = SongTracker(silence: song.silence, continuing: other.song, at: position)
        songCost = other.songCost
        guard sameNets else {
            novelty?.reset(at: position)
            return
        }
        aggregator.adopt(other.aggregator)
        if novelty != nil, let running = other.novelty { novelty = running } else { novelty?.reset(at: position) }
        classifierDue = min(other.classifierDue, position + Int64(settings.classifierInterval))
        report.song = other.report.song
        report.songWindows = other.report.songWindows
        for net in report.nets.indices where other.report.nets[net].end > report.nets[net].end {
            guard level == other.level else { continue }
            report.nets[net] = other.report.nets[net]
        }
    }
}
