import Core
import Testing

@testable import Streaming

@Suite("Where songs begin and end")
struct SongBoundaryTests {
    private let second = TaggerTests.second

    /// Hears stretches of noise (true) and digital silence (false), in seconds.
    private func songs(
        _ stretches: [(Bool, Double)], silence: Double = 2, amplitude: Float = 0.5
    ) throws -> (Transcript, Int64) {
        var settings = TaggerSettings()
        settings.silenceDuration = silence
        let tagger = try Tagger(model: .random(nets: [(3, 8)]), settings: settings)
        var transcript = Transcript()
        for (index, (isLoud, seconds)) in stretches.enumerated() {
            let signal =
                isLoud
                ? TaggerTests.noise(seconds: seconds, amplitude: amplitude, seed: UInt64(index) + 1)
                : [Float](repeating: 0, count: Int(seconds * Double(second)))
            tagger.hear(signal, cuts: [777, 5], into: &transcript)
        }
        let position = tagger.position
        tagger.finish { transcript.note($0) }
        return (transcript, position)
    }

    @Test("Two seconds of silence end a song where its last sound was")
    func silence() throws {
        let (transcript, _) = try songs([(true, 3), (false, 3), (true, 2)])
        #expect(transcript.songs.count == 2)
        let (first, next) = (transcript.songs[0], transcript.songs[1])
        #expect(first.start == 0)
        #expect(abs(first.end - Int64(3 * second)) <= Int64(SilenceDetector.block))
        #expect(abs(next.start - Int64(6 * second)) <= Int64(SilenceDetector.block))
        #expect(next.end == Int64(8 * second))
    }

    @Test("A shorter pause doesn't, and its windows count")
    func pause() throws {
        let (transcript, position) = try songs([(true, 3), (false, 1.5), (true, 2)])
        #expect(transcript.songs.map(\.start) == [0])
        #expect(transcript.songs.map(\.end) == [position])
        #expect(transcript.tags.last?.songWindows == transcript.tags.count)
    }

    @Test("Windows that ended in the silence behind a song never belonged to it")
    func trailingSilence() throws {
        let (alone, _) = try songs([(true, 3)])
        let (followed, _) = try songs([(true, 3), (false, 4)])
        let song = try #require(followed.songs.first?.song)
        // At most the window that ended while its last block was still being measured.
        let expected = try #require(alone.songs.first?.song)
        #expect(largestDifference(song, expected) <= 2e-3)
        let silent = followed.tags.filter { $0.position > 5 * Int64(second) + 441 }
        #expect(!silent.isEmpty && silent.allSatisfy { $0.songStart == $0.position })
    }

    @Test("Silence alone is no song, and silence of 0 seconds ends none")
    func settings() throws {
        #expect(try songs([(false, 5)]).0.songs.isEmpty)
        let (transcript, position) = try songs([(true, 2), (false, 6), (true, 2)], silence: 0)
        #expect(transcript.songs.map(\.end) == [position])
    }

    @Test("Sound just above the level is sound, just below is silence")
    func level() throws {
        // Uniform noise of amplitude a has a root mean square of a / √3; −60 dBFS is 0.001.
        #expect(try songs([(true, 3)], amplitude: 0.0018).0.songs.count == 1)
        #expect(try songs([(true, 3)], amplitude: 0.0016).0.songs.isEmpty)
    }

    @Test("A song shorter than a window has no probabilities")
    func short() throws {
        let (transcript, _) = try songs([(true, 0.5)])
        #expect(transcript.songs == [SongReport(start: 0, end: Int64(second / 2), song: nil)])
    }
}
