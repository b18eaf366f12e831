import Glibc

/// Writes manifests: columns `path`, `split`, and `tag:NAME` with 0 or 1 for every tag of the set, also for those that
/// none of the sounds has.
public enum ManifestWriter {
    /// Writes a manifest so that a reader sees the old file or the new one, whole: beside, flushed to disk, renamed.
    ///
    /// - Parameters:
    ///   - audio: the folder in which the sounds were found. Their paths are written relative to the manifest if it
    ///     lies below the manifest's folder, and absolute otherwise.
    ///   - path: the manifest's.
    public static func write(_ found: FoundSounds, audio: String, to path: String) throws(DatasetError) {
        let prefix = try prefix(audio: audio, manifest: path)
        var text = Array("path\tsplit".utf8)
        for tag in found.tags { text += Array("\ttag:\(tag)".utf8) }
        text.append(UInt8(ascii: "\n"))
        for (sound, file) in found.sounds {
            text += Array("\(prefix)\(file)\t\(sound.split.rawValue)".utf8)
            var flags = [UInt8](repeating: UInt8(ascii: "0"), count: found.tags.count)
            for label in sound.labels { flags[label] = UInt8(ascii: "1") }
            for flag in flags { text += [UInt8(ascii: "\t"), flag] }
            text.append(UInt8(ascii: "\n"))
        }
        try replace(path, with: text)
    }

    /// Writes which sounds are absent: a line each, its name, a tab, and `missing` or `empty`.
    public static func writeAbsent(_ found: FoundSounds, to path: String) throws(DatasetError) {
        var text: [UInt8] = []
        for (sound, absence) in found.absent { text += Array("\(sound.name)\t\(absence.rawValue)\n".utf8) }
        try replace(path, with: text)
    }

    /// What stands before a sound's path within `audio`: nothing, or a folder and a slash.
    private static func prefix(audio: String, manifest: String) throws(DatasetError) -> String {
        let folder = manifest.lastIndex(of: "/").map { String(manifest[...$0]) } ?? "."
        let base = try resolved(folder)
        let target = try resolved(audio)
        // A manifest is lines of fields.
        guard !target.contains(where: { $0 == "\t" || $0.isNewline }) else {
            throw DatasetError(.invalid, audio, "a folder without tabs and line breaks in its path wanted")
        }
        if target == base { return "" }
        let below = base == "/" ? "/" : base + "/"
        if target.hasPrefix(below) { return target.dropFirst(below.count) + "/" }
        return target == "/" ? "/" : target + "/"
    }

    /// The absolute path without links, `.` and `..`.
    private static func resolved(_ path: String) throws(DatasetError) -> String {
        guard let absolute = realpath(path, nil) else {
            throw DatasetError(.unreadable, path, String(cString: strerror(errno)))
        }
        defer { free(absolute) }
        return String(cString: absolute)
    }

    private static func replace(_ path: String, with bytes: [UInt8]) throws(DatasetError) {
        let error = WholeFile.replace(path, with: bytes)
        if error != 0 { throw DatasetError(.unreadable, path, String(cString: strerror(error))) }
    }
}
