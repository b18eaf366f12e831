import CCrypto
import Glibc

/// A model and the file it came from.
public struct ModelFile: Sendable {
    public let model: Model
    /// The file's name without its ending.
    public let name: String
    /// SHA-256 of the whole file, 64 hexadecimal digits.
    public let sha256: String
    /// Bytes of the file.
    public let size: Int

    /// Reads a model file; nothing of it is used before all of it is checked.
    ///
    /// - Throws: `ModelFileError` with one line that says what is wrong and where.
    public static func read(path: String) throws(ModelFileError) -> ModelFile {
        let file = try Safetensors(path: path)
        let configuration = try configuration(of: file)
        var nets: [ModelNet] = []
        for shape in configuration.nets { nets.append(try net(shape, tags: configuration.tags.count, in: file)) }
        var classifier: ClassifierParameters?
        if let parts = configuration.classifier {
            classifier = try Self.classifier(parts, configuration: configuration, in: file)
        }
        return ModelFile(
            model: Model(
                tags: configuration.tags, output: configuration.output,
                batchNormEpsilon: configuration.batchNormEpsilon, nets: nets, classifier: classifier,
                thresholds: configuration.thresholds),
            name: stem(of: path), sha256: sha256(of: file.file.bytes), size: file.file.bytes.count)
    }

    private static func configuration(of file: borrowing Safetensors) throws(ModelFileError) -> ModelConfiguration {
        let path = file.path
        func invalid(_ reason: String) -> ModelFileError { ModelFileError(.invalid, path, "__metadata__.\(reason)") }
        guard let format = file.metadata["format"] else { throw invalid("format: wavetag wanted, nothing found") }
        guard format == "wavetag" else { throw invalid("format: wavetag wanted, \(format) found") }
        guard let version = file.metadata["version"] else { throw invalid("version: 1 wanted, nothing found") }
        guard version == "1" else { throw invalid("version: 1 wanted, \(version) found") }
        guard let text = file.metadata["config"] else { throw invalid("config: missing") }
        do { return try ModelConfiguration(parsing: text) } catch { throw invalid("config: \(error)") }
    }

    private static func net(
        _ shape: NetShape, tags: Int, in file: borrowing Safetensors
    ) throws(ModelFileError) -> ModelNet {
        let int8 = try int8Net(shape, tags: tags, in: file)
        // A net without any weights is reported as one without float weights, which every reader knows.
        let hasFloat = int8 == nil || file["nets.\(shape.name).layers.0.conv.weight"] != nil
        return ModelNet(
            shape: shape, float: hasFloat ? try floatNet(shape, tags: tags, in: file) : nil, int8: int8,
            steps: try steps(shape, in: file))
    }

    private static func floatNet(
        _ shape: NetShape, tags: Int, in file: borrowing Safetensors
    ) throws(ModelFileError) -> NetParameters {
        let prefix = "nets.\(shape.name)"
        var layers: [ConvolutionParameters] = []
        for layer in 0..<shape.layerCount {
            let name = "\(prefix).layers.\(layer)"
            let outputs = shape.widths[layer]
            let weight = try file.floats(
                "\(name).conv.weight",
                shape: [outputs, shape.inputChannels(layer: layer), shape.kernelWidth(layer: layer)])
            let bias =
                file["\(name).conv.bias"] == nil
                ? [Float](repeating: 0, count: outputs) : try file.floats("\(name).conv.bias", shape: [outputs])
            layers.append(
                ConvolutionParameters(
                    weight: weight, bias: bias, batchNorm: try batchNorm("\(name).bn", width: outputs, in: file)))
        }
        return NetParameters(
            shape: shape, layers: layers,
            output: try linear("\(prefix).output", outputs: tags, inputs: shape.widths[shape.n + 1], in: file))
    }

    static func linear(
        _ name: String, outputs: Int, inputs: Int, in file: borrowing Safetensors
    ) throws(ModelFileError) -> LinearParameters {
        LinearParameters(
            weight: try file.floats("\(name).weight", shape: [outputs, inputs]),
            bias: try file.floats("\(name).bias", shape: [outputs]))
    }

    private static func batchNorm(
        _ name: String, width: Int, in file: borrowing Safetensors
    ) throws(ModelFileError) -> BatchNormParameters {
        let variance = try file.floats("\(name).running_var", shape: [width])
        try requirePositive(variance, "\(name).running_var", in: file)
        return BatchNormParameters(
            weight: try file.floats("\(name).weight", shape: [width]),
            bias: try file.floats("\(name).bias", shape: [width]),
            runningMean: try file.floats("\(name).running_mean", shape: [width]), runningVariance: variance)
    }

    private static func classifier(
        _ parts: ClassifierConfiguration, configuration: ModelConfiguration, in file: borrowing Safetensors
    ) throws(ModelFileError) -> ClassifierParameters {
        let features = parts.featureCount(nets: configuration.nets)
        var norm: ClassifierParameters.Standardisation?
        if file["classifier.norm.mean"] != nil || file["classifier.norm.std"] != nil {
            let std = try file.floats("classifier.norm.std", shape: [features])
            try requirePositive(std, "classifier.norm.std", in: file)
            norm = .init(mean: try file.floats("classifier.norm.mean", shape: [features]), std: std)
        }
        let widths = parts.hidden + [(parts.tags ?? configuration.tags).count]
        var layers: [LinearParameters] = []
        var batchNorms: [BatchNormParameters] = []
        var inputs = features
        for (layer, outputs) in widths.enumerated() {
            let name = "classifier.layers.\(layer)"
            layers.append(try linear(name, outputs: outputs, inputs: inputs, in: file))
            if layer < parts.hidden.count {
                batchNorms.append(try batchNorm("\(name).bn", width: outputs, in: file))
            }
            inputs = outputs
        }
        return ClassifierParameters(configuration: parts, norm: norm, layers: layers, batchNorms: batchNorms)
    }

    static func requirePositive(
        _ values: [Float], _ name: String, in file: borrowing Safetensors
    ) throws(ModelFileError) {
        guard let bad = values.firstIndex(where: { $0 <= 0 }) else { return }
        throw ModelFileError(
            .invalid, file.path, "\(name): a positive number wanted, \(values[bad]) found at \(bad)")
    }

    private static func stem(of path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
        return String(name[..<dot])
    }

    private static func sha256(of bytes: UnsafeRawBufferPointer) -> String {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        wavetag_sha256(bytes.baseAddress, bytes.count, &digest)
        return digest.map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }
}

extension ClassifierConfiguration {
    /// Features that the classifier reads: of each of its nets the widths of its levels' layers.
    func featureCount(nets: [NetShape]) -> Int {
        self.nets.reduce(0) { sum, name in
            guard let shape = nets.first(where: { $0.name == name }) else { return sum }
            return sum + levels.reduce(0) { $0 + shape.widths[shape.layerCount + $1] }
        }
    }
}
