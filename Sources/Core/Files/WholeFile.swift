import Glibc

/// A file that readers see as it was or as it is, never half of it: written beside, flushed to disk, renamed.
///
/// What fails is remembered, and told at the end; then, and when the value is given up before, nothing stays beside. What
/// a crash has left there is written over.
public struct WholeFile: ~Copyable {
    private let path: String
    private let beside: String
    private let folder: Int32
    private var file: Int32

    /// The number of the first error; 0: none so far.
    public private(set) var error: Int32 = 0

    /// - Parameters:
    ///   - folder: the descriptor that `path` is relative to.
    ///   - ending: of the name beside.
    public init(_ path: String, in folder: Int32 = AT_FDCWD, ending: String = ".partial") {
        self.path = path
        self.folder = folder
        beside = path + ending
        file = openat(folder, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        if file < 0 { error = errno }
    }

    /// Appends bytes; after an error, nothing.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var written = 0
        while error == 0, written < bytes.count {
            let count = write(file, bytes.baseAddress! + written, bytes.count - written)
            if count < 0, errno == EINTR { continue }
            if count > 0 { written += count } else { error = count < 0 ? errno : EIO }
        }
    }

    /// Ends it: the file takes its place, unless something has failed.
    ///
    /// - Parameters:
    ///   - isFlushed: on disk before it is renamed, so that a power cut leaves the old one or the new one.
    ///   - mode: whatever the umask is; nil: 0644 less the umask.
    /// - Returns: the first error's number; 0: none, all is written.
    public consuming func takePlace(isFlushed: Bool = true, mode: mode_t? = nil) -> Int32 {
        if error == 0, let mode, fchmod(file, mode) != 0 { error = errno }
        if error == 0, isFlushed, fsync(file) != 0 { error = errno }
        if file >= 0, close(file) != 0, error == 0 { error = errno }
        let wasOpened = file >= 0
        file = -1
        if error == 0, renameat(folder, beside, folder, path) != 0 { error = errno }
        if error != 0, wasOpened { unlinkat(folder, beside, 0) }
        return error
    }

    deinit {
        guard file >= 0 else { return }
        close(file)
        unlinkat(folder, beside, 0)
    }

    /// Puts `bytes` in a file's place; see `init` and `takePlace`.
    ///
    /// - Returns: the error's number; 0: none.
    public static func replace(
        _ path: String, in folder: Int32 = AT_FDCWD, with bytes: [UInt8], ending: String = ".partial",
        isFlushed: Bool = true, mode: mode_t? = nil
    ) -> Int32 {
        var file = WholeFile(path, in: folder, ending: ending)
        bytes.withUnsafeBytes { file.append($0) }
        return file.takePlace(isFlushed: isFlushed, mode: mode)
    }
}
