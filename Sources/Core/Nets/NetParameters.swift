/// Weights of one convolution, as PyTorch's `Conv1d` lays them out, with the batch norm behind it.
public struct ConvolutionParameters: Sendable, Equatable {
    /// [outputs, inputs, width], row-major.
    public var weight: [Float]
    /// [outputs]; zeros where the file has none.
    public var bias: [Float]
    public var batchNorm: BatchNormParameters

    public init(weight: [Float], bias: [Float], batchNorm: BatchNormParameters) {
        self.weight = weight
        self.bias = bias
        self.batchNorm = batchNorm
    }
}

/// y = weight · (x − runningMean) / √(runningVariance + ε) + bias, each [channels].
/// Ioffe and Szegedy, "Batch normalization", ICML 2015, algorithm 2.
public struct BatchNormParameters: Sendable, Equatable {
    public var weight: [Float]
    public var bias: [Float]
    public var runningMean: [Float]
    public var runningVariance: [Float]

    public init(weight: [Float], bias: [Float], runningMean: [Float], runningVariance: [Float]) {
        self.weight = weight
        self.bias = bias
        self.runningMean = runningMean
        self.runningVariance = runningVariance
    }

    /// The per-channel factor and offset that do the same: y = scale · x + offset.
    public func folded(epsilon: Double) -> (scale: [Float], offset: [Float]) {
        var scale = [Float](repeating: 0, count: weight.count)
        var offset = scale
        for channel in weight.indices {
            let factor = Double(weight[channel]) / (Double(runningVariance[channel]) + epsilon).squareRoot()
            scale[channel] = Float(factor)
            offset[channel] = Float(Double(bias[channel]) - factor * Double(runningMean[channel]))
        }
        return (scale, offset)
    }
}

/// A fully connected layer: weight [outputs, inputs] row-major, bias [outputs].
public struct LinearParameters: Sendable, Equatable {
    public var weight: [Float]
    public var bias: [Float]

    public init(weight: [Float], bias: [Float]) {
        self.weight = weight
        self.bias = bias
    }

    public var outputs: Int { bias.count }
    public var inputs: Int { bias.isEmpty ? 0 : weight.count / bias.count }
}

/// Everything a model file says of one net.
public struct NetParameters: Sendable, Equatable {
    public var shape: NetShape
    /// Layers 0 … n + 1.
    public var layers: [ConvolutionParameters]
    /// [tags, widths.last].
    public var output: LinearParameters

    public init(shape: NetShape, layers: [ConvolutionParameters], output: LinearParameters) {
        self.shape = shape
        self.layers = layers
        self.output = output
    }
}
