import Glibc
import Synchronization

/// Where the handler writes; −1 before there is a pipe.
private let signalWriter = Atomic<Int32>(-1)

/// Signals as bytes that poll(2) can wait for. One a process: it lives as long as the program.
struct SignalPipe {
    /// Readable when a signal has come.
    let descriptor: Int32

    init?(_ signals: [Int32]) {
        var descriptors: [Int32] = [0, 0]
        guard pipe(&descriptors) == 0 else { return nil }
        for descriptor in descriptors {
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        descriptor = descriptors[0]
        signalWriter.store(descriptors[1], ordering: .releasing)
        for number in signals {
            signal(number) { number in
                let before = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(signalWriter.load(ordering: .acquiring), &byte, 1)
                errno = before
            }
        }
    }

    /// The next signal that has come, if one has.
    func next() -> Int32? {
        var byte: UInt8 = 0
        return read(descriptor, &byte, 1) == 1 ? Int32(byte) : nil
    }
}
