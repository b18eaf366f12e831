import Core
import Foundation
import Testing

/// The piece that `make run` plays: instruments of General MIDI, as fluidsynth renders them.
enum DemoPiece {
    /// The checkout.
    static let repository = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")

    /// Forty seconds at 22 050 Hz.
    ///
    /// - Parameter rendering: fluidsynth's options of rate and loudness.
    static func samples(rendering: [String] = ["-r", "22050"]) throws -> [Float] {
        let folder = "/tmp/wavetag-piece-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (piece, sound) = (folder + "/piece.mid", folder + "/piece.wav")
        try run(["python3", repository + "/demo/compose.py", piece])
        try run(
            ["fluidsynth", "-ni", "-q"] + rendering
                + ["-O", "s16", "-F", sound, "/usr/share/sounds/sf2/FluidR3_GM.sf2", piece])
        let samples = try SoundFile.readMono(path: sound)
        try #require(samples.count > 38 * 22_050 && samples.contains { abs($0) > 0.1 })
        return samples
    }

    private static func run(_ command: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(command[0]) is needed: make install-deps")
    }
}
