import Core
import Streaming

/// Where a hop's time goes: each layer's columns of one hop, one layer after the other as the engine does it.
struct LayerBench {
    let net: PackedNet
    let plan: EnginePlan

    /// One layer's share of a hop.
    struct Share {
        let layer: Int
        let columns: Int
        let multiplyAdds: Int
        /// Median microseconds of processor time.
        let time: Double

        var gigaflops: Double { 2 * Double(multiplyAdds) / time / 1000 }
    }

    /// Measures `hops` hops; the median of each layer.
    func measure(hops: Int = 2000) -> [Share] {
        let most = plan.layers.map(\.columnsPerHop).max() ?? 1
        let spread = net.layers.map(\.spread).max() ?? 1
        let widest = net.layers.map { max($0.inputBytes, $0.outputBytes) }.max() ?? 1
        let floats = ((most * spread + most) * widest + 3) / 4
        let activations = allocateFloats(floats)
        let memory = UnsafeMutableRawPointer(activations)
        let inputs = UnsafeMutablePointer<UnsafeRawPointer?>.allocate(capacity: most * spread)
        let outputs = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: most)
        defer {
            activations.deallocate()
            inputs.deallocate()
            outputs.deallocate()
        }
        var generator = SplitMix64(state: 2)
        for index in 0..<floats { activations[index] = abs(generator.nextUniform()) }

        var times = [[Double]](repeating: [], count: net.layers.count)
        for _ in 0..<hops {
            for (index, layer) in net.layers.enumerated() {
                let columns = plan.layers[index].columnsPerHop
                // Neighbouring columns share inputs, as they do in a ring.
                for column in 0..<columns {
                    for input in 0..<layer.spread {
                        inputs[column * layer.spread + input] = UnsafeRawPointer(
                            memory + (column * layer.pool + input) * layer.inputBytes)
                    }
                    outputs[column] = memory + (most * spread + column) * widest
                }
                let started = processorTime()
                layer.apply(columns: columns, inputs: inputs, outputs: outputs)
                times[index].append(Double(processorTime() - started) / 1000)
            }
        }
        return net.layers.indices.map { index in
            Share(
                layer: index, columns: plan.layers[index].columnsPerHop,
                multiplyAdds: plan.layers[index].multiplyAdds, time: times[index].sorted()[hops / 2])
        }
    }
}
