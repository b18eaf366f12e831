import Benchmark
import Core
import Streaming

/// One hop of every published net at the power of m nearest to 33 ms, full windows, and the whole way from a device's
/// frames to tags.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput], warmupIterations: 1, maxDuration: .seconds(2))
    // An engine is made for every sample, so that a sample must hold many hops for the first, cold one not to count.
    let manyHops = Benchmark.Configuration(
        metrics: [.wallClock, .throughput], warmupIterations: 1, scalingFactor: .kilo, maxDuration: .seconds(2))
    let hops = [
        (3, 9, 729), (3, 9, 243), (2, 13, 1024), (2, 14, 1024), (3, 8, 729), (4, 6, 1024), (4, 7, 1024), (5, 5, 625),
        (5, 6, 625),
    ]

    for (m, n, hop) in hops {
        for precision in Precision.allCases {
            Benchmark("hop \(m)^\(n) \(hop) \(precision.rawValue)", configuration: manyHops) { benchmark in
                let engine = try makeEngine(m, n, precision, hop: hop)
                let noise = noise(count: hop)
                // Rings fill while windows are not yet full; that is not what is asked.
                for _ in 0...(engine.shape.window / hop + 1) { step(engine, noise) }
                benchmark.startMeasurement()
                for _ in benchmark.scaledIterations { step(engine, noise) }
            }
        }
    }

    for (m, n) in [(3, 9), (4, 7), (5, 6)] {
        for precision in Precision.allCases {
            Benchmark("window \(m)^\(n) \(precision.rawValue)") { benchmark in
                let shape = try NetShape(name: "\(m)^\(n)", m: m, n: n)
                let engine = try makeEngine(m, n, precision, hop: shape.window)
                let noise = noise(count: shape.window)
                step(engine, noise)
                benchmark.startMeasurement()
                for _ in benchmark.scaledIterations { step(engine, noise) }
            }
        }
    }

    Benchmark("device frames to tags, 3^9, hop 729, a second of 44.1 kHz stereo") { benchmark in
        let shape = try NetShape(name: "3^9", m: 3, n: 9)
        let tags = (0..<50).map { "tag \($0)" }
        let model = Model(
            tags: tags, output: .sigmoid, batchNormEpsilon: 1e-5, nets: [.heUniform(shape, tags: 50, seed: 1)],
            classifier: nil)
        let tagger = try Tagger(model: model)
        let converter = try MonoConverter(sampleRate: 44_100, channels: 2)
        let second = noise(count: 88_200)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            second.withUnsafeBufferPointer { frames in
                converter.push(interleaved: frames) { tagger.feed($0) { blackHole($0) } }
            }
        }
    }
}

private func makeEngine(_ m: Int, _ n: Int, _ precision: Precision, hop: Int) throws -> IncrementalEngine {
    let shape = try NetShape(name: "\(m)^\(n)", m: m, n: n)
    let float = NetParameters.heUniform(shape, tags: 50, seed: 1)
    // Arithmetic takes the same time whatever the ranges are.
    let int8 = try Int8NetParameters(
        quantising: float, batchNormEpsilon: 1e-5, steps: [Float](repeating: 1 / 64, count: n + 1))
    let net =
        switch precision {
        case .float: PackedNet(float, batchNormEpsilon: 1e-5, function: .sigmoid)
        case .int8: try PackedNet(int8, function: .sigmoid)
        }
    return IncrementalEngine(
        net: net, plan: .cheapest(shape: shape, precision: precision, tags: 50, hop: hop))
}

private func noise(count: Int) -> [Float] {
    var generator = SplitMix64(state: 1)
    return (0..<count).map { _ in generator.nextUniform() * 0.3 }
}

/// Hears one hop and answers it.
private func step(_ engine: IncrementalEngine, _ noise: [Float]) {
    var rest = engine.samplesWanted
    while rest > 0 {
        let count = min(rest, noise.count)
        noise.withUnsafeBufferPointer { engine.push(UnsafeBufferPointer(rebasing: $0[..<count])) }
        rest -= count
    }
    blackHole(engine.step())
}
