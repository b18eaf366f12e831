import Glibc

/// A shell's command among mounts of its own: a file system that is full, a journal that isn't the machine's.
enum MountNamespace {
    /// Whether this machine lets a test have one: root may, others where user namespaces are permitted.
    static let isAvailable: Bool = {
        let mount = try? ChildProcess(words + ["mount -t tmpfs tmpfs /mnt"]).end()
        if mount?.code != 0 { print("no mounts of one's own here: what needs them isn't tested") }
        return mount?.code == 0
    }()

    static let words = ["/usr/bin/unshare", getuid() == 0 ? "-m" : "-rm", "/bin/sh", "-c"]

    /// `$0`, `$1`, … of the command are `arguments`. Its end is the end of the program that it `exec`s.
    static func start(
        _ command: String, _ arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> ChildProcess {
        try ChildProcess(words + [command] + arguments, environment: environment)
    }
}

extension ChildProcess {
    /// A path as this program sees it.
    func seen(_ path: String) -> String { "/proc/\(identifier)/root\(path)" }
}
