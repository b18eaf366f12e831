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
