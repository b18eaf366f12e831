#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension NetParameters {
    /// The same net with channels of more equal size: each channel c of layers 0 … n − 2 is divided by
    ///
    ///     s = √(largest activation of c / largest weight that the next layer gives c),
    ///
    /// relative to the geometric mean of its layer, and the next layer's weights of it are multiplied by s. ReLU and
    /// max-pool commute with positive factors, and so the net computes what it did (Nagel et al., "Data-free
    /// quantization", ICCV 2019, section 4.1, with activations that were measured in place of weights). One step a
    /// layer then fits all of its channels better. Layers n − 1 and n are left alone: they are features.
    ///
    /// - Parameters:
    ///   - largest: [layers 0 … n − 2 or more][channels], the largest activations.
    ///   - batchNormEpsilon: what folds batch norm into weights.
    func equalised(largest: [[Float]], batchNormEpsilon: Double) -> NetParameters {
        var result = self
        for layer in 0..<max(0, shape.n - 1) {
            let (channels, taps) = (shape.widths[layer], shape.kernelWidth(layer: layer + 1))
            let next = result.layers[layer + 1]
            let scale = next.folded(epsilon: batchNormEpsilon).scale
            var weights = [Float](repeating: 0, count: channels)
            // [outputs, inputs, taps]
            for (index, weight) in next.weight.enumerated() {
                let channel = index / taps % channels
                weights[channel] = max(weights[channel], abs(weight * scale[index / (channels * taps)]))
            }
            let logarithms = zip(largest[layer], weights).map { activation, weight -> Double? in
                activation > 0 && weight > 0 && activation.isFinite && weight.isFinite
                    ? (log(Double(activation)) - log(Double(weight))) / 2 : nil
            }
            let known = logarithms.compactMap { $0 }
            guard !known.isEmpty else { continue }
            let mean = known.reduce(0, +) / Double(known.count)
            // Within 20 dB of the mean: beyond, the next layer's weights would lose what activations gain.
            let factors = logarithms.map { Float(exp($0.map { max(-log(10), min(log(10), $0 - mean)) } ?? 0)) }
            for channel in 0..<channels {
                result.layers[layer].batchNorm.weight[channel] /= factors[channel]
                result.layers[layer].batchNorm.bias[channel] /= factors[channel]
            }
            for index in next.weight.indices {
                result.layers[layer + 1].weight[index] *= factors[index / taps % channels]
            }
        }
        return result
    }
}
