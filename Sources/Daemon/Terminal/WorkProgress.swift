import Glibc
import Synchronization

/// How far long work has come: a line that lives, on a terminal only. May be told from any thread.
final class WorkProgress: Sendable {
    private let what: String
    private let isShown = Output.isTerminal(STDERR_FILENO)
    private let started = monotonicTime()
    private let lastShown = Mutex<Int64>(0)

    init(_ what: String) { self.what = what }

    /// - Parameter share: 0 to 1.
    func show(_ share: Double) {
        guard isShown else { return }
        let now = monotonicTime()
        lastShown.withLock { last in
            guard now - last > 100_000_000 else { return }
            last = now
            let left = share > 0 ? Double(now - started) / 1e9 * (1 - share) / share : 0
            Output.write("\r\u{1B}[K\(what)  \(Int(share * 100)) %  \(Int(left)) s left", to: STDERR_FILENO)
        }
    }

    /// Takes the line away.
    func clear() {
        if isShown, lastShown.withLock({ $0 }) != 0 { Output.write("\r\u{1B}[K", to: STDERR_FILENO) }
    }
}
