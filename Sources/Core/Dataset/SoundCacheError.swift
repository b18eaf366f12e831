import Glibc

/// Why a cache of decoded sound can't be used: one line, `where: why`.
public struct SoundCacheError: Error, Equatable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// The system refused to read or write it; the disk is full, say.
        case unusable
        /// The present data set alone needs more than the cache may hold.
        case tooSmall
    }

    public let kind: Kind
    public let description: String

    init(_ kind: Kind, _ place: String, _ reason: String) {
        self.kind = kind
        description = "\(place): \(reason)"
    }

    /// What `errno` says.
    static func system(_ place: String) -> SoundCacheError {
        SoundCacheError(.unusable, place, String(cString: strerror(errno)))
    }
}
