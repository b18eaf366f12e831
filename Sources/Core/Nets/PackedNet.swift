/// A net ready for arithmetic: batch norm folded, weights packed for one kernel. Immutable; engines share it.
public final class PackedNet: Sendable {
    public let shape: NetShape
    public let precision: Precision
    /// Layers 0 … n + 1, each with its pool and ReLU.
    public let layers: [any PackedLayer]
    /// The linear layer: logits of `tags`, floats.
    public let output: any PackedLayer
    public let function: OutputFunction
    /// The instruction set in use.
    public let kernelName: String
    /// What one unit of layer n − 1's and layer n's activations is worth; 1 where they are floats.
    public let featureSteps: (Float, Float)

    public init(
        _ parameters: NetParameters, batchNormEpsilon: Double, function: OutputFunction, kernel: Kernel = .best
    ) {
        let shape = parameters.shape
        self.shape = shape
        self.function = function
        precision = .float
        kernelName = kernel.name
        featureSteps = (1, 1)
        layers = parameters.layers.enumerated().map { index, layer in
            let (scale, offset) = layer.folded(epsilon: batchNormEpsilon)
            // Layer 0 steps by its whole width: its m samples are one column of m channels.
            let (taps, depth) =
                index == 0 ? (1, shape.m) : (shape.kernelWidth(layer: index), shape.inputChannels(layer: index))
            return PackedConvolution(
                weight: layer.weight, scale: scale, bias: offset, taps: taps, depth: depth,
                pool: (1...shape.n).contains(index) ? shape.m : 1, relu: true, kernel: kernel)
        }
        let linear = parameters.output
        output = PackedConvolution(
            weight: linear.weight, scale: [Float](repeating: 1, count: linear.outputs), bias: linear.bias,
            taps: 1, depth: linear.inputs, pool: 1, relu: false, kernel: kernel)
    }

    /// - Throws: `QuantisationError` where a layer's numbers leave the range of 32-bit sums.
    public init(
        _ parameters: Int8NetParameters, function: OutputFunction, kernel: Int8Kernel = .best
    ) throws(QuantisationError) {
        let shape = parameters.shape
        self.shape = shape
        self.function = function
        precision = .int8
        kernelName = kernel.name
        let steps = parameters.steps
        featureSteps = (steps[shape.n - 1], steps[shape.n])
        // Layer 0 gives its activations in their step's units, ready to be rounded.
        let inverse = 1 / Double(steps[0])
        var layers: [any PackedLayer] = [
            FusedDense(
                weight: parameters.first.weight.map { Float(Double($0) * inverse) },
                bias: parameters.first.bias.map { Float(Double($0) * inverse) }, toBytes: true, kernel: kernel)
        ]
        for index in 1...(shape.n + 1) {
            let layer = parameters.layer(index)
            let (taps, depth) = (shape.kernelWidth(layer: index), shape.inputChannels(layer: index))
            guard taps * depth <= Int8Convolution.mostInputs else {
                throw QuantisationError(
                    "layer \(index): \(taps * depth) inputs a sum are more than \(Int8Convolution.mostInputs)")
            }
            let requantisation: Requantisation
            do throws(QuantisationError) {
                requantisation = try Requantisation(
                    scale: layer.scale, bias: layer.bias, inputStep: steps[index - 1],
                    outputStep: index <= shape.n ? steps[index] : nil)
            } catch { throw QuantisationError("layer \(index): \(error)") }
            layers.append(
                Int8Convolution(
                    weight: layer.weight, taps: taps, depth: depth, pool: index <= shape.n ? shape.m : 1,
                    requantisation: requantisation, kernel: kernel))
        }
        self.layers = layers
        output = FusedDense(
            weight: parameters.output.dequantised, bias: parameters.output.bias, toBytes: false, kernel: kernel)
    }

    public var tags: Int { output.width }

    /// Bytes of all packed weights.
    public var bytes: Int { layers.reduce(output.bytes) { $0 + $1.bytes } }
}

extension ConvolutionParameters {
    /// Batch norm and the convolution's own bias as one factor and one offset an output channel:
    /// scale · (w ∗ x) + offset. The pool comes behind, and since ReLU and addition keep order,
    /// max-pool may be taken before offset and ReLU.
    func folded(epsilon: Double) -> (scale: [Float], offset: [Float]) {
        let (scale, offset) = batchNorm.folded(epsilon: epsilon)
        return (scale, zip(zip(scale, offset), bias).map { $0.1 + $0.0 * $1 })
    }
}
