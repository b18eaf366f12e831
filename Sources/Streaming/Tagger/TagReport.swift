import Core

/// What the nets say at one position of the stream. Arrays keep their size for a tagger's life, so that a report can be written over without an allocation.
public struct TagReport: Sendable, Equatable {
    /// Stream position just after the last sample heard, in samples at 22 050 Hz since the stream began.
    public var position: Int64
    /// Where the song that is playing began.
    public var songStart: Int64
    /// Mean over nets of each net's newest window's probabilities, [tags].
    public var window: [Float]
    /// The song's probabilities so far, [song tags]; meaningful only when `songWindows` is above 0.
    public var song: [Float]
    /// Windows of the slowest net that the song's features hold.
    public var songWindows: Int
    /// Each net's newest window.
    public var nets: [NetReport]

    /// A report of zeros for a model of `tags` tags and `nets` nets.
    ///
    /// - Parameter songTags: nil: as many as windows have.
    public init(tags: Int, songTags: Int? = nil, nets: Int) {
        position = 0
        songStart = 0
        window = [Float](repeating: 0, count: tags)
        song = [Float](repeating: 0, count: songTags ?? tags)
        songWindows = 0
        self.nets = [NetReport](repeating: NetReport(tags: tags), count: nets)
    }
}

/// One net's newest window.
public struct NetReport: Sendable, Equatable {
    /// Position just after the window's last sample; 0 while the net has not heard a full window.
    public var end: Int64
    /// [tags].
    public var probabilities: [Float]

    init(tags: Int) {
        end = 0
        probabilities = [Float](repeating: 0, count: tags)
    }
}

/// A song that has ended.
public struct SongReport: Sendable, Equatable {
    public var start: Int64
    /// Where its last sound was, not where silence had lasted long enough; or where the music became another.
    public var end: Int64
    /// [song tags]; nil when the song was shorter than every net's window.
    public var song: [Float]?

    public init(start: Int64, end: Int64, song: [Float]?) {
        self.start = start
        self.end = end
        self.song = song
    }
}
