import ArgumentParser
import Glibc

/// Where a report goes.
enum ReportFile {
    /// Finds out early, before hours of work, that nothing can be written there.
    ///
    /// - Throws: `ExitCode`, with a line said.
    static func check(_ path: String) throws {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw ExitCode.because(.ioError, "\(path): not a regular file")
        }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        guard access(folder, W_OK) == 0 else { throw failure(path) }
    }

    /// Writes a report so that a reader sees the old one or the new one, whole: beside, flushed to disk, renamed.
    ///
    /// - Throws: `ExitCode`, with a line said.
    static func write(_ text: String, to path: String) throws {
        errno = errorOfWriting(text, to: path)
        if errno != 0 { throw failure(path) }
    }

    /// The same, for those who say more themselves.
    ///
    /// - Returns: the error's number; 0: none.
    static func errorOfWriting(_ text: String, to path: String) -> Int32 {
        let beside = path + ".partial"
        let file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { return errno }
        errno = 0
        let isWhole = Output.write(text, to: file) && fsync(file) == 0
        var error = errno
        guard close(file) == 0, isWhole, rename(beside, path) == 0 else {
            if isWhole { error = errno }
            unlink(beside)
            return error == 0 ? EIO : error
        }
        return 0
    }

    private static func failure(_ path: String) -> ExitCode {
        ExitCode.because(.ioError, "\(path): \(String(cString: strerror(errno)))")
    }
}
