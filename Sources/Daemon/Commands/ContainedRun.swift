import CLinux
import Glibc

/// This program, run again in a process of its own, for work in which a library may crash on what it reads.
enum ContainedRun {
    enum Outcome {
        /// The other process ended by itself, with a code and what it wrote on standard error.
        case ended(code: Int32, errors: [UInt8])
        /// A signal ended it: it crashed, or took too long.
        case crashed
    }

    /// Holds the process that it is called in to what no honest file needs: two minutes and 4 GB.
    static func limit() { wavetag_limit_process(120, 4 << 30) }

    /// Waits for the end; standard output is shared.
    ///
    /// - Returns: nil where no process can be had; `errno` says why.
    static func run(_ arguments: [String]) -> Outcome? {
        var descriptors: [Int32] = [0, 0]
        guard pipe(&descriptors) == 0 else { return nil }
        for descriptor in descriptors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        defer { close(descriptors[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, descriptors[1], STDERR_FILENO)

        // A crash's own report would be a second line, and takes seconds.
        let environment = processEnvironment().merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        var argv = (["wavetag"] + arguments).map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var identifier: pid_t = 0
        let error = posix_spawn(&identifier, "/proc/self/exe", &actions, nil, &argv, &envp)
        close(descriptors[1])
        guard error == 0 else {
            errno = error
            return nil
        }

        var errors: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptors[0], &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            errors += buffer[0..<count]
        }
        var status: Int32 = 0
        while waitpid(identifier, &status, 0) < 0 { guard errno == EINTR else { return nil } }
        // The low seven bits are the signal that ended it.
        return status & 0x7F == 0 ? .ended(code: status >> 8 & 0xFF, errors: errors) : .crashed
    }
}
