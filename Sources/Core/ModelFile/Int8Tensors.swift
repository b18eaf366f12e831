/// The 8-bit tensors of a model file, beside or instead of the float ones:
///
/// - `nets.NAME.int8.steps` F32 [n + 1]: what one unit of layer 0's … layer n's activations is worth;
/// - `nets.NAME.int8.layers.0.weight` F32 [out, 1, m], `….bias` F32 [out]: layer 0, batch norm folded;
/// - `nets.NAME.int8.layers.I.weight` I8 [out, in, width], `….scale` F32 [out], `….bias` F32 [out]: layers 1 … n + 1;
/// - `nets.NAME.int8.output.weight` I8 [tags, in], `….scale` F32 [tags], `….bias` F32 [tags].
extension ModelFile {
    /// The calibrated steps of a net, or nil where the file has none.
    static func steps(_ shape: NetShape, in file: borrowing Safetensors) throws(ModelFileError) -> [Float]? {
        let name = "nets.\(shape.name).int8.steps"
        guard file[name] != nil else { return nil }
        let steps = try file.floats(name, shape: [shape.n + 1])
        try requirePositive(steps, name, in: file)
        return steps
    }

    /// The 8-bit net, or nil where the file has none.
    static func int8Net(
        _ shape: NetShape, tags: Int, in file: borrowing Safetensors
    ) throws(ModelFileError) -> Int8NetParameters? {
        let prefix = "nets.\(shape.name).int8"
        guard file["\(prefix).layers.0.weight"] != nil else { return nil }
        guard let steps = try steps(shape, in: file) else {
            throw ModelFileError(.invalid, file.path, "\(prefix).steps: missing")
        }
        let first = LinearParameters(
            weight: try file.floats("\(prefix).layers.0.weight", shape: [shape.widths[0], 1, shape.m]),
            bias: try file.floats("\(prefix).layers.0.bias", shape: [shape.widths[0]]))
        var layers: [Int8Layer] = []
        for layer in 1...(shape.n + 1) {
            let inputs = shape.inputChannels(layer: layer)
            layers.append(
                try int8Layer(
                    "\(prefix).layers.\(layer)",
                    shape: [shape.widths[layer], inputs, shape.kernelWidth(layer: layer)], in: file))
        }
        let net = Int8NetParameters(
            shape: shape, first: first, layers: layers,
            output: try int8Layer("\(prefix).output", shape: [tags, shape.widths[shape.n + 1]], in: file),
            steps: steps)
        // What packing would refuse is the file's fault, and is said of the file.
        do throws(QuantisationError) { _ = try PackedNet(net, function: .sigmoid) } catch {
            throw ModelFileError(.invalid, file.path, "\(prefix): \(error)")
        }
        return net
    }

    private static func int8Layer(
        _ name: String, shape: [Int], in file: borrowing Safetensors
    ) throws(ModelFileError) -> Int8Layer {
        let layer = Int8Layer(
            weight: try file.bytes("\(name).weight", shape: shape),
            scale: try file.floats("\(name).scale", shape: [shape[0]]),
            bias: try file.floats("\(name).bias", shape: [shape[0]]))
        try requirePositive(layer.scale, "\(name).scale", in: file)
        if let bad = layer.weight.firstIndex(of: -128) {
            throw ModelFileError(.invalid, file.path, "\(name).weight: -127 to 127 wanted, -128 found at \(bad)")
        }
        if shape.count == 3, let channel = layer.firstOutputWithLargePair(inputs: shape[1], taps: shape[2]) {
            throw ModelFileError(
                .invalid, file.path,
                "\(name).weight: sums of two neighbouring inputs' weights of at most \(Int8Layer.largestPair) wanted, "
                    + "more found in output \(channel)")
        }
        return layer
    }
}

extension Int8Layer {
    /// The first output of which two neighbouring inputs' weights of one sign add up to more than `largestPair`.
    func firstOutputWithLargePair(inputs: Int, taps: Int) -> Int? {
        for output in scale.indices {
            for pair in stride(from: 0, to: inputs - 1, by: 2) {
                for tap in 0..<taps {
                    let a = Int(weight[(output * inputs + pair) * taps + tap])
                    let b = Int(weight[(output * inputs + pair + 1) * taps + tap])
                    let sum = (a > 0) == (b > 0) ? abs(a + b) : max(abs(a), abs(b))
                    if sum > Self.largestPair { return output }
                }
            }
        }
        return nil
    }
}

extension Int8NetParameters {
    /// What the writer puts into a file.
    var tensors: [ModelFile.Tensor] {
        let prefix = "nets.\(shape.name).int8"
        var tensors: [ModelFile.Tensor] = [
            .init("\(prefix).layers.0.weight", [shape.widths[0], 1, shape.m], .floats(first.weight)),
            .init("\(prefix).layers.0.bias", [shape.widths[0]], .floats(first.bias)),
        ]
        for layer in 1...(shape.n + 1) {
            tensors += self.layer(layer).tensors(
                "\(prefix).layers.\(layer)",
                shape: [shape.widths[layer], shape.inputChannels(layer: layer), shape.kernelWidth(layer: layer)])
        }
        return tensors + output.tensors("\(prefix).output", shape: [output.scale.count, shape.widths[shape.n + 1]])
    }
}

extension Int8Layer {
    fileprivate func tensors(_ name: String, shape: [Int]) -> [ModelFile.Tensor] {
        [
            .init("\(name).weight", shape, .bytes(weight)), .init("\(name).scale", [scale.count], .floats(scale)),
            .init("\(name).bias", [bias.count], .floats(bias)),
        ]
    }
}
