import Glibc

/// The terminal that this program was started in: SIGHUP says that it is gone, or else that settings are to be read anew.
struct ControllingTerminal {
    /// Whether its end is to be the program's: there is one, and nobody (nohup) wants the program to outlive it.
    private let matters: Bool

    /// To be made before SIGHUP is handled.
    init() {
        var action = sigaction()
        sigaction(SIGHUP, nil, &action)
        let isIgnored = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
        matters = !isIgnored && Self.isThere
    }

    /// Whether it was there and is no more.
    var isGone: Bool { matters && !Self.isThere }

    private static var isThere: Bool {
        let descriptor = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
        // Without a descriptor left for it nobody knows.
        guard descriptor >= 0 else { return errno == EMFILE || errno == ENFILE }
        close(descriptor)
        return true
    }
}
