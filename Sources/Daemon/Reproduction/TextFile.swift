import Glibc

/// A small file as text.
enum TextFile {
    /// - Returns: nil where it can't be read; `errno` says why.
    static func read(_ path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { break }
            text += buffer[..<count]
        }
        return ferror(file) == 0 ? String(decoding: text, as: UTF8.self) : nil
    }
}
