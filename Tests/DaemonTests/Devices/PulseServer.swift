import Glibc

@testable import Daemon

/// A PulseAudio server of the test's own, with one sink that plays a tone to nobody: a device with a clock, that can vanish.
final class PulseServer {
    private let identifier: pid_t
    private var isRunning = true

    /// Starts a server and waits until it takes connections.
    init(_ configuration: AlsaConfiguration) throws {
        let folder = configuration.folder
        let command = """
            exec env HOME=\(folder) XDG_RUNTIME_DIR=\(folder) PULSE_RUNTIME_PATH=\(folder) pulseaudio -n \
            --daemonize=no --exit-idle-time=-1 --use-pid-file=no --disallow-exit --log-target=null \
            -L 'module-native-protocol-unix auth-anonymous=1 socket=\(configuration.pulseSocket)' \
            -L 'module-null-sink sink_name=wavetag rate=44100 channels=2 format=s16le' \
            -L 'module-sine sink=wavetag frequency=440' >/dev/null 2>&1
            """
        unlink(configuration.pulseSocket)
        let texts: [String] = ["/bin/sh", "-c", command]
        var words: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
        words.append(nil)
        defer { words.forEach { free($0) } }
        var child: pid_t = 0
        guard posix_spawn(&child, "/bin/sh", nil, nil, &words, environ) == 0 else {
            throw ChildProcess.Failure(reason: "no shell")
        }
        identifier = child
        try waitUntilListening(configuration.pulseSocket)
    }

    deinit { kill() }

    /// The server dies at once, as when a sound card is pulled out.
    func kill() {
        guard isRunning else { return }
        isRunning = false
        Glibc.kill(identifier, SIGKILL)
        var status: Int32 = 0
        waitpid(identifier, &status, 0)
    }

    private func waitUntilListening(_ path: String) throws {
        let deadline = monotonicTime() + 20_000_000_000
        while monotonicTime() < deadline {
            if (try? SocketClient(connecting: path)) != nil { return }
            // Its folder says when the socket is made; until it listens, poll(2) on nothing is a pause between looks.
            poll(nil, 0, 20)
        }
        throw ChildProcess.Failure(reason: "PulseAudio does not listen at \(path)")
    }
}
