import Glibc

/// Reads inputs in other processes, a batch in each as far as it comes, and tells what became of them.
///
/// What ends such a process is a library's fault where the library stands in address sanitizer's report, which has the stack,
/// also of an input that takes too long. Otherwise it is ours: Swift's own checks raise signals that leave no report.
package struct ContainedReader {
    private let reader: FuzzReader
    /// What a library's frames have in them.
    private let library: String
    /// The number of the input that is being read, seen by both processes.
    private let current: UnsafeMutablePointer<Int>
    private let report = "report"
    package private(set) var read = 0
    /// Inputs that the library crashed on, and those on which it went on for too long.
    package private(set) var crashed = 0
    package private(set) var hung = 0

    /// A fault of ours.
    package struct Fault {
        /// The input; nil of what shows only when a batch is through: a leak.
        package let input: [UInt8]?
        package let report: String
    }

    /// Processor time that one input may take, in microseconds; most take three milliseconds.
    private static let patience = 500_000
    private static let tooLong = "no end after half a second\n"

    package init(_ target: FuzzTarget, library: String) {
        reader = FuzzReader(target)
        self.library = library
        let memory = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else { fatalError("no memory: \(String(cString: strerror(errno)))") }
        current = memory.assumingMemoryBound(to: Int.self)
    }

    /// Reads all of them, or up to one that is a fault of ours.
    package mutating func read(_ inputs: [[UInt8]]) -> Fault? {
        var start = 0
        while start < inputs.count {
            let status = process(inputs[start...])
            let at = current.pointee
            read += min(at + 1, inputs.count) - start
            start = at + 1
            guard status != 0 else { continue }
            let told = contents(of: report)
            guard isOfLibrary(told), status & 0x7F == 0 else {
                return Fault(input: at < inputs.count ? inputs[at] : nil, report: "status \(status)\n" + told)
            }
            if told.hasPrefix(Self.tooLong) { hung += 1 } else { crashed += 1 }
        }
        return nil
    }

    /// Where the library wrote beyond memory that it was given, who gave it too little is to blame. It goes beyond its end:
    /// what is found before somebody's memory isn't that.
    private func isOfLibrary(_ report: String) -> Bool {
        guard let owner = report.firstRange(of: "allocated by thread") else { return report.contains(library) }
        if report.contains(" bytes before ") { return report[..<owner.lowerBound].contains(library) }
        return report[..<owner.lowerBound].contains(library) && report[owner.upperBound...].contains(library)
    }

    /// - Returns: how the process ended that read them, as `waitpid` has it.
    private func process(_ inputs: ArraySlice<[UInt8]>) -> Int32 {
        fflush(nil)
        let child = fork()
        guard child >= 0 else { fatalError("no process: \(String(cString: strerror(errno)))") }
        if child == 0 {
            let file = open(report, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            dup2(file, STDERR_FILENO)
            // Address sanitizer then reports where it was.
            signal(SIGPROF) { _ in
                _ = write(STDERR_FILENO, ContainedReader.tooLong, ContainedReader.tooLong.utf8.count)
                abort()
            }
            for (number, input) in zip(inputs.indices, inputs) {
                current.pointee = number
                var limit = itimerval(it_interval: timeval(), it_value: timeval(tv_sec: 0, tv_usec: Self.patience))
                setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &limit, nil)
                input.withUnsafeBytes { reader.read($0) }
            }
            var off = itimerval()
            setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &off, nil)
            current.pointee = inputs.endIndex
            // With what is done at an end: leaks are looked for.
            exit(0)
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 { precondition(errno == EINTR) }
        return status
    }

    private func contents(of path: String) -> String {
        guard let file = fopen(path, "re") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
