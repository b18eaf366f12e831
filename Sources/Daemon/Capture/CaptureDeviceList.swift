import CALSA
import Glibc

/// An ALSA PCM that sound may be captured from, as `wavetag devices` lists it.
struct ListedDevice: Equatable {
    /// What --device takes.
    let name: String
    let description: String
    /// What it offers; nil where it couldn't be opened, with the reason.
    let abilities: Abilities?
    let reason: String?

    struct Abilities: Equatable {
        let rates: ClosedRange<Int>
        let channels: ClosedRange<Int>
        let formats: [String]
    }

    /// All capture PCMs that ALSA's configuration names, `default` first.
    static func all() -> [ListedDevice] {
        wavetag_alsa_silence_errors()
        var hints: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
        guard snd_device_name_hint(-1, "pcm", &hints) == 0, let hints else { return [] }
        defer { snd_device_name_free_hint(hints) }
        var devices: [ListedDevice] = []
        var next = hints
        while let hint = next.pointee {
            next += 1
            // No direction means both.
            let direction = text(hint, "IOID")
            guard direction == nil || direction == "Input", let name = text(hint, "NAME"), name != "null" else {
                continue
            }
            let lines = (text(hint, "DESC") ?? "").split(separator: "\n").joined(separator: ", ")
            devices.append(probed(name, description: lines))
        }
        return devices.sorted { ($0.name == "default" ? 0 : 1, $0.name) < ($1.name == "default" ? 0 : 1, $1.name) }
    }

    private static func text(_ hint: UnsafeMutableRawPointer, _ key: String) -> String? {
        guard let text = snd_device_name_get_hint(hint, key) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    static func probed(_ name: String, description: String) -> ListedDevice {
        wavetag_alsa_silence_errors()
        func failed(_ error: Int32) -> ListedDevice {
            ListedDevice(
                name: name, description: description, abilities: nil, reason: String(cString: snd_strerror(error)))
        }
        var pcm: OpaquePointer?
        let opened = snd_pcm_open(&pcm, name, SND_PCM_STREAM_CAPTURE, Int32(SND_PCM_NONBLOCK))
        guard opened >= 0 else { return failed(opened) }
        defer { snd_pcm_close(pcm) }
        var parameters: OpaquePointer?
        guard snd_pcm_hw_params_malloc(&parameters) >= 0 else { return failed(-12) }
        defer { snd_pcm_hw_params_free(parameters) }
        let any = snd_pcm_hw_params_any(pcm, parameters)
        guard any >= 0 else { return failed(any) }
        var (leastRate, mostRate, leastChannels, mostChannels) = (UInt32(0), UInt32(0), UInt32(0), UInt32(0))
        snd_pcm_hw_params_get_rate_min(parameters, &leastRate, nil)
        snd_pcm_hw_params_get_rate_max(parameters, &mostRate, nil)
        snd_pcm_hw_params_get_channels_min(parameters, &leastChannels)
        snd_pcm_hw_params_get_channels_max(parameters, &mostChannels)
        let formats = CaptureDevice.formats.filter { snd_pcm_hw_params_test_format(pcm, parameters, $0.1) == 0 }
        return ListedDevice(
            name: name, description: description,
            abilities: Abilities(
                rates: Int(leastRate)...max(Int(leastRate), Int(mostRate)),
                channels: Int(leastChannels)...max(Int(leastChannels), Int(mostChannels)),
                formats: formats.map { "\($0.0)" }),
            reason: nil)
    }
}
