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

    public init(nets: [String], levels: [Int], hidden: [Int], batchNormEpsilon: Double) {
        self.nets = nets
        self.levels = levels
        self.hidden = hidden
        self.batchNormEpsilon = batchNormEpsilon
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
    public var nets: [NetParameters]
    public var classifier: ClassifierParameters?

    public init(
        tags: [String], output: OutputFunction, batchNormEpsilon: Double,
        nets: [NetParameters], classifier: ClassifierParameters?
    ) {
        self.tags = tags
        self.output = output
        self.batchNormEpsilon = batchNormEpsilon
        self.nets = nets
        self.classifier = classifier
    }
}
