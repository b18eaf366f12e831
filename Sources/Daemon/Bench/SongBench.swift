import Core
import Streaming

/// What songs cost beside a net: its windows added up, their means through a classifier, song changes looked for.
///
/// Measured in a tagger at work, since a net's hops drive all else out of the near caches.
struct SongBench {
    let model: Model
    let boundaries: SongBoundaries

    struct Result {
        let net: String
        let hop: Int
        let boundaries: SongBoundaries
        /// Microseconds of processor time of a hop, most of which have no evaluation. All times are medians.
        let hopTime: Double
        /// Of these, for the window to be added to its song.
        let aggregation: Double
        /// Microseconds of one evaluation, mean features included.
        let evaluation: Double
        /// Of a hop, for evaluations.
        let classification: Double
        /// Of a hop, for song changes to be looked for.
        let novelty: Double

        /// Aggregation and classifier against what the hop is without them.
        var share: Double { (aggregation + classification) / (hopTime - aggregation) }

        var json: String {
            """
            {"name":"song/\(net)/\(hop)/\(boundaries.rawValue)","net":"\(net)","hop":\(hop),"hop_us":\(hopTime),\
            "aggregation_us":\(aggregation),"evaluation_us":\(evaluation),"classification_us":\(classification),\
            "novelty_us":\(novelty),"share":\(share)}

            """
        }

        static let header = """
            of a hop             hop      hop µs   adding µs   classifier µs   of them %   one evaluation µs   novelty µs

            """

        var text: String {
            func column(_ value: Double, _ width: Int, _ decimals: Int) -> String {
                let text = fixed(value, decimals)
                return String(repeating: " ", count: max(0, width - text.count)) + text
            }
            let name = "\(net) \(boundaries.rawValue)"
            return name + String(repeating: " ", count: max(0, 17 - name.count)) + column(Double(hop), 7, 0)
                + column(hopTime, 12, 1) + column(aggregation, 12, 2) + column(classification, 16, 2)
                + column(share * 100, 12, 2) + column(evaluation, 20, 1) + column(novelty, 13, 2) + "\n"
        }
    }

    /// One published net, untrained, with a classifier over all its features: 512 hidden units, 50 tags.
    static func untrained(_ shape: NetShape) -> Model {
        let tags = (0..<50).map { "tag \($0)" }
        var generator = SplitMix64(state: 1)
        func uniform(_ count: Int, _ bound: Float) -> [Float] {
            (0..<count).map { _ in generator.nextUniform() * bound }
        }
        let (inputs, hidden) = (shape.featureCount, 512)
        let classifier = ClassifierParameters(
            configuration: ClassifierConfiguration(
                nets: [shape.name], levels: [-3, -2, -1], hidden: [hidden], batchNormEpsilon: 1e-5),
            norm: .init(mean: uniform(inputs, 1), std: [Float](repeating: 1, count: inputs)),
            layers: [
                LinearParameters(weight: uniform(hidden * inputs, 0.05), bias: uniform(hidden, 0.1)),
                LinearParameters(weight: uniform(tags.count * hidden, 0.1), bias: uniform(tags.count, 0.1)),
            ],
            batchNorms: [
                BatchNormParameters(
                    weight: [Float](repeating: 1, count: hidden), bias: [Float](repeating: 0, count: hidden),
                    runningMean: [Float](repeating: 0, count: hidden),
                    runningVariance: [Float](repeating: 1, count: hidden))
            ])
        return Model(
            tags: tags, output: .sigmoid, batchNormEpsilon: 1e-5,
            nets: [.heUniform(shape, tags: tags.count, seed: 1)], classifier: classifier)
    }

    /// Hears noise for about `duration` seconds, behind as much sound as songs are looked back on.
    func measure(hop: Int, duration: Double) throws -> Result {
        var settings = TaggerSettings(hop: hop)
        settings.songBoundaries = boundaries
        let tagger = try Tagger(model: model, settings: settings)
        var generator = SplitMix64(state: 1)
        let noise = (0..<(1 << 17)).map { _ in generator.nextUniform() * 0.3 }
        var place = 0
        func hear() {
            noise.withUnsafeBufferPointer { noise in
                tagger.feed(.init(rebasing: noise[place..<(place + hop)])) { _ in }
            }
            place = place + 2 * hop <= noise.count ? place + hop : 0
        }
        let warm = Int64((boundaries == .novelty ? 120 : 5) * Model.sampleRate)
        while tagger.position < warm { hear() }

        // Wall time where songs are timed, since asking for processor time costs as much as adding a window does; and
        // medians, which leave out the times when this thread didn't run. Changes are looked for once a second.
        tagger.clock = monotonicTime
        let second = Model.sampleRate / hop + 1
        var (hops, aggregations, evaluations, novelty): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        let end = monotonicTime() + Int64(duration * 1e9)
        while monotonicTime() < end || evaluations.count < 20 {
            let beginning = tagger.songCost
            for _ in 0..<second {
                let before = tagger.songCost
                let started = processorTime()
                hear()
                hops.append(Double(processorTime() - started) / 1000)
                let cost = tagger.songCost
                aggregations.append(Double(cost.aggregation - before.aggregation) / 1000)
                if cost.evaluations > before.evaluations {
                    evaluations.append(Double(cost.classification - before.classification) / 1000)
                }
            }
            novelty.append(Double(tagger.songCost.novelty - beginning.novelty) / 1000 / Double(second))
        }
        return Result(
            net: model.nets[0].shape.name, hop: hop, boundaries: boundaries, hopTime: median(hops),
            aggregation: median(aggregations), evaluation: median(evaluations),
            classification: median(evaluations) * Double(evaluations.count) / Double(hops.count),
            novelty: median(novelty))
    }

    private func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }
}
