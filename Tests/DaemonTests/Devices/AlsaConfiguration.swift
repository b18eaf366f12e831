import Foundation

/// ALSA devices for tests: real PCMs of ALSA's own plugins, named in a configuration file of their own.
struct AlsaConfiguration {
    let folder: String

    /// A file whose bytes the PCM `name` captures, and behind which it delivers silence.
    func fileDevice(_ name: String) -> (name: String, path: String) { (name, "\(folder)/\(name).raw") }

    /// What a child process needs to see the devices.
    var environment: [String: String] { ["ALSA_CONFIG_PATH": "\(folder)/asound.conf"] }

    /// The socket of a PulseAudio server whose sink `wavetag` is heard by the PCM `pulse`.
    var pulseSocket: String { "\(folder)/pulse.sock" }

    /// - Parameters:
    ///   - fileDevices: names of PCMs that capture files.
    ///   - hinted: whether they are to be listed.
    init(fileDevices: [String], hinted: Bool = false) throws {
        folder = "/tmp/wavetag-alsa-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var text = """
            pcm.pulse { type pulse; device "wavetag.monitor"; server "unix:\(folder)/pulse.sock" }

            """
        // Stands beside the tests; Tests/ScriptedDevice says what it does.
        text += """
            pcm_type.scripted { lib "\(Self.buildFolder)/libasound_module_pcm_scripted.so" }
            pcm.failing { type scripted; failures "EPIPE ESTRPIPE RESUME ENODEV EIO"; buffer 524288 }

            """
        for name in fileDevices {
            text += """
                pcm.\(name) {
                    type file
                    slave.pcm { type null }
                    file "/dev/null"
                    infile "\(folder)/\(name).raw"
                    format "raw"
                    \(hinted ? "hint { show on description \"A file for tests\" }" : "")
                }

                """
        }
        try text.write(toFile: "\(folder)/asound.conf", atomically: true, encoding: .utf8)
    }

    private static let buildFolder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path

    /// The devices that this process' own ALSA sees: it reads its configuration once.
    static let shared: AlsaConfiguration = {
        do {
            let configuration = try AlsaConfiguration(fileDevices: (1...8).map { "file\($0)" })
            setenv("ALSA_CONFIG_PATH", "\(configuration.folder)/asound.conf", 1)
            return configuration
        } catch {
            fatalError("no temporary folder: \(error)")
        }
    }()

    func remove() { try? FileManager.default.removeItem(atPath: folder) }
}
