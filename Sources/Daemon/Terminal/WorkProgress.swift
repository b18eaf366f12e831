import Synchronization

/// How far long work has come. May be told from any thread.
final class WorkProgress: Sendable {
    private let what: String
    private let started = monotonicTime()
    private let line = Mutex(ProgressLine())

    init(_ what: String) { self.what = what }

    /// - Parameter share: 0 to 1.
    func show(_ share: Double) {
        line.withLock { line in
            line.show { now in
                let left = share > 0 ? Double(now - started) / 1e9 * (1 - share) / share : 0
                return "\(what)  \(Int(share * 100)) %  \(Int(left)) s left"
            }
        }
    }

    /// Takes the line away.
    func clear() { line.withLock { $0.clear() } }
}
