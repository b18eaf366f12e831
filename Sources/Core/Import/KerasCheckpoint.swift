/// What computed a net in Keras: it decides how kernels are stored, and where "same" padding of an even width goes.
public enum KerasBackend: String, Sendable, CaseIterable {
    /// Convolves: kernels lie the other way round in time. Of m − 1 zeros an even m has m / 2 on the left.
    case theano
    /// Correlates, as every net of wavetag does. Of m − 1 zeros an even m has m / 2 on the right.
    case tensorflow
}

/// Sample-level nets as Keras 1 and 2 write their weights, in HDF5.
///
/// A group, the file's root or `model_weights`, lists its layers in `layer_names`; each layer's group lists its arrays in
/// `weight_names`. Layers are told by what they have, since their names count on through a session. Names and shapes:
///
/// | | Keras 1 | Keras 2 |
/// |---|---|---|
/// | convolution | `NAME_W` [width, 1, in, out], `NAME_b` | `NAME/kernel:0` [width, in, out], `NAME/bias:0` |
/// | batch norm | `NAME_gamma`, `_beta`, `_running_mean`, `_running_std` | `NAME/gamma:0`, `beta`, `moving_mean`, `moving_variance` |
/// | output | `NAME_W` [in, tags], `NAME_b` | `NAME/kernel:0` [in, tags], `NAME/bias:0` |
///
/// Keras 1's `running_std` is a variance all the same: batch norm adds ε to it and takes the root.
struct KerasCheckpoint: ~Copyable {
    private let file: HDF5File
    private let version: Version
    let architecture: KerasArchitecture?
    let backend: KerasBackend
    private let convolutions: [Layer]
    private let norms: [Layer]
    private let output: Layer

    enum Version {
        case one, two

        /// ε of a batch norm that says nothing of it: 10⁻⁵ up to Keras 1.1, 10⁻³ since.
        var batchNormEpsilon: Double { self == .one ? 1e-5 : 1e-3 }

        fileprivate var kernel: String { self == .one ? "W" : "kernel" }
        fileprivate var bias: String { self == .one ? "b" : "bias" }
        fileprivate var mean: String { self == .one ? "running_mean" : "moving_mean" }
        fileprivate var variance: String { self == .one ? "running_std" : "moving_variance" }
        fileprivate var all: [String] { [kernel, bias, "gamma", "beta", mean, variance] }
    }

    /// A layer's arrays: what each is, and the path to it.
    private struct Layer {
        let name: String
        var paths: [String: String] = [:]
    }

    /// - Parameters:
    ///   - architecture: what a file beside it says; nil: what the file itself says, if it does.
    ///   - backend: nil: what the file says; Theano for Keras 1 and TensorFlow for Keras 2 where it doesn't.
    init(
        path: String, version: Version, architecture: KerasArchitecture?, backend: KerasBackend?
    ) throws(ImportError) {
        let file = try HDF5File(path: path)
        let group = file.contains("model_weights") ? "model_weights" : ""
        var described = architecture
        if described == nil, let text = try file.strings("model_config", of: "")?.first {
            do throws(KerasArchitecture.Failure) { described = try KerasArchitecture(text.utf8) } catch {
                throw file.invalid("model_config: \(error.reason)")
            }
        }
        let said = try file.strings("backend", of: group)?.first
        let layers = try Self.layers(file, group: group, version: version)
        guard let last = layers.last, last.paths.keys.contains(version.kernel), layers.count % 2 == 1 else {
            throw file.invalid("convolutions, each with its batch norm, and an output layer wanted")
        }
        for (index, layer) in layers.dropLast().enumerated() {
            if index % 2 == 0, layer.paths[version.kernel] == nil {
                throw file.invalid("\(layer.name): a convolution wanted")
            }
            if index % 2 == 1, layer.paths["gamma"] == nil {
                throw file.invalid("\(layer.name): a batch norm wanted")
            }
        }
        self.file = file
        self.version = version
        self.architecture = described
        self.backend =
            backend ?? said.flatMap { KerasBackend(rawValue: $0) } ?? (version == .one ? .theano : .tensorflow)
        convolutions = stride(from: 0, to: layers.count - 1, by: 2).map { layers[$0] }
        norms = stride(from: 1, to: layers.count, by: 2).map { layers[$0] }
        output = last
    }

    /// The layers that have weights, in the model's order.
    private static func layers(
        _ file: borrowing HDF5File, group: String, version: Version
    ) throws(ImportError) -> [Layer] {
        guard let names = try file.strings("layer_names", of: group) else {
            throw file.invalid("layer_names: missing: not weights as Keras writes them")
        }
        var layers: [Layer] = []
        for name in names {
            let place = group.isEmpty ? name : "\(group)/\(name)"
            guard let weights = try file.strings("weight_names", of: place) else {
                throw file.invalid("\(place): weight_names: missing")
            }
            var layer = Layer(name: name)
            for weight in weights {
                guard let kind = kind(weight, layer: name, version: version) else {
                    throw file.invalid("\(place): \(weight) is no weight of this layout")
                }
                guard layer.paths.updateValue("\(place)/\(weight)", forKey: kind) == nil else {
                    throw file.invalid("\(place): \(weight) stands twice")
                }
            }
            if !weights.isEmpty { layers.append(layer) }
        }
        return layers
    }

