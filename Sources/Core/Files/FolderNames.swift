import Glibc

/// What is in a folder.
public enum FolderNames {
    /// The names in a folder, in no order; none where it can't be read.
    ///
    /// - Parameter path: empty: the working folder.
    public static func read(_ path: String) -> [String] {
        guard let stream = opendir(path.isEmpty ? "." : path) else { return [] }
        defer { closedir(stream) }
        return read(stream)
    }

    /// The names from where a stream stands to its end, `.` and `..` among them.
    public static func read(_ stream: OpaquePointer) -> [String] {
        var names: [String] = []
        while let entry = readdir(stream) {
            // In place: a copy would be of 256 bytes, and an entry ends with its name.
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }
}
