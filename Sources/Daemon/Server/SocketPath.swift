import Glibc

/// Where the daemon listens and clients look, where nobody says.
enum SocketPath {
    /// The daemon's: in systemd's runtime directory for its unit, or where clients look.
    static func listening(environment: [String: String]) -> String {
        environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first.map { "\($0)/wavetag.sock" }
            ?? looked(environment: environment)
    }

    /// A client's: the system's for root and where there is no other, the user's otherwise. A unit's runtime directory is
    /// that unit's own, and a client's unit has another than the daemon's.
    static func looked(environment: [String: String]) -> String {
        if getuid() != 0, let directory = environment["XDG_RUNTIME_DIR"], !directory.isEmpty {
            return "\(directory)/wavetag.sock"
        }
        return "/run/wavetag/wavetag.sock"
    }
}
