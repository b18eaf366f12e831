import AllocationCounter
import Core
import Testing

@testable import Streaming

@Suite("Songs' features and classifier, live")
struct SongFeatureTests {
    @Test("At the paper's hop the live vector is the extracted one", arguments: [0, 1])
    func equalsExtraction(firstPadding: Int) throws {
        let shapes = try NetShape.published.map { try NetShape.narrow(m: $0.0, n: $0.1, firstPadding: firstPadding) }
        let model = Model(
            tags: ["a", "b"], output: .sigmoid, batchNormEpsilon: 1e-5,
            nets: shapes.enumerated().map { .random($1, tags: 2, seed: UInt64($0) + 1) }, classifier: nil)
        var settings = TaggerSettings()
        for shape in shapes { settings.netHops[shape.name] = shape.window }
        let signal = TaggerTests.noise(seconds: 11)
        let tagger = try Tagger(model: model, settings: settings)
        var transcript = Transcript()
        tagger.hear(signal, cuts: [4000, 17, 999], into: &transcript)
        let found = try #require(tagger.songFeatures)

        var expected: [Float] = []
        for net in try model.packed(.float) {
            var sums = [Double](repeating: 0, count: net.shape.featureCount)
            var windows = 0.0
            signal.withUnsafeBufferPointer {
                WholeWindows(net).forEachWindow(in: $0) { features, _ in
                    for index in sums.indices { sums[index] += Double(features[index]) }
                    windows += 1
                }
            }
            expected += sums.map { Float($0 / windows) }
        }
        #expect(found.count == expected.count)
        #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-6 * max(1, abs($1)) })
    }

    @Test("Windows that overlap are the streaming engine's, whatever they cost")
    func overlapping() throws {
        let shape = try NetShape.narrow(m: 3, n: 8)
        let net = PackedNet(.random(shape, tags: 2, seed: 1), batchNormEpsilon: 1e-5, function: .sigmoid)
        let signal = TaggerTests.noise(seconds: 2)
        func windows(_ source: some WindowSource, _ count: Int) -> [[Float]] {
            var windows: [[Float]] = []
            signal[..<count].withUnsafeBufferPointer {
                source.forEachWindow(in: $0) { features, probabilities in
                    windows.append(Array(features) + Array(probabilities))
                }
            }
            return windows
        }
        let engine = EngineWindows(net, hop: 500)
        for count in [signal.count, 19_682, 30_000] {
            let expected = windows(WholeWindows(net, hop: 500), count)
            let found = windows(engine, count)
            #expect(found.count == expected.count && (count > 19_682) == !found.isEmpty)
            #expect(zip(found, expected).allSatisfy { largestDifference($0, $1) <= 1e-5 })
        }
    }

    @Test("A classifier with tags of its own: windows keep the nets', and songs have the classifier's")
    func ownTags() throws {
        var model = try Model.random(nets: [(3, 8)], withClassifier: true)
        var classifier = try #require(model.classifier)
        classifier.configuration.tags = ["rock", "jazz"]
        classifier.configuration.output = .softmax
        classifier.layers[1] = LinearParameters(
            weight: Array(classifier.layers[1].weight[..<8]), bias: Array(classifier.layers[1].bias[..<2]))
        model.classifier = classifier
        let tagger = try Tagger(model: model, settings: TaggerSettings(hop: 5000))
        #expect(tagger.tags.count == 3 && tagger.songTags == ["rock", "jazz"])
        var transcript = Transcript()
        tagger.hear(TaggerTests.noise(seconds: 3), cuts: [700], into: &transcript)
        tagger.finish { transcript.note($0) }
        #expect(!transcript.tags.isEmpty)
        for report in transcript.tags {
            #expect(report.window.count == 3 && report.song.count == 2)
            #expect(abs(report.song[0] + report.song[1] - 1) <= 1e-5)
        }
        #expect(transcript.songs.first?.song?.count == 2)
    }

    @Test("The classifier is evaluated at its own rate, and what it costs is counted")
    func rate() throws {
        let model = try Model.random(nets: [(3, 8)], withClassifier: true)
        let signal = TaggerTests.noise(seconds: 6)
        for (interval, expected) in [(11_025, 11), (0, 226), (44_100, 3)] {
            var settings = TaggerSettings(hop: 500)
            settings.classifierInterval = interval
            let tagger = try Tagger(model: model, settings: settings)
            var ticks: Int64 = 0
            tagger.clock = {
                ticks += 7
                return ticks
            }
            var transcript = Transcript()
            tagger.hear(signal, cuts: [441], into: &transcript)
            #expect(abs(tagger.songCost.evaluations - expected) <= 1, "\(interval)")
            #expect(tagger.songCost.windows == transcript.tags.count)
            #expect(tagger.songCost.classification == 7 * Int64(tagger.songCost.evaluations))
            #expect(tagger.songCost.aggregation == 7 * Int64(transcript.tags.count))
            let distinct = transcript.tags.map(\.song).reduce(into: [[Float]]()) { if $0.last != $1 { $0.append($1) } }
            #expect(distinct.count == tagger.songCost.evaluations)
        }
    }

