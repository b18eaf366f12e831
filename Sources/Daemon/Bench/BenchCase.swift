import Core
import Streaming

/// One measurement: a net, a hop, and how its windows are asked for.
struct BenchCase {
    enum Work {
        /// One window, start to end, nothing shared.
        case window
        /// Hop after hop, one at a time, as live.
        case hop
        /// Hops of a file, so many at once.
        case file(batch: Int)
    }

    let name: String
    let net: PackedNet
    let hop: Int
    let work: Work

    /// Seconds of measuring.
    static let duration = 1.5

    /// Measures, after a warm-up, for about `duration` seconds.
    func measure(duration: Double = Self.duration) -> BenchResult {
        let plan: EnginePlan
        switch work {
        case .window:
            plan = EnginePlan(
                shape: net.shape, precision: net.precision, tags: net.tags, hop: net.shape.window, batch: 1,
                sharedLayers: 0, memoryLimit: 256 << 20)
        case .hop:
            plan = EnginePlan.cheapest(shape: net.shape, precision: net.precision, tags: net.tags, hop: hop)
        case .file(let batch):
            plan = EnginePlan.cheapest(
                shape: net.shape, precision: net.precision, tags: net.tags, hop: hop, batch: batch)
        }
        let engine = IncrementalEngine(net: net, plan: plan)
        var generator = SplitMix64(state: 1)
        let noise = (0..<max(plan.hop, 1 << 16)).map { _ in generator.nextUniform() * 0.3 }
        var place = 0
        func step() -> Int {
            var rest = engine.samplesWanted
            while rest > 0 {
                let count = min(rest, noise.count - place)
                noise.withUnsafeBufferPointer { engine.push(.init(rebasing: $0[place..<(place + count)])) }
                place = (place + count) % noise.count
                rest -= count
            }
            return engine.step()
        }
        // Until the first window is full, and as many again, so that caches hold what they hold in a long run.
        var warm = 0
        while warm < 3 { warm += step() > 0 ? 1 : 0 }

        var times: [Double] = []
        times.reserveCapacity(1 << 16)
        let end = monotonicTime() + Int64(duration * 1e9)
        while times.count < 20 || (monotonicTime() < end && times.count < 1 << 16) {
            let started = processorTime()
            let windows = step()
            times.append(Double(processorTime() - started) / 1000 / Double(windows))
        }
        times.sort()
        return BenchResult(
            name: name, net: net.shape.name, hop: plan.hop, median: times[times.count / 2],
            p99: times[min(times.count - 1, times.count * 99 / 100)], multiplyAdds: plan.multiplyAdds,
            precision: net.precision, kernel: net.kernelName)
    }
}

/// What a case came to, a window.
struct BenchResult {
    let name: String
    let net: String
    let hop: Int
    /// Microseconds of processor time a window: what a core spends, whoever else it works for.
    let median: Double
    let p99: Double
    let multiplyAdds: Int
    let precision: Precision
    let kernel: String

    /// A multiply-add counts as two.
    var gigaflops: Double { 2 * Double(multiplyAdds) / median / 1000 }

    /// Seconds of sound a second of one core.
    var realTimeFactor: Double { Double(hop) / Double(Model.sampleRate) / (median / 1e6) }

    var json: String {
        func number(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
        return """
            {"name":"\(name)","net":"\(net)","hop":\(hop),"median_us":\(number(median)),"p99_us":\(number(p99)),\
            "multiply_adds":\(multiplyAdds),"gflops":\(number(gigaflops)),"real_time_factor":\(number(realTimeFactor)),\
            "precision":"\(precision.rawValue)","kernel":"\(kernel)"}
            """
    }
}
