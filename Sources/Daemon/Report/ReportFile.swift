import ArgumentParser
import Core
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

    /// Writes a report so that a reader sees the old one or the new one, whole.
    ///
    /// - Throws: `ExitCode`, with a line said.
    static func write(_ text: String, to path: String) throws {
        errno = WholeFile.replace(path, with: Array(text.utf8))
        if errno != 0 { throw failure(path) }
    }

    private static func failure(_ path: String) -> ExitCode {
        ExitCode.because(.ioError, "\(path): \(String(cString: strerror(errno)))")
    }
}
