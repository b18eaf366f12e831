/// What turns logits into probabilities.
public enum OutputFunction: String, Sendable, Codable {
    /// Each tag for itself: 1 / (1 + e^−x).
    case sigmoid
    /// One of a set of genres: e^x / Σ e^x.
    case softmax
}

/// The song-level classifier's place in a model: which nets and levels it reads, and its hidden widths.
public struct ClassifierConfiguration: Sendable, Equatable {
    /// Names of the nets whose features it reads, in order.
    public var nets: [String]
    /// Levels of each net: −3, −2, −1 are layers n − 1, n and n + 1.
    public var levels: [Int]
    /// Widths of the hidden layers; may be empty.
    public var hidden: [Int]
    public var batchNormEpsilon: Double
    /// What it tells apart, where that isn't the nets' own tags: a net trained on one set serves another's genres.
    public var tags: [String]?
    /// Its output function, where it isn't the nets' own.
    public var output: OutputFunction?
    /// From which probability on a song's tags count as heard; nil: the model's own serve songs too.
    public var thresholds: [String: Float]?

    public init(
        nets: [String], levels: [Int], hidden: [Int], batchNormEpsilon: Double, tags: [String]? = nil,
        output: OutputFunction? = nil, thresholds: [String: Float]? = nil
    ) {
        self.nets = nets
        self.levels = levels
        self.hidden = hidden
        self.batchNormEpsilon = batchNormEpsilon
        self.tags = tags
        self.output = output
        self.thresholds = thresholds
    }
}

/// Weights of the song-level classifier.
public struct ClassifierParameters: Sendable, Equatable {
    public var configuration: ClassifierConfiguration
    /// What standardises the features; nil where the file has nothing.
    public var norm: Standardisation?
    /// Hidden layers, each with its batch norm, then the last layer without one.
    public var layers: [LinearParameters]
    public var batchNorms: [BatchNormParameters]

    public init(
        configuration: ClassifierConfiguration, norm: Standardisation?, layers: [LinearParameters],
        batchNorms: [BatchNormParameters]
    ) {
        self.configuration = configuration
        self.norm = norm
        self.layers = layers
        self.batchNorms = batchNorms
    }

    /// Mean and standard deviation of each feature over the training songs, [features].
    public struct Standardisation: Sendable, Equatable {
        public var mean: [Float]
        public var std: [Float]

        public init(mean: [Float], std: [Float]) {
            self.mean = mean
            self.std = std
        }
    }
}

/// One model: its tags, its nets and, where it has one, its song-level classifier. A plain value; `ModelFile` reads and writes it.
public struct Model: Sendable, Equatable {
    /// Sample rate of the nets' input, Hz; 22 050 for every net of the contract.
    public static let sampleRate = 22_050

    public var tags: [String]
    public var output: OutputFunction
    public var batchNormEpsilon: Double
    public var nets: [ModelNet]
    public var classifier: ClassifierParameters?
    /// From which probability on a tag counts as heard; empty where nobody has chosen any.
    public var thresholds: [String: Float]

    /// The threshold of a tag that has none in a model where others have one.
    public static let usualThreshold: Float = 0.5

    public init(
        tags: [String], output: OutputFunction, batchNormEpsilon: Double, nets: [ModelNet],
        classifier: ClassifierParameters?, thresholds: [String: Float] = [:]
    ) {
        self.tags = tags
        self.output = output
        self.batchNormEpsilon = batchNormEpsilon
        self.nets = nets
        self.classifier = classifier
        self.thresholds = thresholds
    }
}

extension Model {
    /// A model of float nets.
    public init(
        tags: [String], output: OutputFunction, batchNormEpsilon: Double, nets: [NetParameters],
        classifier: ClassifierParameters?
    ) {
        self.init(
            tags: tags, output: output, batchNormEpsilon: batchNormEpsilon,
            nets: nets.map { ModelNet(shape: $0.shape, float: $0) }, classifier: classifier)
    }

    /// Tags of songs: the classifier's own where it has some, otherwise the nets'.
    public var songTags: [String] { classifier?.configuration.tags ?? tags }

    /// Thresholds of songs' tags: the classifier's own where it has some, otherwise those of tags of the same name.
    public var songThresholds: [String: Float] {
        if let own = classifier?.configuration.thresholds { return own }
        guard let tags = classifier?.configuration.tags else { return thresholds }
        return thresholds.filter { tags.contains($0.key) }
    }

    /// The song-level classifier, ready for arithmetic.
    public var songClassifier: SongClassifier? {
        classifier.map {
            SongClassifier($0, nets: nets.map(\.shape), output: $0.configuration.output ?? output)
        }
    }

    /// What the model computes in where nobody says: float where it has float weights.
    public var usualPrecision: Precision { nets.allSatisfy { $0.float != nil } ? .float : .int8 }

    /// The nets, ready for arithmetic.
    ///
    /// - Throws: `QuantisationError` where a net has no weights of this precision, and none can be made.
    public func packed(_ precision: Precision) throws(QuantisationError) -> [PackedNet] {
        var packed: [PackedNet] = []
        for net in nets {
            do throws(QuantisationError) {
                switch precision {
                case .float:
                    guard let float = net.float else { throw QuantisationError("the model has only int8 weights") }
                    packed.append(PackedNet(float, batchNormEpsilon: batchNormEpsilon, function: output))
                case .int8:
                    packed.append(
                        try PackedNet(net.quantised(batchNormEpsilon: batchNormEpsilon), function: output))
                }
            } catch { throw QuantisationError("\(net.shape.name): \(error)") }
        }
        return packed
    }
}

/// One net of a model, in as many precisions as its file holds.
public struct ModelNet: Sendable, Equatable {
    public let shape: NetShape
    public var float: NetParameters?
    public var int8: Int8NetParameters?
    /// Steps of layers 0 … n that calibration found: with them float weights are quantised when they are loaded.
    public var steps: [Float]?

    /// - Precondition: one of `float` and `int8` is there, of this shape.
    public init(shape: NetShape, float: NetParameters? = nil, int8: Int8NetParameters? = nil, steps: [Float]? = nil) {
        precondition(float != nil || int8 != nil)
        self.shape = shape
        self.float = float
        self.int8 = int8
        self.steps = steps ?? int8?.steps
    }

    /// The 8-bit net: as stored, or made of float weights and stored steps.
    func quantised(batchNormEpsilon: Double) throws(QuantisationError) -> Int8NetParameters {
        if let int8 { return int8 }
        guard let float, let steps else {
            throw QuantisationError("no int8 weights and no calibrated steps in the model; see `wavetag quantize`")
        }
        return try Int8NetParameters(quantising: float, batchNormEpsilon: batchNormEpsilon, steps: steps)
    }
}
