extension Int8Layer {
    /// Rounds float weights to 8 bits, with the smallest scale an output channel that its weights, its pairs and its
    /// bias allow.
    ///
    /// - Parameters:
    ///   - weight: [outputs, inputs, taps], batch norm folded in.
    ///   - bias: [outputs].
    ///   - inputStep: what one unit of an input is worth; 1 for float inputs.
    ///   - keepsPairs: whether neighbouring inputs' weights have to stay below `largestPair` together.
    init(weight: [Float], bias: [Float], inputs: Int, taps: Int, inputStep: Float, keepsPairs: Bool) {
        let row = inputs * taps
        var integers = [Int8](repeating: 0, count: weight.count)
        var scales: [Float] = []
        for output in bias.indices {
            let values = weight[(output * row)..<((output + 1) * row)]
            var scale = Double(values.reduce(0) { max($0, abs($1)) }) / 127
            if keepsPairs {
                Self.forEachPair(inputs: inputs, taps: taps) { a, b in
                    let (first, second) = (values[values.startIndex + a], values[values.startIndex + b])
                    guard (first > 0) == (second > 0) else { return }
                    scale = max(scale, Double(abs(first + second)) / Double(Self.largestPair))
                }
            }
            // A channel without weights still has a bias, and a large bias wants a large unit.
            scale = max(scale, Double(abs(bias[output])) / Double(inputStep) / (Requantisation.largestBias / 2))
            let rounded = scale > 0 ? max(Float(scale), .leastNormalMagnitude) : 1
            scales.append(rounded)
            for (index, value) in values.enumerated() {
                let integer = (Double(value) / Double(rounded)).rounded(.toNearestOrEven)
                integers[output * row + index] = Int8(max(-127, min(127, integer)))
            }
            if keepsPairs { Self.shrinkPairs(&integers, at: output * row, inputs: inputs, taps: taps) }
        }
        self.init(weight: integers, scale: scales, bias: bias)
    }

    /// Rounding may lift a pair by one; the larger of the two gives way.
    private static func shrinkPairs(_ integers: inout [Int8], at start: Int, inputs: Int, taps: Int) {
        forEachPair(inputs: inputs, taps: taps) { a, b in
            let (first, second) = (Int(integers[start + a]), Int(integers[start + b]))
            guard (first > 0) == (second > 0), abs(first + second) > largestPair else { return }
            let larger = start + (abs(first) >= abs(second) ? a : b)
            integers[larger] -= integers[larger] > 0 ? 1 : -1
        }
    }

    /// Offsets in one output's [inputs, taps] of the weights that 16-bit multiply-adds add together.
    private static func forEachPair(inputs: Int, taps: Int, _ body: (Int, Int) -> Void) {
        for input in stride(from: 0, to: inputs - 1, by: 2) {
            for tap in 0..<taps { body(input * taps + tap, (input + 1) * taps + tap) }
        }
    }
}

extension Int8NetParameters {
    /// Quantises a float net's weights for given activation steps, each weight to the nearest.
    ///
    /// - Parameters:
    ///   - steps: what one unit of the activations of layers 0 … n is worth.
    ///   - means: [layers 0 … n][channels], each layer's mean activation; where given, biases take back the mean
    ///     error that rounded weights make of them (Nagel et al., "Data-free quantization", ICCV 2019, section 4.2).
    /// - Throws: `QuantisationError` where a layer is too wide for 32-bit sums.
    public init(
        quantising float: NetParameters, batchNormEpsilon: Double, steps: [Float], means: [[Float]]? = nil
    ) throws(QuantisationError) {
        let shape = float.shape
        func folded(_ layer: Int) -> (weight: [Float], bias: [Float]) {
            let parameters = float.layers[layer]
            let (scale, offset) = parameters.folded(epsilon: batchNormEpsilon)
            let row = parameters.weight.count / max(1, scale.count)
            return (parameters.weight.indices.map { parameters.weight[$0] * scale[$0 / row] }, offset)
        }
        let (firstWeight, firstBias) = folded(0)
        var layers: [Int8Layer] = []
        for layer in 1...(shape.n + 1) {
            let (inputs, taps) = (shape.inputChannels(layer: layer), shape.kernelWidth(layer: layer))
            guard inputs * taps <= Int8Convolution.mostInputs else {
                throw QuantisationError(
                    "layer \(layer): \(inputs * taps) inputs a sum are more than \(Int8Convolution.mostInputs)")
            }
            let (weight, bias) = folded(layer)
            var quantised = Int8Layer(
                weight: weight, bias: bias, inputs: inputs, taps: taps, inputStep: steps[layer - 1], keepsPairs: true)
            if let means { quantised.correctBias(from: weight, means: means[layer - 1], taps: taps) }
            layers.append(quantised)
        }
        self.init(
            shape: shape, first: LinearParameters(weight: firstWeight, bias: firstBias), layers: layers,
            output: Int8Layer(
                weight: float.output.weight, bias: float.output.bias, inputs: float.output.inputs, taps: 1,
                inputStep: 1, keepsPairs: false),
            steps: steps)
    }
}

extension Int8Layer {
    /// Adds Σ (weight − rounded weight) · mean input to each bias.
    fileprivate mutating func correctBias(from weight: [Float], means: [Float], taps: Int) {
        let rounded = dequantised
        let row = weight.count / max(1, bias.count)
        for output in bias.indices {
            var error = 0.0
            for index in 0..<row {
                let place = output * row + index
                error += Double(weight[place] - rounded[place]) * Double(means[index / taps])
            }
            bias[output] += Float(error)
        }
    }
}
