import Glibc

extension ModelFile {
    /// Writes a model so that a reader sees the old file or the new one, whole: beside, flushed to disk, renamed.
    ///
    /// The same model gives the same bytes.
    public static func write(_ model: Model, to path: String) throws(ModelFileError) {
        var tensors: [(name: String, shape: [Int], values: [Float])] = []
        for net in model.nets { tensors += net.tensors }
        if let classifier = model.classifier { tensors += classifier.tensors }

        var header: [UInt8] = Array("{\"__metadata__\":{\"config\":".utf8)
        header.appendJSON(string: ModelConfiguration(model).json)
        header += Array(",\"format\":\"wavetag\",\"version\":\"1\"}".utf8)
        var offset = 0
        for tensor in tensors {
            header.append(UInt8(ascii: ","))
            header.appendJSON(string: tensor.name)
            let end = offset + tensor.values.count * 4
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            header += Array(":{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}".utf8)
            offset = end
        }
        header.append(UInt8(ascii: "}"))
        // Spaces behind the header put the data on a multiple of eight bytes.
        while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }

        var bytes = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        bytes.reserveCapacity(8 + header.count + offset)
        bytes += header
        for tensor in tensors {
            for value in tensor.values {
                withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            }
        }
        try replace(path, with: bytes)
    }

    private static func replace(_ path: String, with bytes: [UInt8]) throws(ModelFileError) {
        func failure() -> ModelFileError { ModelFileError(.unreadable, path, String(cString: strerror(errno))) }
        let beside = path + ".partial"
        let file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failure() }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + written, bytes.count - written) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let error = failure()
                close(file)
                unlink(beside)
                throw error
            }
            written += count
        }
        let flushed = fsync(file) == 0
        guard close(file) == 0, flushed, rename(beside, path) == 0 else {
            let error = failure()
            unlink(beside)
            throw error
        }
    }
}

extension NetParameters {
    fileprivate var tensors: [(name: String, shape: [Int], values: [Float])] {
        var tensors: [(name: String, shape: [Int], values: [Float])] = []
        for (index, layer) in layers.enumerated() {
            let name = "nets.\(shape.name).layers.\(index)"
            let width = shape.widths[index]
            tensors.append(
                (
                    "\(name).conv.weight", [width, shape.inputChannels(layer: index), shape.kernelWidth(layer: index)],
                    layer.weight
                ))
            tensors.append(("\(name).conv.bias", [width], layer.bias))
            tensors += layer.batchNorm.tensors("\(name).bn")
        }
        return tensors + output.tensors("nets.\(shape.name).output")
    }
}

extension ClassifierParameters {
    fileprivate var tensors: [(name: String, shape: [Int], values: [Float])] {
        var tensors: [(name: String, shape: [Int], values: [Float])] = []
        if let norm {
            tensors.append(("classifier.norm.mean", [norm.mean.count], norm.mean))
            tensors.append(("classifier.norm.std", [norm.std.count], norm.std))
        }
        for (index, layer) in layers.enumerated() {
            tensors += layer.tensors("classifier.layers.\(index)")
            if index < batchNorms.count { tensors += batchNorms[index].tensors("classifier.layers.\(index).bn") }
        }
        return tensors
    }
}

extension LinearParameters {
    fileprivate func tensors(_ name: String) -> [(name: String, shape: [Int], values: [Float])] {
        [("\(name).weight", [outputs, inputs], weight), ("\(name).bias", [outputs], bias)]
    }
}

extension BatchNormParameters {
    fileprivate func tensors(_ name: String) -> [(name: String, shape: [Int], values: [Float])] {
        [
            ("\(name).weight", [weight.count], weight), ("\(name).bias", [bias.count], bias),
            ("\(name).running_mean", [runningMean.count], runningMean),
            ("\(name).running_var", [runningVariance.count], runningVariance),
        ]
    }
}
