import CSndfile
import Foundation
import Testing

@testable import Core

/// A folder of small sound files, and of a cache of them. It goes with this object.
final class SoundFolder: Sendable {
    let path = "/tmp/wavetag-sounds-\(UUID().uuidString.prefix(8))"
    var cache: String { path + "/cache" }

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Noise, of which no two windows are alike, under a slow tone.
    static func noise(seed: UInt64, frames: Int, channels: Int = 1) -> [Float] {
        var generator = SplitMix64(state: seed)
        return (0..<(frames * channels)).map { index in
            0.4 * generator.nextUniform() + 0.5 * Float(sin(Double(index) / 300))
        }
    }

    /// Writes a file with libsndfile.
    @discardableResult
    func write(
        _ name: String, _ samples: [Float], format: Int = SF_FORMAT_WAV | SF_FORMAT_PCM_16, rate: Int = 22_050,
        channels: Int = 1
    ) throws -> String {
        let file = "\(path)/\(name)"
        var info = SF_INFO()
        info.samplerate = Int32(rate)
        info.channels = Int32(channels)
        info.format = Int32(format)
        let handle = try #require(sf_open(file, Int32(SFM_WRITE), &info), "libsndfile can't write \(name)")
        sf_writef_float(handle, samples, sf_count_t(samples.count / channels))
        sf_close(handle)
        return file
    }

    @discardableResult
    func write(_ name: String, text: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }

    /// A manifest of lines `path start length`, all training, tag a with a tenth of the line's number.
    func manifest(_ lines: [String]) throws -> Manifest {
        var text = "path\tstart\tlength\tsplit\ttag:a\ttag:b\n"
        for (index, line) in lines.enumerated() {
            let fields = line.split(separator: " ").map(String.init) + ["", ""]
            text += "\(fields[0])\t\(fields[1])\t\(fields[2])\ttrain\t\(Double(index) / 10)\t1\n"
        }
        return try Manifest(parsing: Array(text.utf8), path: "\(path)/manifest.tsv")
    }

    /// The cache's sounds.
    var entries: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: cache)) ?? []).filter { $0.hasSuffix(".sound") }.sorted()
    }

    var leftovers: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: cache)) ?? []).filter { $0.contains("partial") }
    }
}

extension SoundFolder {
    /// A file system in memory that is soon full.
    ///
    /// - Returns: false where this user may not have one.
    func mountSmall(at place: String, size: String) -> Bool {
        guard geteuid() == 0 else { return false }
        try? FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        return run("/bin/mount", ["-t", "tmpfs", "-o", "size=\(size)", "wavetag-test", place])
    }

    func unmount(_ place: String) { _ = run("/bin/umount", ["-l", place]) }

    private func run(_ program: String, _ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
