import Glibc

/// A listing's sounds, looked for on disk.
public struct FoundSounds: Sendable {
    /// Why a listed sound can't be used.
    public enum Absence: String, Sendable {
        /// Nothing there, or no regular file.
        case missing
        /// A file of 0 bytes, as MagnaTagATune has three.
        case empty
    }

    public let tags: [String]
    /// Those that are there, in the listing's order, with the one of their candidates that is.
    public private(set) var sounds: [(sound: DatasetListing.Sound, path: String)] = []
    public private(set) var absent: [(sound: DatasetListing.Sound, absence: Absence)] = []

    /// - Parameter audio: the folder that the listing's paths are relative to.
    /// - Throws: `DatasetError` when there is no such folder; absent sounds are no error.
    public init(_ listing: DatasetListing, in audio: String) throws(DatasetError) {
        var status = stat()
        guard stat(audio, &status) == 0 else {
            throw DatasetError(errno == ENOENT ? .missing : .unreadable, audio, String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw DatasetError(.unreadable, audio, "not a folder") }
        tags = listing.tags
        for sound in listing.sounds {
            var absence = Absence.missing
            var found: String?
            for candidate in sound.candidates where found == nil {
                guard stat("\(audio)/\(candidate)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
                if status.st_size > 0 { found = candidate } else { absence = .empty }
            }
            if let found { sounds.append((sound, found)) } else { absent.append((sound, absence)) }
        }
    }
}
