import Core
import Glibc

/// What a step of training costs: noise through a net and back, with the papers' optimiser.
struct TrainingBench {
    let shape: NetShape
    let batch: Int
    let threads: Int

    struct Result {
        let net: String
        let batch: Int
        let threads: Int
        /// Of a step, wall time: threads wait for each other.
        let medianSeconds: Double
        let memory: Int

        var segmentsPerSecond: Double { Double(batch) / medianSeconds }

        var json: String {
            """
            {"name":"train/\(net)","net":"\(net)","batch":\(batch),"threads":\(threads),"median_us":\(medianSeconds * 1e6),\
            "segments_per_second":\(segmentsPerSecond),"memory":\(memory)}

            """
        }

        var text: String {
            "\(net)  \(batch) segments, \(threads) threads  \(fixed(medianSeconds * 1000, 1)) ms a step"
                + "  \(fixed(segmentsPerSecond, 2)) segments/s  \(memory / 1_000_000) MB\n"
        }
    }

    /// The median of `steps` steps behind a first one.
    func measure(steps: Int = 5) -> Result {
        let tags = 50
        let trainer = NetTrainer(
            .heUniform(shape, tags: tags, seed: 1), .init(batch: batch, threads: threads, loss: Loss(.sigmoid)))
        var generator = SplitMix64(state: 1)
        for index in 0..<batch {
            let window = trainer.window(index)
            for sample in 0..<shape.window { window[sample] = generator.nextUniform() * 0.3 }
            for tag in 0..<tags { trainer.labels[index * tags + tag] = Float(generator.nextUnit()) }
        }
        var times: [Double] = []
        for step in 0...steps {
            let started = monotonicTime()
            _ = trainer.step(count: batch, rate: 0.01, seed: UInt64(step))
            if step > 0 { times.append(Double(monotonicTime() - started) / 1e9) }
        }
        times.sort()
        return Result(
            net: shape.name, batch: batch, threads: threads, medianSeconds: times[times.count / 2],
            memory: trainer.memory)
    }
}