    @Test("A second file begins with its own song, not with the first one's")
    func nextFile() throws {
        let model = try Model.random(nets: [(3, 8)], withClassifier: true)
        let second = TaggerTests.noise(seconds: 2, amplitude: 0.05, seed: 8)
        let tagger = try Tagger(model: model)
        var (ignored, found, alone) = (Transcript(), Transcript(), Transcript())
        tagger.hear(TaggerTests.noise(seconds: 3), cuts: [5000], into: &ignored)
        tagger.finish { ignored.note($0) }
        tagger.hear(second, cuts: [5000], into: &found)
        try Tagger(model: model).hear(second, cuts: [123], into: &alone)
        #expect(found.tags == alone.tags)
    }

    @Test("24 hours of windows: the mean doesn't drift, and nothing is allocated")
    func drift() throws {
        let shape = try NetShape(name: "2^2", m: 2, n: 2, widths: [1, 3, 3, 2])
        let aggregator = SongAggregator(shapes: [shape], tags: 2, classifier: nil, reach: nil)
        let windows = 24 * 3600 * 22_050 / 729
        var generator = SplitMix64(state: 11)
        var features = [Float](repeating: 0, count: 8)
        let probabilities: [Float] = [0.25, 1.0 / 3]
        // Exact: the numbers are whole multiples of 2^-24, and so are their sums, as integers.
        var sums = [Int](repeating: 0, count: 8)
        var song = probabilities
        var before = 0
        for window in 0..<windows {
            // Arrays that were made beside each other have been taken apart.
            if window == 1000 { before = wavetag_allocation_count() }
            for index in features.indices {
                let step = Int(generator.next() >> 40)
                features[index] = Float(step) * 0x1p-24
                sums[index] += step
            }
            features.withUnsafeBufferPointer { features in
                probabilities.withUnsafeBufferPointer { probabilities in
                    aggregator.add(
                        WindowResult(end: window, probabilities: probabilities, features: features), net: 0,
                        endingAt: Int64(window), inSilence: window % 100 == 99)
                }
            }
            if window % 100 == 99 { aggregator.silenceWasAPause() }
            if window % 30 == 0 { _ = aggregator.probabilities(into: &song) }
        }
        #expect(wavetag_allocation_count() - before == 0)
        let found = try #require(aggregator.features)
        for (mean, sum) in zip(found, sums) {
            #expect(abs(Double(mean) - Double(sum) * 0x1p-24 / Double(windows)) <= 1e-7)
        }
        _ = aggregator.probabilities(into: &song)
        #expect(zip(song, probabilities).allSatisfy { abs($0 - $1) <= 1e-6 })
    }

    @Test("24 hours of sound with songs, pauses and gaps in random pieces: constant memory")
    func day() throws {
        // Two nets so small that a day takes seconds.
        let shapes = try [(2, 3), (3, 3)].map {
            try NetShape(name: "\($0.0)^\($0.1)", m: $0.0, n: $0.1, widths: [2, 2, 2, 2, 2])
        }
        var model = Model(
            tags: ["a", "b"], output: .sigmoid, batchNormEpsilon: 1e-5,
            nets: shapes.map { .random($0, tags: 2, seed: 5) }, classifier: nil)
        model.classifier = ClassifierParameters(
            configuration: ClassifierConfiguration(
                nets: ["3^3"], levels: [-1], hidden: [], batchNormEpsilon: 1e-5),
            norm: nil, layers: [LinearParameters(weight: [1, 2, 3, 4], bias: [0, 1])], batchNorms: [])
        var settings = TaggerSettings(hop: 22_050)
        settings.classifierInterval = 44_100
        let tagger = try Tagger(model: model, settings: settings)
        let noise = TaggerTests.noise(seconds: 2.9)
        let quiet = [Float](repeating: 0, count: 5 * 22_050)
        var generator = SeededGenerator(seed: 3)
        var (songs, reports, checksum) = (0, 0, Float(0))
        func hear(seconds: Int) {
            let end = tagger.position + Int64(seconds * 22_050)
            while tagger.position < end {
                let source = generator.next() % 40 == 0 ? quiet : noise
                let count = min(source.count, 1 + Int(generator.next() % UInt64(noise.count)))
                let piece = source == quiet ? source.count : count
                source.withUnsafeBufferPointer {
                    tagger.feed(UnsafeBufferPointer(rebasing: $0[..<piece])) { event in
                        switch event {
                        case .tags(let report):
                            reports += 1
                            checksum += report.song[0]
                        case .song: songs += 1
                        }
                    }
                }
                if generator.next() % 500 == 0 { tagger.gap() }
            }
        }
        hear(seconds: 3600)
        let (before, songsBefore) = (wavetag_allocation_count(), songs)
        hear(seconds: 23 * 3600)
        // A song that ends hands out an array of its own; nothing else is allocated, however long it goes on.
        #expect(songs - songsBefore > 100)
        #expect(wavetag_allocation_count() - before <= 4 * (songs - songsBefore))
        #expect(reports > 23 * 3600 / 2 && checksum.isFinite && checksum > 0)
    }
}
