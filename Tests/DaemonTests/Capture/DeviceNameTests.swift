import Foundation
import Glibc
import Testing

@testable import Daemon

@Suite("Device names")
struct DeviceNameTests {
    @Test(
        "A link that udev makes is followed to its card; ALSA's own names stay",
        arguments: [
            ("default", "", "default"), ("hw:CARD=USB", "", "hw:CARD=USB"), ("plughw:1,0", "", "plughw:1,0"),
            ("FOLDER/usb", "../controlC3", "hw:3,0"), ("plughw:FOLDER/usb", "../controlC3", "plughw:3,0"),
            ("hw:FOLDER/usb,1", "../controlC12", "hw:12,1"),
            ("FOLDER/usb", "/dev/snd/pcmC1D2c", "hw:1,2"),
        ])
    func names(name: String, target: String, pcm: String) throws {
        let folder = "/tmp/wavetag-by-id-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        if !target.isEmpty { #expect(symlink(target, folder + "/usb") == 0) }
        #expect(try DeviceName.pcm(of: name.replacing("FOLDER", with: folder)) == pcm)
    }

    @Test(
        "A path that leads nowhere, or to no card, is said",
        arguments: [
            ("/nowhere/usb", "/nowhere/usb: No such file or directory"),
            ("hw:/etc/passwd", "hw:/etc/passwd: a sound card's controlC… or pcmC…D…c wanted: Invalid argument"),
        ])
    func wrong(name: String, message: String) {
        let error = #expect(throws: CaptureError.self) { try DeviceName.pcm(of: name) }
        #expect(error?.description == message)
    }
}
