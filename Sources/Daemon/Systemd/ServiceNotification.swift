import CSystemd
import Glibc

/// What systemd is told and what it hands over. Everywhere else all of this does nothing.
enum ServiceNotification {
    static func ready() { send("READY=1") }
    static func status(_ status: String) { send("STATUS=\(status)") }
    /// To be followed by `ready`. The time is what systemd 253 and its Type=notify-reload ask for as well.
    static func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(monotonicTime() / 1000)") }
    static func stopping() { send("STOPPING=1") }
    static func watchdog() { send("WATCHDOG=1") }

    /// Whether systemd started this process as a service that notifies.
    ///
    /// INVOCATION_ID says nothing: desktops run terminals as services, and all that is started there inherits it.
    static var isService: Bool { getenv("NOTIFY_SOCKET") != nil }

    /// Seconds within which systemd wants to hear from its watchdog; nil where it doesn't.
    static var watchdogInterval: Double? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0, microseconds > 0 else { return nil }
        return Double(microseconds) / 1e6
    }

    /// The listening Unix socket that systemd opened for this process, if it did.
    ///
    /// - Throws: `SocketError` when systemd handed over something else.
    static func activatedSocket() throws(SocketError) -> Int32? {
        let count = sd_listen_fds(0)
        guard count > 0 else { return nil }
        let first: Int32 = 3
        guard count == 1, sd_is_socket_unix(first, Int32(SOCK_STREAM.rawValue), 1, nil, 0) > 0 else {
            throw SocketError(description: "socket activation: one Unix stream socket that listens wanted")
        }
        return first
    }

    private static func send(_ state: String) { sd_notify(0, state) }
}
