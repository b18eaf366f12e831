import Core
import Testing

@testable import Streaming

@Suite("Songs cut where the music becomes another")
struct NoveltyTests {
    private static let second = TaggerTests.second

    /// Noise: a song without a tone.
    private static func noise(_ seconds: Double, seed: UInt64 = 1) -> [Float] {
        TaggerTests.noise(seconds: seconds, seed: seed)
    }

    /// A square wave whose pitch wanders, with a little noise: another song.
    private static func tones(_ seconds: Double, seed: UInt64 = 2) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        let hiss = generator.floats(Int(seconds * Double(second)), in: -0.02...0.02)
        var phase: Float = 0
        return hiss.enumerated().map { index, noise in
            phase += (220 + 20 * Float(index / 11_025 % 4)) / Float(second)
            if phase >= 1 { phase -= 1 }
            return (phase < 0.5 ? 0.6 : -0.6) + noise
        }
    }

    private static func silence(_ seconds: Double) -> [Float] {
        [Float](repeating: 0, count: Int(seconds * Double(second)))
    }

    /// Hops of which a block is a multiple: a song heard alone from a block's start on has the same windows.
    private static func settings(_ boundaries: SongBoundaries = .novelty) -> TaggerSettings {
        var settings = TaggerSettings(hop: 2205)
        settings.netHops = ["5^6": 1050]
        settings.songBoundaries = boundaries
        return settings
    }

    /// Random nets, but for batch norms that expect no more than the features of these sounds vary: a factor on weight and
    /// deviation that leaves what the nets compute as it is.
    private static func model(nets: [(Int, Int)] = [(3, 8), (5, 6)], withClassifier: Bool = true) throws -> Model {
        var model = try Model.random(nets: nets, withClassifier: withClassifier)
        for net in model.nets.indices {
            for layer in model.nets[net].shape.featureLayers {
                guard var norm = model.nets[net].float?.layers[layer].batchNorm else { continue }
                norm.weight = norm.weight.map { $0 / 64 }
                norm.runningVariance = norm.runningVariance.map { $0 / 4096 }
                model.nets[net].float?.layers[layer].batchNorm = norm
            }
        }
        return model
    }

    private static func hear(
        _ signal: [Float], settings: TaggerSettings = settings(), withClassifier: Bool = true, cuts: [Int] = [4000]
    ) throws -> Transcript {
        let tagger = try Tagger(model: model(withClassifier: withClassifier), settings: settings)
        var transcript = Transcript()
        tagger.hear(signal, cuts: cuts, into: &transcript)
        tagger.finish { transcript.note($0) }
        return transcript
    }

    @Test("A song ends where the next begins, and is told within the time documented")
    func found() throws {
        let transcript = try Self.hear(Self.noise(70) + Self.tones(60))
        #expect(transcript.songs.count == 2)
        #expect(transcript.songs.map(\.start) == [0] + transcript.songs.map(\.end).dropLast())
        for (song, change) in zip(transcript.songs, [70]) {
            #expect(abs(song.end - Int64(change * Self.second)) <= Int64(2 * Self.second))
            #expect(song.end % Int64(NoveltyDetector.block) == 0)
            let first = try #require(transcript.tags.first { $0.songStart == song.end })
            // 31 s and half a window of 78 125 samples, and the hop until a window ends.
            #expect(first.position - song.end <= Int64(33 * Self.second))
            #expect(first.songWindows > 0)
        }
        #expect(transcript.songs.last?.end == Int64(130 * Self.second))
    }

    @Test("Nothing is found in one song, nor where it isn't wanted")
    func notFound() throws {
        #expect(try Self.hear(Self.noise(150)).songs.count == 1)
        #expect(try Self.hear(Self.tones(150)).songs.count == 1)
        let change = Self.noise(60) + Self.tones(60)
        #expect(try Self.hear(change, settings: Self.settings(.silence)).songs.count == 1)
        #expect(try Self.hear(change, settings: Self.settings(.off)).songs.count == 1)
    }

    @Test("Taggers that take each other's place find the same song changes, in songs as old as the stream")
    func succession() throws {
        let signal = Self.noise(70) + Self.tones(60)
        let whole = try Self.hear(signal)
        var relay = Relay(try Tagger(model: Self.model(), settings: Self.settings()), signal: signal)
        for place in [30, 68, 90, 120] {
            relay.hear(to: place * Self.second + 100, cuts: [4000])
            relay.change(to: try Tagger(model: Self.model(), settings: Self.settings()), sameNets: true, late: 500)
        }
        #expect(relay.finish().songs == whole.songs)

        // Other nets begin to look where they come: 50 s behind the change nothing older is a place.
        var other = Relay(try Tagger(model: Self.model(), settings: Self.settings()), signal: signal)
        other.hear(to: 60 * Self.second, cuts: [4000])
        other.change(to: try Tagger(model: Self.model(), settings: Self.settings()), sameNets: false)
        #expect(other.finish().songs.count == 1)
    }

    @Test("A part that the song comes back to ends it less than one that lasts")
    func returning() throws {
        // Twelve seconds of another sound, and the first again: the nearest blocks behind the place are the song's own.
        let there = Self.noise(60) + Self.tones(12) + Self.noise(70, seed: 3)
        #expect(try Self.hear(there).songs.count == 1)
        #expect(try Self.hear(Self.noise(60) + Self.tones(82)).songs.count == 2)
    }

    @Test("No song that is cut is shorter than documented")
    func shortest() throws {
        #expect(try Self.hear(Self.noise(30) + Self.tones(80)).songs.count == 1)
        let songs = try Self.hear(Self.noise(60) + Self.tones(30) + Self.noise(70, seed: 3)).songs
        for song in songs { #expect(song.end - song.start >= Int64(NoveltyDetector.shortestSong * Self.second)) }
    }

    @Test("Silence ends songs with novelty, and none where songs are off")
    func silence() throws {
        let signal = Self.noise(20) + Self.silence(3) + Self.noise(20, seed: 4)
        #expect(try Self.hear(signal).songs.count == 2)
        #expect(try Self.hear(signal, settings: Self.settings(.silence)).songs.count == 2)
        let whole = try Self.hear(signal, settings: Self.settings(.off))
        #expect(whole.songs.map(\.start) == [0] && whole.songs.map(\.end) == [Int64(signal.count)])
    }

    @Test("Each song is what it would be if it had been heard alone", arguments: [false, true])
    func splits(withClassifier: Bool) throws {
        let signal = Self.noise(65) + Self.tones(70)
        let whole = try Self.hear(signal, withClassifier: withClassifier)
        try #require(whole.songs.count == 2)
        let boundary = Int(whole.songs[0].end)
        for (song, part) in zip(whole.songs, [signal[..<boundary], signal[boundary...]]) {
            let alone = try Self.hear(Array(part), settings: Self.settings(.off), withClassifier: withClassifier)
            let expected = try #require(alone.songs.first?.song)
            #expect(largestDifference(try #require(song.song), expected) <= 1e-6)
        }
        // The song that goes on, too, holds what a run from the boundary on would.
        let alone = try Self.hear(
            Array(signal[boundary...]), settings: Self.settings(.off), withClassifier: withClassifier)
        let (last, lastAlone) = (try #require(whole.tags.last), try #require(alone.tags.last))
        #expect(last.songWindows == lastAlone.songWindows)
        #expect(last.position - last.songStart == lastAlone.position)
    }

    @Test("A boundary that is found while a silence lasts splits the song before it")
    func silenceBehind() throws {
        let signal = Self.noise(60) + Self.tones(32) + Self.silence(4)
        var settings = Self.settings()
        settings.silenceDuration = 3.5
        let transcript = try Self.hear(signal, settings: settings)
        try #require(transcript.songs.count == 2)
        let boundary = Int(transcript.songs[0].end)
        #expect(abs(boundary - 60 * Self.second) <= 2 * Self.second)
        #expect(abs(transcript.songs[1].end - Int64(92 * Self.second)) <= Int64(SilenceDetector.block))
        let alone = try Self.hear(Array(signal[boundary..<(92 * Self.second)]), settings: Self.settings(.off))
        // At most the windows that ended while the silence's first block was still being measured.
        let difference = largestDifference(
            try #require(transcript.songs[1].song), try #require(alone.songs[0].song))
        #expect(difference <= 2e-3)
    }

    @Test("What is found doesn't depend on cuts, batches or threads")
    func cuts() throws {
        let signal = Self.noise(55) + Self.tones(60)
        let expected = try Self.hear(signal, cuts: [735])
        #expect(expected.songs.count == 2)
        for (cuts, batch, threads) in [([441, 7, 10_000], 1, 2), ([70_000], 64, 1), ([3001], 5, 1)] {
            var settings = Self.settings()
            settings.batch = batch
            settings.threads = threads
            let isEqual = try Self.hear(signal, settings: settings, cuts: cuts) == expected
            #expect(isEqual)
        }
    }

    @Test("A gap is no boundary, and behind it boundaries are found as before")
    func gap() throws {
        let tagger = try Tagger(model: Self.model(), settings: Self.settings())
        var transcript = Transcript()
        tagger.hear(Self.noise(40.3), cuts: [4000], into: &transcript)
        tagger.gap()
        tagger.hear(Self.noise(50, seed: 5), cuts: [4000], into: &transcript)
        #expect(transcript.songs.isEmpty)
        tagger.hear(Self.tones(10), cuts: [4000], into: &transcript)
        tagger.gap()
        tagger.hear(Self.tones(40, seed: 6), cuts: [4000], into: &transcript)
        #expect(transcript.songs.count == 1)
        let end = try #require(transcript.songs.first?.end)
        #expect(abs(end - Int64(90.3 * Double(Self.second))) <= Int64(2 * Self.second))
    }

    @Test("A tagger that has finished hears the next stream as a new one does")
    func again() throws {
        let tagger = try Tagger(model: Self.model(), settings: Self.settings())
        var (first, second) = (Transcript(), Transcript())
        let signal = Self.noise(55) + Self.tones(50)
        tagger.hear(signal, cuts: [4000], into: &first)
        tagger.finish { first.note($0) }
        tagger.hear(signal, cuts: [9000], into: &second)
        tagger.finish { second.note($0) }
        #expect(first.songs.count == 2)
        #expect(first.songs == second.songs)
        #expect(first.tags.map(\.window) == second.tags.map(\.window))
        for (one, other) in zip(first.tags, second.tags) where one.songWindows > 0 {
            guard one.song != other.song || one.songStart != other.songStart else { continue }
            Issue.record("songs differ at \(one.position)")
            break
        }
    }

    @Test("Hops longer than a block, and windows longer than blocks, are heard all the same")
    func longHops() throws {
        var settings = TaggerSettings(hop: 50_000)
        settings.songBoundaries = .novelty
        let tagger = try Tagger(model: Self.model(nets: [(3, 8), (5, 6)]), settings: settings)
        var transcript = Transcript()
        tagger.hear(Self.noise(80) + Self.tones(80), cuts: [8000], into: &transcript)
        tagger.finish { transcript.note($0) }
        #expect(transcript.songs.count == 2)
        #expect(abs((transcript.songs.first?.end ?? 0) - Int64(80 * Self.second)) <= Int64(4 * Self.second))
    }

    @Test(
        "Expected features are the largest of normal numbers, cut off at zero",
        arguments: [
            (0.0, 1.0, 1, 0.398942, 0.340845),  // 1 / √2π, 1/2 − 1/2π
            (10, 1, 2, 10.564190, 0.681690),  // + 1/√π, 1 − 1/π
            (10, 2, 9, 12.970026, 1.429326),  // order statistics of nine: 1.485013 and 0.357353
            (3, 0, 4, 3, 0), (-9, 1, 1, 0, 0),
        ])
    func expectation(mean: Double, deviation: Double, values: Int, expected: Double, variance: Double) {
        let found = ExpectedFeatures.moments(mean: mean, deviation: deviation, values: values)
        #expect(abs(found.mean - expected) <= 2e-4)
        #expect(abs(found.variance - variance) <= 4e-3)
    }
}
