extension NetParameters {
    /// An untrained net: He-uniform weights, no biases, batch norm that changes nothing.
    ///
    /// He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015, section 2.2: uniform in ±√(6 / fan-in).
    ///
    /// - Parameter seed: the same seed gives the same weights on every machine.
    public static func heUniform(_ shape: NetShape, tags: Int, seed: UInt64) -> NetParameters {
        var generator = SplitMix64(state: seed)
        func uniform(_ count: Int, fanIn: Int) -> [Float] {
            let bound = (6 / Float(fanIn)).squareRoot()
            return (0..<count).map { _ in generator.nextUniform() * bound }
        }
        let layers = (0..<shape.layerCount).map { layer in
            let width = shape.widths[layer]
            let fanIn = shape.inputChannels(layer: layer) * shape.kernelWidth(layer: layer)
            let zeros = [Float](repeating: 0, count: width)
            let ones = [Float](repeating: 1, count: width)
            return ConvolutionParameters(
                weight: uniform(width * fanIn, fanIn: fanIn), bias: zeros,
                batchNorm: BatchNormParameters(weight: ones, bias: zeros, runningMean: zeros, runningVariance: ones))
        }
        let width = shape.widths[shape.n + 1]
        return NetParameters(
            shape: shape, layers: layers,
            output: LinearParameters(
                weight: uniform(tags * width, fanIn: width), bias: [Float](repeating: 0, count: tags)))
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, figure 17.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(state: UInt64) { self.state = state }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// From 0 to 1, 1 never.
    public mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// From −1 to 1.
    public mutating func nextUniform() -> Float { Float(Int64(bitPattern: next()) >> 40) * 0x1p-23 }
}
