import Core
import Testing

@testable import Streaming

/// Feeds an engine a random signal in random cuts, and holds its answers against full forward passes.
struct EngineHarness {
    let engine: any WindowEngine
    private let reference: WindowNet
    private var generator: SeededGenerator

    init(engine: any WindowEngine, parameters: NetParameters, seed: UInt64) {
        self.engine = engine
        reference = WindowNet(parameters, batchNormEpsilon: 1e-5, function: .sigmoid)
        generator = SeededGenerator(seed: seed &+ 77)
    }

    /// - Parameter comparing: about how many of the windows are compared, the first and the last among them.
    mutating func run(samples count: Int, comparing: Int) throws {
        try run(signal: generator.floats(count), comparing: comparing)
    }

    /// The same of a signal that is given.
    mutating func run(signal: [Float], comparing: Int) throws {
        let shape = engine.shape
        let count = signal.count
        let windows = (count - shape.window) / engine.hop + 1
        let every = max(1, windows / comparing)
        var heard = 0
        var seen = 0
        while heard < count {
            let cut = min(count - heard, engine.samplesWanted, Int.random(in: 1...5000, using: &generator))
            signal.withUnsafeBufferPointer { engine.push(UnsafeBufferPointer(rebasing: $0[heard..<(heard + cut)])) }
            heard += cut
            let ready = engine.step()
            for index in 0..<ready {
                let result = engine.result(index)
                try #require(result.end == shape.window + seen * engine.hop)
                try #require(result.end <= heard)
                if seen % every == 0 || seen == windows - 1 { try compare(result, signal) }
                seen += 1
            }
        }
        #expect(seen == windows)
    }

    private func compare(_ result: WindowResult, _ signal: [Float]) throws {
        let shape = engine.shape
        let expected = signal.withUnsafeBufferPointer {
            Array(reference.forward($0.baseAddress! + (result.end - shape.window)))
        }
        var features = [Float](repeating: 0, count: shape.featureCount)
        reference.features(into: &features)
        let difference = largestDifference(expected, Array(result.probabilities))
        let featureDifference = zip(features, result.features).map { abs($0 - $1) / max(1, abs($0)) }.max() ?? 0
        try #require(difference <= 1e-5, "probabilities at \(result.end)")
        try #require(featureDifference <= 1e-5, "features at \(result.end)")
    }
}

func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
}
