import CSndfile
import Foundation
import Testing

@testable import Core

@Suite("Sound files")
struct SoundFileTests {
    private let folder = "/tmp/wavetag-sound-\(UUID().uuidString.prefix(8))"

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    private static func sine(_ frequency: Double, rate: Int, seconds: Double, channels: Int = 1) -> [Float] {
        (0..<Int(Double(rate) * seconds)).flatMap { frame in
            [Float](
                repeating: Float(0.5 * sin(2 * Double.pi * frequency * Double(frame) / Double(rate))), count: channels)
        }
    }

    /// Writes a file with libsndfile.
    private func write(_ samples: [Float], _ name: String, format: Int, rate: Int, channels: Int = 1) throws -> String {
        let path = "\(folder)/\(name)"
        var info = SF_INFO()
        info.samplerate = Int32(rate)
        info.channels = Int32(channels)
        info.format = Int32(format)
        let file = try #require(sf_open(path, Int32(SFM_WRITE), &info), "libsndfile can't write \(name)")
        sf_writef_float(file, samples, sf_count_t(samples.count / channels))
        sf_close(file)
        return path
    }

    /// Amplitude of one frequency in the middle of a signal at 22 050 Hz.
    private func amplitude(_ frequency: Double, _ samples: [Float]) -> Double {
        let middle = samples.dropFirst(samples.count / 4).prefix(samples.count / 2)
        var (real, imaginary) = (0.0, 0.0)
        for (index, sample) in middle.enumerated() {
            let angle = 2 * Double.pi * frequency * Double(index) / 22_050
            real += Double(sample) * cos(angle)
            imaginary += Double(sample) * sin(angle)
        }
        return 2 * (real * real + imaginary * imaginary).squareRoot() / Double(middle.count)
    }

    @Test("Every format and rate comes out as the same tone at 22 050 Hz mono")
    func formats() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, format, rate, tolerance) in [
            ("a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44_100, 0.001),
            ("b.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 8_000, 0.001),
            ("c.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 96_000, 0.001),
            ("d.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 48_000, 0.001),
            ("e.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44_100, 0.02),
            ("f.opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 48_000, 0.05),
            ("g.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44_100, 0.02),
        ] {
            let tone = Self.sine(1000, rate: rate, seconds: 2, channels: 2)
            let path = try write(tone, name, format: format, rate: rate, channels: 2)
            let mono = try SoundFile.readMono(path: path)
            #expect(abs(mono.count - 44_100) < 3000, "\(name): \(mono.count) samples")
            #expect(abs(amplitude(1000, mono) - 0.5) < tolerance, "\(name)")
        }
    }

    @Test("A tone above the nets' band is gone, one below is whole")
    func aliases() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let high = try write(
            Self.sine(15_000, rate: 44_100, seconds: 1), "h.wav", format: SF_FORMAT_WAV | SF_FORMAT_FLOAT, rate: 44_100)
        // 15 000 Hz would come back at 7 050.
        #expect(amplitude(7050, try SoundFile.readMono(path: high)) < 0.5 * 1.6e-5)
        let low = try write(
            Self.sine(8000, rate: 44_100, seconds: 1), "l.wav", format: SF_FORMAT_WAV | SF_FORMAT_FLOAT, rate: 44_100)
        #expect(abs(amplitude(8000, try SoundFile.readMono(path: low)) - 0.5) < 0.002)
    }

    @Test("A 16-bit file and a 16-bit device give the same floats, bit for bit; so do the wider ones")
    func deviceFormats() throws {
        let integers: [Int32] = [.min, .max, 0, -1, 1, 0x1234_5678, -0x1234_5678]
        func decoded(_ format: SampleFormat, _ bytes: [UInt8], _ count: Int) -> [Float] {
            var floats = [Float](repeating: 0, count: count)
            bytes.withUnsafeBytes { raw in floats.withUnsafeMutableBufferPointer { format.decode(raw, into: $0) } }
            return floats
        }
        let narrow = integers.map { Int16(truncatingIfNeeded: $0 >> 16) }
        let bytes16 = narrow.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
        #expect(decoded(.s16, bytes16, 7) == narrow.map { Float($0) / 32_768 })
        let middle = integers.map { $0 >> 8 }
        let bytes24 = middle.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0.prefix(3)) } }
        let bytes24in32 = middle.flatMap { withUnsafeBytes(of: ($0 & 0xFF_FFFF).littleEndian) { Array($0) } }
        #expect(decoded(.s24packed, bytes24, 7) == middle.map { Float($0) / 8_388_608 })
        #expect(decoded(.s24, bytes24in32, 7) == middle.map { Float($0) / 8_388_608 })
        let bytes32 = integers.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
        #expect(decoded(.s32, bytes32, 7) == integers.map { Float($0) / 2_147_483_648 })
        let floats: [Float] = [0.25, .nan, -.infinity, -1]
        let bytesFloat = floats.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array($0) } }
        #expect(decoded(.float32, bytesFloat, 4) == [0.25, 0, 0, -1])

        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = try write([], "16.wav", format: SF_FORMAT_WAV | SF_FORMAT_PCM_16, rate: 22_050)
        // As integers, which libsndfile keeps as they are.
        var info = SF_INFO(frames: 0, samplerate: 22_050, channels: 1, format: 0, sections: 0, seekable: 0)
        info.format = Int32(SF_FORMAT_WAV | SF_FORMAT_PCM_16)
        let file = try #require(sf_open(path, Int32(SFM_WRITE), &info))
        sf_writef_short(file, narrow, 7)
        sf_close(file)
        #expect(try SoundFile.readMono(path: path) == decoded(.s16, bytes16, 7))
    }

    @Test("Channels become their mean, or one of them")
    func channels() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let frames: [Float] = [0.5, -0.25, 0.25, 0, 1, 0.5]
        let path = try write(
            frames, "3.wav", format: SF_FORMAT_WAV | SF_FORMAT_FLOAT, rate: 22_050, channels: 3)
        #expect(try SoundFile.readMono(path: path) == [Float(0.5) / 3, Float(1.5) / 3])
        #expect(try SoundFile.readMono(path: path, choice: .single(1)) == [-0.25, 1])
        #expect(throws: SoundFileError.self) { try SoundFile.readMono(path: path, choice: .single(3)) }
    }

    @Test("Of a damaged file what can be read is kept; what gives nothing is one line")
    func damaged() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var generator = SplitMix64(state: 5)
        let noise = (0..<200_000).map { _ in generator.nextUniform() * 0.5 }
        for (name, format) in [
            ("a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16), ("a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16),
        ] {
            let path = try write(noise, name, format: format, rate: 22_050)
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: path))
            let kept = try SoundFile.readMono(path: path).count
            #expect(kept > 60_000 && kept <= 100_100, "\(name): \(kept)")
        }
        let garbage = "\(folder)/garbage.mp3"
        try Data("no sound at all".utf8).write(to: URL(fileURLWithPath: garbage))
        for (path, kind) in [(garbage, SoundFileError.Kind.invalid), (folder, .invalid), ("/nonexistent", .missing)] {
            let error = #expect(throws: SoundFileError.self) { try SoundFile.readMono(path: path) }
            #expect(error?.kind == kind)
            #expect(error?.description.hasPrefix(path + ": ") == true && error?.description.contains("\n") == false)
        }
        let empty = try write([], "empty.wav", format: SF_FORMAT_WAV | SF_FORMAT_PCM_16, rate: 22_050)
        #expect(try SoundFile.readMono(path: empty).isEmpty)
    }
}
