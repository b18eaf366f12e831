import Glibc

/// A file of events to which whole lines are added. What a crash, or a disk without room, has left of a line is cut off.
final class DayFile {
    let path: String
    private let descriptor: Int32
    /// Where the last whole line ends.
    private var end: off_t = 0
    /// Whether part of a line stands behind `end`, which couldn't be cut off yet.
    private var isTorn = false
    private var isFlushed = true
    /// Bytes of a torn line that were found at the file's end, and cut off.
    private(set) var cut = 0

    struct Failure: Error {
        let error: Int32
    }

    /// Opens the file, or makes it.
    init(path: String) throws(Failure) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
        // Whatever is thrown from here on, `deinit` closes the file: every property has its value.
        guard descriptor >= 0 else { throw Failure(error: errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Failure(error: errno) }
        // A pipe or a device by that name is nobody's file of events.
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(error: EINVAL) }
        end = try Self.endOfLastLine(descriptor, size: status.st_size)
        cut = Int(status.st_size - end)
        guard cut == 0 || ftruncate(descriptor, end) == 0 else { throw Failure(error: errno) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    var isEmpty: Bool { end == 0 }

    /// Adds whole lines, all or none.
    ///
    /// - Returns: the error's number; 0: none.
    func append(_ lines: [UInt8]) -> Int32 {
        if isTorn {
            guard ftruncate(descriptor, end) == 0 else { return errno }
            isTorn = false
        }
        errno = 0
        guard Output.write(lines, to: descriptor) else {
            let error = errno
            isTorn = ftruncate(descriptor, end) != 0
            return error == 0 ? EIO : error
        }
        end += off_t(lines.count)
        isFlushed = false
        return 0
    }

    /// Has the disk take what was added.
    ///
    /// - Returns: the error's number; 0: none.
    func flush() -> Int32 {
        guard !isFlushed else { return 0 }
        isFlushed = true
        return fdatasync(descriptor) == 0 ? 0 : errno
    }

    /// Whether the file still stands where it was made: what is written into a file that somebody has removed is lost.
    var isInPlace: Bool {
        var (here, there) = (stat(), stat())
        return fstat(descriptor, &here) == 0 && lstat(path, &there) == 0 && here.st_ino == there.st_ino
            && here.st_dev == there.st_dev
    }

    /// Just behind the last newline of a file.
    private static func endOfLastLine(_ descriptor: Int32, size: off_t) throws(Failure) -> off_t {
        var end = size
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while end > 0 {
            let count = min(buffer.count, Int(end))
            let got = pread(descriptor, &buffer, count, end - off_t(count))
            guard got == count else { throw Failure(error: got < 0 ? errno : EIO) }
            if let last = buffer[..<count].lastIndex(of: UInt8(ascii: "\n")) {
                return end - off_t(count - last - 1)
            }
            end -= off_t(count)
        }
        return 0
    }
}