    /// What a weight is: `W` for `convolution1d_1_W` of Keras 1, `kernel` for `conv1d_1/kernel:0` of Keras 2.
    private static func kind(_ weight: String, layer: String, version: Version) -> String? {
        // TensorFlow's variables have a number behind a colon, Theano's don't.
        let plain = weight.hasSuffix(":0") ? weight.dropLast(2) : Substring(weight)
        let kind: Substring
        switch version {
        case .one:
            guard plain.hasPrefix("\(layer)_") else { return nil }
            kind = plain.dropFirst(layer.count + 1)
        case .two: kind = plain.split(separator: "/").last ?? ""
        }
        return version.all.first { $0 == kind }
    }

    // MARK: The net

    func net() throws(ImportError) -> NetParameters {
        let shape = try shape()
        do throws(KerasArchitecture.Failure) { try architecture?.require(shape) } catch {
            throw file.invalid("architecture: \(error.reason)")
        }
        var layers: [ConvolutionParameters] = []
        for layer in 0..<shape.layerCount {
            layers.append(
                ConvolutionParameters(
                    weight: try kernel(layer, of: shape), bias: try bias(convolutions[layer], shape.widths[layer]),
                    batchNorm: try batchNorm(norms[layer], channels: shape.widths[layer])))
        }
        let inputs = shape.widths[shape.n + 1]
        let kernel = try path(output, version.kernel)
        let tags = try file.wantedShape(of: kernel).last ?? 0
        let stored = try file.floats(kernel, shape: [inputs, tags])
        let weight = (0..<tags).flatMap { tag in (0..<inputs).map { stored[$0 * tags + tag] } }
        return NetParameters(
            shape: shape, layers: layers, output: LinearParameters(weight: weight, bias: try bias(output, tags)))
    }

    /// The net that the kernels' own shapes describe.
    private func shape() throws(ImportError) -> NetShape {
        var widths: [Int] = []
        for convolution in convolutions {
            widths.append(try file.wantedShape(of: try path(convolution, version.kernel)).last ?? 0)
        }
        guard let first = convolutions.first else { throw file.invalid("convolutions wanted, none found") }
        let kernel = try file.wantedShape(of: try path(first, version.kernel))
        let m = kernel.first ?? 0
        do throws(NetShapeError) {
            return try NetShape(
                name: "\(m)^\(widths.count - 2)", m: m, n: widths.count - 2,
                leftPadding: backend == .theano ? m / 2 : (m - 1) / 2, widths: widths)
        } catch { throw file.invalid("\(widths.count) layers of width \(m): \(error)") }
    }

    private func path(_ layer: Layer, _ kind: String) throws(ImportError) -> String {
        guard let path = layer.paths[kind] else { throw file.invalid("\(layer.name): \(kind): missing") }
        return path
    }

    /// A convolution's kernel, from [width, in, out] to [out, in, width].
    private func kernel(_ layer: Int, of shape: NetShape) throws(ImportError) -> [Float] {
        let (width, inputs) = (shape.kernelWidth(layer: layer), shape.inputChannels(layer: layer))
        let outputs = shape.widths[layer]
        let stored = try file.floats(
            try path(convolutions[layer], version.kernel),
            shape: version == .one ? [width, 1, inputs, outputs] : [width, inputs, outputs])
        var weight = [Float](repeating: 0, count: stored.count)
        for tap in 0..<width {
            let source = backend == .theano ? width - 1 - tap : tap
            for input in 0..<inputs {
                for output in 0..<outputs {
                    weight[(output * inputs + input) * width + tap] =
                        stored[(source * inputs + input) * outputs + output]
                }
            }
        }
        return weight
    }

    /// Zeros for a layer that was made without one.
    private func bias(_ layer: Layer, _ width: Int) throws(ImportError) -> [Float] {
        guard let path = layer.paths[version.bias] else { return [Float](repeating: 0, count: width) }
        return try file.floats(path, shape: [width])
    }

    private func batchNorm(_ layer: Layer, channels: Int) throws(ImportError) -> BatchNormParameters {
        BatchNormParameters(
            weight: try file.floats(try path(layer, "gamma"), shape: [channels]),
            bias: try file.floats(try path(layer, "beta"), shape: [channels]),
            runningMean: try file.floats(try path(layer, version.mean), shape: [channels]),
            runningVariance: try file.variances(try path(layer, version.variance), channels: channels))
    }
}
