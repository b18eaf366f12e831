import Core

/// What a tagger can be told. Lengths are samples at 22 050 Hz unless they say otherwise.
public struct TaggerSettings: Sendable, Equatable {
    /// What nets compute in; nil: float where the model has float weights.
    public var precision: Precision?
    /// Samples from one window's end to the next one's, for nets that have no hop of their own.
    public var hop = 729
    /// Hops of single nets, by name.
    public var netHops: [String: Int] = [:]
    /// What ends a song.
    public var songBoundaries = SongBoundaries.silence
    /// Level below which a 20 ms block counts as silent, dBFS (root mean square; a full-scale square wave is 0).
    public var silenceLevel: Double = -60
    /// Seconds of silence that end a song; 0: silence never does.
    public var silenceDuration: Double = 2
    /// Hops computed together: 1 for live sound; more for files, where nobody waits for a single one.
    public var batch = 1
    /// Bytes that one net's engine may take for its state.
    public var memoryLimit = 256 << 20
    /// Threads that the nets of a model are shared out to; 1: all on the caller's.
    public var threads = 1
    /// Samples between two evaluations of the song-level classifier: half a second. 0: at every hop.
    public var classifierInterval = 11_025

    public init() {}

    public init(hop: Int) { self.hop = hop }

    func hop(of net: String) -> Int { netHops[net] ?? hop }
}
