import Glibc

/// A file that readers see as it was or as it is, never half of it.
enum WholeFile {
    /// Puts a text in a file's place: written beside it, then renamed. What a crash has left beside is written over.
    ///
    /// - Parameters:
    ///   - ending: of the name beside.
    ///   - isFlushed: on disk before it is renamed, so that a power cut leaves the old one or the new one.
    ///   - mode: whatever the umask is; nil: 0644 less the umask.
    /// - Returns: the error's number; 0: none.
    static func replace(
        _ path: String, with text: String, ending: String = ".partial", isFlushed: Bool = true, mode: mode_t? = nil
    ) -> Int32 {
        let beside = path + ending
        let file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { return errno }
        errno = 0
        let isWhole =
            Output.write(text, to: file) && (mode == nil || fchmod(file, mode!) == 0)
            && (!isFlushed || fsync(file) == 0)
        var error = errno
        guard close(file) == 0, isWhole, rename(beside, path) == 0 else {
            if isWhole { error = errno }
            unlink(beside)
            return error == 0 ? EIO : error
        }
        return 0
    }
}
