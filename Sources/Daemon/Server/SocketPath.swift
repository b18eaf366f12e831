import Glibc

/// Where the daemon listens and clients look.
enum SocketPath {
    /// systemd's runtime directory for the unit, the system's for root, the user's otherwise.
    static func standard(environment: [String: String]) -> String {
        if let directory = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first {
            return "\(directory)/wavetag.sock"
        }
        if getuid() != 0, let directory = environment["XDG_RUNTIME_DIR"], !directory.isEmpty {
            return "\(directory)/wavetag.sock"
        }
        return "/run/wavetag/wavetag.sock"
    }
}
