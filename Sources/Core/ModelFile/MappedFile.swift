import Glibc

/// A file's bytes, mapped read-only for as long as this value lives, or copied.
struct MappedFile: ~Copyable {
    let bytes: UnsafeRawBufferPointer

    init(path: String) throws(ModelFileError) {
        let file = try Self.open(path)
        defer { close(file) }
        let size = Int(try Self.status(of: file, path).st_size)
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0), start != MAP_FAILED else {
            throw Self.failure(path)
        }
        bytes = UnsafeRawBufferPointer(start: start, count: size)
    }

    /// Copies the bytes, for a file that others may write meanwhile: then it is refused, and later it does no harm.
    init(copying path: String) throws(ModelFileError) {
        let file = try Self.open(path)
        defer { close(file) }
        let before = try Self.status(of: file, path)
        let size = Int(before.st_size)
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            start != MAP_FAILED
        else { throw Self.failure(path) }
        do throws(ModelFileError) {
            var filled = 0
            while filled < size {
                let count = read(file, start + filled, size - filled)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw Self.failure(path) }
                guard count > 0 else { break }
                filled += count
            }
            let after = try Self.status(of: file, path)
            guard filled == size, after.st_size == before.st_size, after.st_mtim.tv_sec == before.st_mtim.tv_sec,
                after.st_mtim.tv_nsec == before.st_mtim.tv_nsec
            else { throw ModelFileError(.unreadable, path, "changes while it is read") }
        } catch {
            munmap(start, size)
            throw error
        }
        bytes = UnsafeRawBufferPointer(start: start, count: size)
    }

    private static func open(_ path: String) throws(ModelFileError) -> Int32 {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure(path) }
        return file
    }

    private static func status(of file: Int32, _ path: String) throws(ModelFileError) -> stat {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ModelFileError(.unreadable, path, "not a regular file")
        }
        return status
    }

    deinit {
        if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }

    private static func failure(_ path: String) -> ModelFileError {
        ModelFileError(errno == ENOENT ? .missing : .unreadable, path, String(cString: strerror(errno)))
    }
}
