import Glibc

extension ModelFile {
    /// Writes a model so that a reader sees the old file or the new one, whole: beside, flushed to disk, renamed.
    ///
    /// The same model gives the same bytes.
    public static func write(_ model: Model, to path: String) throws(ModelFileError) {
        var tensors: [Tensor] = []
        for net in model.nets { tensors += net.tensors }
        if let classifier = model.classifier { tensors += classifier.tensors }

        var header: [UInt8] = Array("{\"__metadata__\":{\"config\":".utf8)
        header.appendJSON(string: ModelConfiguration(model).json)
        header += Array(",\"format\":\"wavetag\",\"version\":\"1\"}".utf8)
        var offset = 0
        for tensor in tensors {
            header.append(UInt8(ascii: ","))
            header.appendJSON(string: tensor.name)
            let end = offset + tensor.values.byteCount
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            header += Array(
                ":{\"dtype\":\"\(tensor.values.type)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}".utf8)
            offset = end
        }
        header.append(UInt8(ascii: "}"))
        // Spaces behind the header put the data on a multiple of eight bytes.
        while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }

        var bytes = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        bytes.reserveCapacity(8 + header.count + offset)
        bytes += header
        for tensor in tensors { tensor.values.append(to: &bytes) }
        let error = WholeFile.replace(path, with: bytes)
        if error != 0 { throw ModelFileError(.unreadable, path, String(cString: strerror(error))) }
    }

    /// One named tensor of a file.
    struct Tensor {
        enum Values {
            case floats([Float])
            case bytes([Int8])

            var type: String {
                switch self {
                case .floats: "F32"
                case .bytes: "I8"
                }
            }

            var byteCount: Int {
                switch self {
                case .floats(let values): values.count * 4
                case .bytes(let values): values.count
                }
            }

            func append(to bytes: inout [UInt8]) {
                switch self {
                case .floats(let values):
                    for value in values {
                        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
                    }
                case .bytes(let values): for value in values { bytes.append(UInt8(bitPattern: value)) }
                }
            }
        }

        let name: String
        let shape: [Int]
        let values: Values

        init(_ name: String, _ shape: [Int], _ values: Values) {
            self.name = name
            self.shape = shape
            self.values = values
        }
    }
}

extension ModelNet {
    fileprivate var tensors: [ModelFile.Tensor] {
        var tensors = float?.tensors ?? []
        if let steps {
            tensors.append(.init("nets.\(shape.name).int8.steps", [steps.count], .floats(steps)))
        }
        return tensors + (int8?.tensors ?? [])
    }
}

extension NetParameters {
    fileprivate var tensors: [ModelFile.Tensor] {
        var tensors: [ModelFile.Tensor] = []
        for (index, layer) in layers.enumerated() {
            let name = "nets.\(shape.name).layers.\(index)"
            let width = shape.widths[index]
            tensors.append(
                .init(
                    "\(name).conv.weight", [width, shape.inputChannels(layer: index), shape.kernelWidth(layer: index)],
                    .floats(layer.weight)))
            tensors.append(.init("\(name).conv.bias", [width], .floats(layer.bias)))
            tensors += layer.batchNorm.tensors("\(name).bn")
        }
        return tensors + output.tensors("nets.\(shape.name).output")
    }
}

extension ClassifierParameters {
    fileprivate var tensors: [ModelFile.Tensor] {
        var tensors: [ModelFile.Tensor] = []
        if let norm {
            tensors.append(.init("classifier.norm.mean", [norm.mean.count], .floats(norm.mean)))
            tensors.append(.init("classifier.norm.std", [norm.std.count], .floats(norm.std)))
        }
        for (index, layer) in layers.enumerated() {
            tensors += layer.tensors("classifier.layers.\(index)")
            if index < batchNorms.count { tensors += batchNorms[index].tensors("classifier.layers.\(index).bn") }
        }
        return tensors
    }
}

extension LinearParameters {
    fileprivate func tensors(_ name: String) -> [ModelFile.Tensor] {
        [
            .init("\(name).weight", [outputs, inputs], .floats(weight)),
            .init("\(name).bias", [outputs], .floats(bias)),
        ]
    }
}

extension BatchNormParameters {
    fileprivate func tensors(_ name: String) -> [ModelFile.Tensor] {
        [
            .init("\(name).weight", [weight.count], .floats(weight)),
            .init("\(name).bias", [bias.count], .floats(bias)),
            .init("\(name).running_mean", [runningMean.count], .floats(runningMean)),
            .init("\(name).running_var", [runningVariance.count], .floats(runningVariance)),
        ]
    }
}
