import ArgumentParser
import Core

struct DevicesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices",
        abstract: "Capture devices, as --device of `run` takes them.",
        discussion: """
            Lists what ALSA's configuration names, with what each device offers where it can be opened. A device that \
            is not listed may still be named: any PCM of asound.conf will do.

            EXAMPLES
              wavetag devices
              wavetag devices --json | jq -r 'select(.available).device'
              wavetag run --device plughw:CARD=USB,DEV=0
            """
    )

    @Flag(help: "One JSON object a line.")
    var json = false

    func run() throws {
        // ALSA's plugins bring libraries that print what they miss (a JACK server); a device's reason says it.
        let devices = Output.withoutStandardError { ListedDevice.all() }
        if devices.isEmpty {
            Output.write(
                "wavetag: no capture device: is a sound card plugged in, and are you in the group audio?\n", to: 2)
        }
        for device in devices {
            guard Output.write(json ? line(of: device) : text(of: device)) else { return }
        }
    }

    private func text(of device: ListedDevice) -> String {
        var lines = device.name + "\n"
        if !device.description.isEmpty { lines += "    \(device.description)\n" }
        if let abilities = device.abilities {
            lines += "    \(span(abilities.rates)) Hz, \(span(abilities.channels)) channels"
            lines += ", \(abilities.formats.joined(separator: " "))\n"
        } else if let reason = device.reason {
            lines += "    can't be opened: \(reason)\n"
        }
        return lines
    }

    private func span(_ range: ClosedRange<Int>) -> String {
        range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    }

    private func line(of device: ListedDevice) -> String {
        var line: [UInt8] = Array("{\"device\":".utf8)
        line.appendJSON(string: device.name)
        line += Array(",\"description\":".utf8)
        line.appendJSON(string: device.description)
        line += Array(",\"available\":\(device.abilities != nil)".utf8)
        if let abilities = device.abilities {
            line += Array(
                ",\"rates\":[\(abilities.rates.lowerBound),\(abilities.rates.upperBound)]".utf8)
            line += Array(
                ",\"channels\":[\(abilities.channels.lowerBound),\(abilities.channels.upperBound)]".utf8)
            line += Array(",\"formats\":[".utf8)
            for (index, format) in abilities.formats.enumerated() {
                if index > 0 { line.append(UInt8(ascii: ",")) }
                line.appendJSON(string: format)
            }
            line.append(UInt8(ascii: "]"))
        }
        if let reason = device.reason {
            line += Array(",\"reason\":".utf8)
            line.appendJSON(string: reason)
        }
        return String(decoding: line, as: UTF8.self) + "}\n"
    }
}
