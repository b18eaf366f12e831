import Glibc

/// Standard output and standard error, written to without buffering: a line is out when it has been written.
enum Output {
    /// - Returns: false when nobody reads any more, or the disk is full.
    @discardableResult
    static func write(_ bytes: some Collection<UInt8>, to descriptor: Int32 = STDOUT_FILENO) -> Bool {
        bytes.withContiguousStorageIfAvailable { write($0, to: descriptor) } ?? write(Array(bytes), to: descriptor)
    }

    @discardableResult
    static func write(_ text: String, to descriptor: Int32 = STDOUT_FILENO) -> Bool {
        write(Array(text.utf8), to: descriptor)
    }

    private static func write(_ bytes: UnsafeBufferPointer<UInt8>, to descriptor: Int32) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }

    /// Keeps what libraries print on standard error in `body` from people. For programs with one thread.
    static func withoutStandardError<Result>(_ body: () -> Result) -> Result {
        let kept = dup(STDERR_FILENO)
        let nothing = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer {
            if nothing >= 0 { close(nothing) }
            if kept >= 0 { close(kept) }
        }
        guard kept >= 0, nothing >= 0, dup2(nothing, STDERR_FILENO) >= 0 else { return body() }
        defer { dup2(kept, STDERR_FILENO) }
        return body()
    }

    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Columns and rows of the terminal; 80 by 24 where there is none.
    static var terminalSize: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
