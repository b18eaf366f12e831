/// SampleCNN as minzwon/sota-music-tagging-models trains it in PyTorch.
///
/// `layer1` … `layer11` are modules of a convolution `conv` and a batch norm `bn`, with ReLU and max-pool behind them;
/// `dense` is the output layer, and sigmoid its function. Every convolution pads half its width on both sides, layer
/// 0's too, which so has a zero before its window (the one behind it is reached by no stride).
struct SotaMusicTaggingModels: ~Copyable {
    /// PyTorch's own, which the layout doesn't change.
    static let batchNormEpsilon = 1e-5

    private let checkpoint: TorchCheckpoint
    /// What stands before all names: nothing, or `module.` where the net was trained on several processors at once.
    private let prefix: String
    /// The output layer's name.
    private let output: String

    init(path: String) throws(ImportError) {
        checkpoint = try TorchCheckpoint(path: path)
        prefix = checkpoint.shape(of: "module.layer1.conv.weight") == nil ? "" : "module."
        output = prefix + (checkpoint.shape(of: prefix + "fc.weight") == nil ? "dense" : "fc")
    }

    func net() throws(ImportError) -> NetParameters {
        let shape = try shape()
        var layers: [ConvolutionParameters] = []
        for layer in 0..<shape.layerCount { layers.append(try self.layer(layer, of: shape)) }
        let weight = try checkpoint.wantedShape(of: "\(output).weight")
        let tags = weight.first ?? 0
        let linear = LinearParameters(
            weight: try checkpoint.floats("\(output).weight", shape: [tags, shape.widths[shape.n + 1]]),
            bias: try checkpoint.floats("\(output).bias", shape: [tags]))
        try requireNothingElse(shape)
        return NetParameters(shape: shape, layers: layers, output: linear)
    }

    private func name(_ layer: Int) -> String { "\(prefix)layer\(layer + 1)" }

    /// The net that the convolutions' own shapes describe.
    private func shape() throws(ImportError) -> NetShape {
        let first = try checkpoint.wantedShape(of: "\(name(0)).conv.weight")
        guard first.count == 3, first[1] == 1 else {
            throw checkpoint.invalid("\(name(0)).conv.weight: shape [channels, 1, width] wanted, \(first) found")
        }
        let m = first[2]
        // Half of an even width on both sides gives a column too many, of which the next layer would hear.
        guard !m.isMultiple(of: 2) else {
            throw checkpoint.invalid("\(name(0)).conv.weight: an odd width wanted, \(m) found")
        }
        var widths: [Int] = []
        while let weight = checkpoint.shape(of: "\(name(widths.count)).conv.weight") {
            widths.append(weight.first ?? 0)
        }
        do throws(NetShapeError) {
            return try NetShape(
                name: "\(m)^\(widths.count - 2)", m: m, n: widths.count - 2, firstPadding: m / 2, widths: widths)
        } catch { throw checkpoint.invalid("\(widths.count) layers of width \(m): \(error)") }
    }

    private func layer(_ layer: Int, of shape: NetShape) throws(ImportError) -> ConvolutionParameters {
        let width = shape.widths[layer]
        let (conv, norm) = ("\(name(layer)).conv", "\(name(layer)).bn")
        return ConvolutionParameters(
            weight: try checkpoint.floats(
                "\(conv).weight", shape: [width, shape.inputChannels(layer: layer), shape.kernelWidth(layer: layer)]),
            bias: try checkpoint.floats("\(conv).bias", shape: [width]),
            batchNorm: BatchNormParameters(
                weight: try checkpoint.floats("\(norm).weight", shape: [width]),
                bias: try checkpoint.floats("\(norm).bias", shape: [width]),
                runningMean: try checkpoint.floats("\(norm).running_mean", shape: [width]),
                runningVariance: try checkpoint.variances("\(norm).running_var", channels: width)))
    }

    /// A net with further weights computes something else, for all that its layers have the same names.
    private func requireNothingElse(_ shape: NetShape) throws(ImportError) {
        var known: Set<String> = ["\(output).weight", "\(output).bias"]
        for layer in 0..<shape.layerCount {
            for part in ["conv.weight", "conv.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"] {
                known.insert("\(name(layer)).\(part)")
            }
        }
        // Counters of batches are no weights.
        let others = checkpoint.names.filter { checkpoint.isFractional($0) && !known.contains($0) }
        if let other = others.min() { throw checkpoint.invalid("\(other): not part of this layout") }
    }
}
