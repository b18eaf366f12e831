/// A net ready for arithmetic: batch norm folded, weights packed for one kernel. Immutable; engines share it.
public final class PackedNet: Sendable {
    public let shape: NetShape
    /// Layers 0 … n + 1, each with its pool and ReLU.
    public let layers: [PackedConvolution]
    /// The linear layer: logits of `tags`.
    public let output: PackedConvolution
    public let function: OutputFunction

    public init(
        _ parameters: NetParameters, batchNormEpsilon: Double, function: OutputFunction, kernel: Kernel = .best
    ) {
        let shape = parameters.shape
        self.shape = shape
        self.function = function
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
