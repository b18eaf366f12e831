import Core
import Testing

@testable import Streaming

@Suite("A song's means")
struct SongAggregatorTests {
    /// Adds `count` windows, one of all `low` and one of all `high` in turn.
    private func aggregate(_ count: Int, low: Float, high: Float, classifier: Bool) throws -> [Float] {
        let shape = try NetShape.narrow(m: 3, n: 8)
        let inputs = shape.widths[shape.n + 1]
        let parameters = ClassifierParameters(
            configuration: ClassifierConfiguration(
                nets: [shape.name], levels: [-1], hidden: [], batchNormEpsilon: 1e-5),
            norm: nil,
            layers: [
                LinearParameters(weight: [Float](repeating: 1 / Float(inputs), count: 2 * inputs), bias: [0, -1])
            ],
            batchNorms: [])
        let aggregator = SongAggregator(
            shapes: [shape], tags: 2,
            classifier: classifier ? SongClassifier(parameters, nets: [shape], output: .sigmoid) : nil, reach: nil)
        let values = [low, high].map { [Float](repeating: $0, count: max(2, shape.featureCount)) }
        for index in 0..<count {
            values[index % 2].withUnsafeBufferPointer { numbers in
                aggregator.add(
                    WindowResult(
                        end: index, probabilities: UnsafeBufferPointer(rebasing: numbers[..<2]),
                        features: UnsafeBufferPointer(rebasing: numbers[..<shape.featureCount])),
                    net: 0, endingAt: Int64(index), inSilence: index % 1000 > 900)
            }
            if index % 1000 == 950 { aggregator.silenceWasAPause() }
        }
        aggregator.silenceWasAPause()
        var song: [Float] = [0, 0]
        #expect(aggregator.probabilities(into: &song))
        #expect(aggregator.windows == count)
        return song
    }

    // A sum of Float32 is wrong by a tenth by then.
    @Test("After a million windows, nine hours, they have not drifted")
    func drift() throws {
        for probability in try aggregate(1_000_000, low: 0.1, high: 0.3, classifier: false) {
            #expect(abs(probability - 0.2) <= 1e-7)
        }
        let song = try aggregate(1_000_000, low: 0.1, high: 1.3, classifier: true)
        // The sigmoids of 0.7 and −0.3.
        #expect(abs(song[0] - 0.668_187_8) <= 1e-6)
        #expect(abs(song[1] - 0.425_557_5) <= 1e-6)
    }
}
