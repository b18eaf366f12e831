import Glibc

/// Reads inputs each in a process of its own, and tells what became of it.
package struct ContainedReader {
    private let reader: FuzzReader
    package private(set) var read = 0
    /// Processes that a signal ended which Swift's own checks don't raise: libhdf5's crashes, and its endless loops.
    package private(set) var crashed = 0

    /// Processor time that one input may take, in seconds.
    private static let patience: rlim_t = 10

    package init(_ target: FuzzTarget) { reader = FuzzReader(target) }

    /// - Returns: false where Swift's checks ended the process: that is a fault of ours.
    package mutating func read(_ input: [UInt8]) -> Bool {
        let child = fork()
        guard child >= 0 else { fatalError("no process: \(String(cString: strerror(errno)))") }
        if child == 0 {
            for number in [SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTRAP] { signal(number, SIG_DFL) }
            var limit = rlimit(rlim_cur: Self.patience, rlim_max: Self.patience)
            setrlimit(__rlimit_resource_t(RLIMIT_CPU.rawValue), &limit)
            // A crash's report would be as long as the run.
            let nothing = open("/dev/null", O_WRONLY)
            dup2(nothing, STDERR_FILENO)
            input.withUnsafeBytes { reader.read($0) }
            _exit(0)
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 { precondition(errno == EINTR) }
        read += 1
        let signal = status & 0x7F
        guard signal != SIGILL, signal != SIGTRAP else { return false }
        if status != 0 { crashed += 1 }
        return true
    }
}
