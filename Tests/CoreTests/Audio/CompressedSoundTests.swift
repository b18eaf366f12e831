import Foundation
import Testing

@testable import Core

@Suite("Sound for a page")
struct CompressedSoundTests {
    @Test("What is compressed sounds alike when it is read again, and takes less the more it is compressed")
    func roundTrip() throws {
        var generator = SplitMix64(state: 4)
        let samples = (0..<66_150).map { index -> Float in
            let time = Float(index) / 22_050
            return 0.4 * sinf(2 * .pi * (220 + 80 * time) * time) + 0.02 * generator.nextUniform()
        }
        let sound = try #require(CompressedSound(samples, compression: 0.5))
        #expect(["audio/mpeg", "audio/ogg"].contains(sound.mediaType))
        #expect(sound.bytes.count < samples.count / 2)
        #expect(try #require(CompressedSound(samples, compression: 0.9)).bytes.count < sound.bytes.count)
        #expect(CompressedSound(samples, compression: 0.5) == sound)

        let path = "/tmp/wavetag-compressed-\(UUID().uuidString)"
        defer { unlink(path) }
        try Data(sound.bytes).write(to: URL(fileURLWithPath: path))
        let heard = try SoundFile.readMono(path: path)
        #expect(abs(heard.count - samples.count) < 22_050 / 5)
        // MP3 begins a little late.
        let best = (0..<3000).map { delay -> Float in
            var (both, own, other): (Float, Float, Float) = (0, 1e-9, 1e-9)
            for index in stride(from: 10_000, to: 50_000, by: 7) where index + delay < heard.count {
                both += samples[index] * heard[index + delay]
                own += samples[index] * samples[index]
                other += heard[index + delay] * heard[index + delay]
            }
            return both / (own * other).squareRoot()
        }.max()
        #expect((best ?? 0) > 0.97)
    }
}
