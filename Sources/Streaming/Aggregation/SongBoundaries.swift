/// What ends a song, apart from the input's end.
public enum SongBoundaries: String, CaseIterable, Sendable {
    /// Nothing does.
    case off
    /// Silence that lasts.
    case silence
    /// Silence, and where the music becomes another: see `NoveltyDetector`.
    case novelty
}
