/// What a data set's published files say: which sounds there should be, on which side of the split, with which labels.
public struct DatasetListing: Sendable, Equatable {
    public struct Sound: Sendable, Equatable {
        /// How messages call it: its path, or its track's identifier where the published files give no path.
        public let name: String
        /// Where it may be, relative to the folder of audio; the first that exists counts. Empty: nowhere.
        public let candidates: [String]
        public let split: Manifest.Split
        /// Indices into `tags` of those that it has, ascending.
        public let labels: [Int]
    }

    /// In the order of the manifest's columns.
    public let tags: [String]
    public let sounds: [Sound]
}

extension DatasetListing {
    /// Why a path out of a published file can't be used; nil when it can.
    ///
    /// It has to stay below the folder of audio, and to fit into one field of a manifest.
    static func objection(toPath path: String) -> String? {
        guard !path.isEmpty else { return "a path wanted, nothing found" }
        guard !path.contains(where: { $0 == "\t" || $0 == "\0" || $0.isNewline }) else {
            return "a path without tabs and line breaks wanted"
        }
        guard !path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
            return "\(path) leaves the folder of audio"
        }
        return nil
    }

    /// Why a name can't be a manifest's tag; nil when it can.
    static func objection(toTag tag: String) -> String? {
        guard !tag.isEmpty else { return "a tag wanted, nothing found" }
        return tag.contains(where: { $0 == "\t" || $0.isNewline }) ? "a tag without tabs and line breaks wanted" : nil
    }
}
