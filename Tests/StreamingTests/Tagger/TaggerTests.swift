import Core
import Testing

@testable import Streaming

/// Everything a tagger says, kept.
struct Transcript: Equatable {
    var tags: [TagReport] = []
    var songs: [SongReport] = []

    mutating func note(_ event: TaggerEvent) {
        switch event {
        case .tags(let report): tags.append(report)
        case .song(let song): songs.append(song)
        }
    }
}

extension Tagger {
    /// Hears a whole signal in pieces of the given lengths, over and over.
    func hear(_ signal: [Float], cuts: [Int], into transcript: inout Transcript) {
        var rest = signal[...]
        var index = 0
        while !rest.isEmpty {
            let piece = rest.prefix(cuts[index % cuts.count])
            rest = rest.dropFirst(piece.count)
            index += 1
            piece.withUnsafeBufferPointer { feed($0) { transcript.note($0) } }
        }
    }
}

@Suite("Tagger")
struct TaggerTests {
    static let second = 22_050

    static func noise(seconds: Double, amplitude: Float = 0.5, seed: UInt64 = 1) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return generator.floats(Int(seconds * Double(second)), in: -amplitude...amplitude)
    }

    @Test("The answer doesn't depend on cuts, on how many hops are computed together, or on threads")
    func cuts() throws {
        let model = try Model.random(nets: [(3, 8), (2, 13), (5, 5)], withClassifier: true)
        var signal = Self.noise(seconds: 3)
        signal += [Float](repeating: 0, count: 5 * Self.second / 2) + Self.noise(seconds: 2, seed: 2)
        var transcripts: [Transcript] = []
        for (cuts, batch, threads) in [
            ([1], 1, 1), ([441, 7, 10_000], 1, 3), ([100_000], 1, 2), ([100_000], 16, 8), ([313], 5, 1),
        ] {
            var settings = TaggerSettings(hop: 700)
            settings.netHops = ["2^13": 1024, "5^5": 625]
            settings.batch = batch
            settings.threads = threads
            let tagger = try Tagger(model: model, settings: settings)
            var transcript = Transcript()
            tagger.hear(signal, cuts: cuts, into: &transcript)
            tagger.finish { transcript.note($0) }
            transcripts.append(transcript)
        }
        #expect(transcripts[0].tags.count > 200)
        #expect(transcripts[0].songs.count == 2)
        for other in transcripts.dropFirst() { #expect(other == transcripts[0]) }
    }

    @Test(
        "Nor does it from a device's frames on, at any rate, with any channels, cut at random",
        arguments: [(8_000, 1), (22_050, 2), (44_100, 2), (48_000, 6), (192_000, 8)])
    func rawCuts(rate: Int, channels: Int) throws {
        let model = try Model.random(nets: [(3, 8), (4, 6)])
        var generator = SeededGenerator(seed: UInt64(rate))
        let frames = Int(1.6 * Double(rate))
        let sound = (0..<(frames * channels)).map { _ in Int16.random(in: -9000...9000, using: &generator) }
        var transcripts: [Transcript] = []
        for longest in [frames, 3000, 40] {
            let tagger = try Tagger(model: model, settings: TaggerSettings(hop: 729))
            let converter = try MonoConverter(sampleRate: rate, channels: channels)
            var transcript = Transcript()
            var heard = 0
            sound.withUnsafeBytes { bytes in
                while heard < frames {
                    // Nothing at all may come too.
                    let count = min(
                        frames - heard, longest == frames ? frames : .random(in: 0...longest, using: &generator))
                    let piece = heard * channels * 2..<(heard + count) * channels * 2
                    converter.push(raw: UnsafeRawBufferPointer(rebasing: bytes[piece]), format: .s16) { samples in
                        tagger.feed(samples) { transcript.note($0) }
                    }
                    heard += count
                }
            }
            converter.flush { samples in tagger.feed(samples) { transcript.note($0) } }
            tagger.finish { transcript.note($0) }
            transcripts.append(transcript)
        }
        #expect(transcripts[0].tags.count > 20)
        #expect(transcripts[0].songs.count == 1)
        for other in transcripts.dropFirst() { #expect(other == transcripts[0]) }
    }

    @Test("Every net answers at its own hops, and windows are their mean")
    func hops() throws {
        let model = try Model.random(nets: [(3, 8), (4, 6)])
        var settings = TaggerSettings(hop: 1000)
        settings.netHops = ["4^6": 300]
        let tagger = try Tagger(model: model, settings: settings)
        var transcript = Transcript()
        tagger.hear(Self.noise(seconds: 2), cuts: [512], into: &transcript)

        let ends = Set(transcript.tags.flatMap { report in report.nets.map(\.end).filter { $0 == report.position } })
        let wanted = Set(
            [(19_683, 1000), (16_384, 300)].flatMap { window, hop in
                stride(from: window, through: 2 * Self.second, by: hop).map(Int64.init)
            })
        #expect(ends == wanted)
        for report in transcript.tags {
            let heard = report.nets.filter { $0.end > 0 }
            for tag in report.window.indices {
                let mean = heard.reduce(Float(0)) { $0 + $1.probabilities[tag] } / Float(heard.count)
                #expect(abs(report.window[tag] - mean) <= 1e-6)
            }
        }
    }

    @Test("Without a classifier a song is the mean of its windows")
    func songIsMean() throws {
        let tagger = try Tagger(model: .random(nets: [(3, 8)]))
        var transcript = Transcript()
        tagger.hear(Self.noise(seconds: 4), cuts: [999], into: &transcript)
        tagger.finish { transcript.note($0) }
        let last = try #require(transcript.tags.last)
        for tag in last.song.indices {
            let mean = transcript.tags.reduce(0.0) { $0 + Double($1.window[tag]) } / Double(transcript.tags.count)
            #expect(abs(Double(last.song[tag]) - mean) <= 1e-6)
        }
        #expect(last.songWindows == transcript.tags.count)
        #expect(transcript.songs == [SongReport(start: 0, end: 4 * 22_050, song: last.song)])
    }

    @Test("With a classifier a song is what it says of the mean features")
    func songIsClassified() throws {
        let model = try Model.random(nets: [(3, 8), (2, 13)], withClassifier: true)
        var settings = TaggerSettings(hop: 19_683)
        settings.netHops = ["2^13": 19_683]
        let signal = Self.noise(seconds: 5)
        let tagger = try Tagger(model: model, settings: settings)
        var transcript = Transcript()
        tagger.hear(signal, cuts: [5000], into: &transcript)
        tagger.finish { transcript.note($0) }

        // The same offline: full windows, means in Float64.
        var features: [Float] = []
        for parameters in model.nets.compactMap(\.float) {
            let net = WindowNet(parameters, batchNormEpsilon: 1e-5, function: .sigmoid)
            var sums = [Double](repeating: 0, count: net.shape.featureCount)
            var windows = 0
            for end in stride(from: net.shape.window, through: signal.count, by: 19_683) {
                var window = [Float](repeating: 0, count: net.shape.featureCount)
                signal.withUnsafeBufferPointer { _ = net.forward($0.baseAddress! + (end - net.shape.window)) }
                net.features(into: &window)
                for index in sums.indices { sums[index] += Double(window[index]) }
                windows += 1
            }
            features += sums.map { Float($0 / Double(windows)) }
        }
        let classifier = SongClassifier(try #require(model.classifier), nets: model.nets.map(\.shape), output: .sigmoid)
        var expected = [Float](repeating: 0, count: 3)
        classifier.probabilities(of: features, into: &expected)
        let song = try #require(transcript.songs.first?.song)
        #expect(largestDifference(song, expected) <= 1e-5)
    }

    @Test("After a gap no window spans it, and the song goes on")
    func gap() throws {
        let tagger = try Tagger(model: .random(nets: [(3, 8)]))
        var transcript = Transcript()
        tagger.hear(Self.noise(seconds: 2), cuts: [700], into: &transcript)
        let before = transcript.tags.count
        tagger.gap()
        let after = Self.noise(seconds: 2, seed: 5)
        tagger.hear(after, cuts: [700], into: &transcript)
        let first = try #require(transcript.tags.dropFirst(before).first)
        #expect(first.position == Int64(2 * Self.second + 19_683))
        #expect(first.songStart == 0)
        #expect(first.songWindows == before + 1)

        let alone = try Tagger(model: .random(nets: [(3, 8)]))
        var fresh = Transcript()
        alone.hear(after, cuts: [333], into: &fresh)
        #expect(transcript.tags.dropFirst(before).map(\.window) == fresh.tags.map(\.window))
    }

    @Test(
        "Settings that can't be are refused",
        arguments: [
            (TaggerSettings(hop: 0), "hop: 1 to 13230000 samples wanted, 0 found"),
            (TaggerSettings(hop: -5), "hop: 1 to 13230000 samples wanted, -5 found"),
        ])
    func refused(settings: TaggerSettings, message: String) throws {
        let model = try Model.random(nets: [(3, 8)])
        #expect(throws: TaggerError(description: message)) { try Tagger(model: model, settings: settings) }
        var named = TaggerSettings()
        named.netHops = ["9^9": 3]
        #expect(throws: TaggerError(description: "hop of 9^9: the model has no such net")) {
            try Tagger(model: model, settings: named)
        }
    }
}
