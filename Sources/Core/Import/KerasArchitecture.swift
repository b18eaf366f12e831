/// What Keras says of a model beside its weights: the JSON of `model.to_json()`, which a file of a whole model has as its
/// attribute `model_config`, and which stands in a file of its own beside published weights.
struct KerasArchitecture {
    struct Failure: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    /// ε of all batch norms.
    let batchNormEpsilon: Double
    let output: OutputFunction
    private let layers: [Layer]

    private struct Layer {
        let name: String
        let kind: Kind
        let config: JSONValue

        /// The member of either name, the older Keras's first: a number, or a list of one number.
        func number(_ names: String...) -> Int? {
            for name in names {
                switch config[name] {
                case .integer(let number)?: return number
                case .array(let numbers)?:
                    if numbers.count == 1, case .integer(let number) = numbers[0] { return number }
                default: continue
                }
            }
            return nil
        }

        func text(_ names: String...) -> String? {
            for name in names { if case .string(let text)? = config[name] { return text } }
            return nil
        }
    }

    private enum Kind {
        case convolution, norm, activation, pool, flatten, dense
        /// Passes its input on, once training is over.
        case passes

        init?(className: String) {
            switch className {
            case "Convolution1D", "Conv1D": self = .convolution
            case "BatchNormalization", "BatchNormalizationV1": self = .norm
            case "Activation", "ReLU": self = .activation
            case "MaxPooling1D": self = .pool
            // Of one column.
            case "Flatten", "GlobalMaxPooling1D", "GlobalAveragePooling1D": self = .flatten
            case "Dense": self = .dense
            case "InputLayer", "Dropout": self = .passes
            default: return nil
            }
        }
    }

    init(_ text: some Sequence<UInt8>) throws(Failure) {
        let json: JSONValue
        do throws(JSONError) { json = try JSONValue(parsing: text) } catch { throw Failure("\(error)") }
        let listed: [JSONValue]
        switch (json["config"], json["config"]?["layers"]) {
        case (_, .array(let layers)?), (.array(let layers)?, _): listed = layers
        default: throw Failure("config: a list of layers wanted")
        }
        var layers: [Layer] = []
        for (index, layer) in listed.enumerated() {
            guard case .string(let className)? = layer["class_name"], let config = layer["config"] else {
                throw Failure("layer \(index): class_name and config wanted")
            }
            guard let kind = Kind(className: className) else {
                throw Failure("layer \(index): \(className) is not part of a sample-level net")
            }
            let layer = Layer(name: "\(className) \(index)", kind: kind, config: config)
            if kind != .passes { layers.append(layer) }
        }
        self.layers = layers
        guard let dense = layers.last, dense.kind == .dense else { throw Failure("a Dense layer wanted at the end") }
        guard let name = dense.text("activation"), let output = OutputFunction(rawValue: name) else {
            throw Failure("\(dense.name): activation sigmoid or softmax wanted")
        }
        self.output = output
        let epsilons = Set(layers.filter { $0.kind == .norm }.map { $0.config["epsilon"]?.double })
        guard epsilons.count == 1, let epsilon = epsilons.first ?? nil else {
            throw Failure("BatchNormalization: one and the same epsilon wanted in all layers")
        }
        batchNormEpsilon = epsilon
    }

    /// - Throws: unless the layers are those of this net, in its order, with its strides, paddings and pools.
    func require(_ shape: NetShape) throws(Failure) {
        var wanted: [(kind: Kind, layer: Int)] = []
        for layer in 0..<shape.layerCount {
            wanted += [(.convolution, layer), (.norm, layer), (.activation, layer)]
            if (1...shape.n).contains(layer) { wanted.append((.pool, layer)) }
        }
        wanted += [(.flatten, shape.n + 1), (.dense, shape.n + 1)]
        guard layers.map(\.kind) == wanted.map(\.kind) else {
            throw Failure("not the layers of a \(shape.m)^\(shape.n) net, in their order")
        }
        for (layer, place) in zip(layers, wanted) {
            switch place.kind {
            case .convolution:
                let stride = place.layer == 0 ? shape.m : 1
                guard layer.number("subsample_length", "strides") == stride else {
                    throw Failure("\(layer.name): stride \(stride) wanted")
                }
                let padding = place.layer == 0 ? "valid" : "same"
                guard layer.text("border_mode", "padding") == padding else {
                    throw Failure("\(layer.name): padding \(padding) wanted")
                }
                guard layer.text("activation") == "linear" else { throw Failure("\(layer.name): no activation wanted") }
            case .pool:
                guard layer.number("pool_length", "pool_size") == shape.m,
                    layer.number("stride", "strides") == shape.m
                else { throw Failure("\(layer.name): pools of \(shape.m) wanted") }
            case .activation:
                guard layer.text("activation") ?? "relu" == "relu" else { throw Failure("\(layer.name): relu wanted") }
            case .norm, .flatten, .dense, .passes: continue
            }
        }
    }
}
