import COpenBLAS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The song-level classifier while it is trained: forward, loss, backward, a step of Adam. Features are standardised
/// before they come here.
struct TrainableClassifier {
    let output: OutputFunction
    let epsilon: Float
    /// The share of a batch's statistics in batch norm's running ones.
    private static let momentum: Float = 0.1
    private(set) var layers: [TrainableLayer]
    private var steps = 0

    /// He-uniform hidden weights, a last layer that starts small.
    ///
    /// - Parameter startsAtZero: the last layer's weights are zeros: what it adds to stays as it is at first.
    init(
        inputs: Int, hidden: [Int], tags: Int, output: OutputFunction, epsilon: Double, startsAtZero: Bool = false,
        generator: inout SplitMix64
    ) {
        openblas_set_num_threads(1)
        self.output = output
        self.epsilon = Float(epsilon)
        layers = []
        var width = inputs
        for (index, outputs) in (hidden + [tags]).enumerated() {
            let isHidden = index < hidden.count
            let bound = isHidden || !startsAtZero ? ((isHidden ? 6 : 1) / Float(width)).squareRoot() : 0
            let weight = (0..<(outputs * width)).map { _ in generator.nextUniform() * bound }
            layers.append(TrainableLayer(weight: weight, inputs: width, outputs: outputs, isHidden: isHidden))
            width = outputs
        }
    }

    /// A classifier that goes on from given weights, [outputs, inputs] of each layer.
    init(weights: [[Float]], inputs: Int, output: OutputFunction, epsilon: Double) {
        openblas_set_num_threads(1)
        self.output = output
        self.epsilon = Float(epsilon)
        layers = []
        var width = inputs
        for (index, weight) in weights.enumerated() {
            let outputs = weight.count / width
            layers.append(
                TrainableLayer(weight: weight, inputs: width, outputs: outputs, isHidden: index < weights.count - 1))
            width = outputs
        }
    }

    /// One step on one batch.
    ///
    /// - Parameters:
    ///   - offsets: added to the logits, [batch, tags]; empty: nothing.
    ///   - masks: dropout's, for each hidden layer [batch, outputs]; empty ones drop nothing.
    /// - Returns: the loss before the step, the mean over the batch: binary cross-entropy, also averaged over tags, or
    ///   categorical cross-entropy.
    mutating func step(
        _ x: [Float], labels: [Float], offsets: [Float] = [], batch: Int, masks: [[Float]], rate: Double, decay: Double
    ) -> Double {
        var activations = x
        for index in layers.indices {
            layers[index].forward(
                activations, batch: batch, epsilon: epsilon, momentum: Self.momentum,
                mask: index < masks.count ? masks[index] : [])
            activations = layers[index].output
        }
        for index in offsets.indices { activations[index] += offsets[index] }
        var gradient = activations
        let loss = Self.loss(activations, labels, output, batch: batch, gradient: &gradient)
        for index in layers.indices.reversed() {
            gradient = layers[index].backward(gradient, batch: batch, wantsInput: index > 0)
        }
        steps += 1
        for index in layers.indices {
            layers[index].weight.update(step: steps, rate: rate, decay: decay)
            layers[index].bias.update(step: steps, rate: rate, decay: 0)
            layers[index].scale.update(step: steps, rate: rate, decay: 0)
        }
        return loss
    }

    /// Adam begins anew, as it does when training goes on from older weights.
    mutating func forgetSteps() {
        steps = 0
        for index in layers.indices {
            layers[index].weight.forget()
            layers[index].bias.forget()
            layers[index].scale.forget()
        }
    }

    /// Logits, [songs, tags].
    private func logits(_ set: SongSet) -> [Float] {
        var logits = layers.reduce(set.features) { $1.infer($0, batch: set.count, epsilon: epsilon) }
        for index in set.offsets.indices { logits[index] += set.offsets[index] }
        return logits
    }

    /// Probabilities of songs, [count, tags].
    func probabilities(_ set: SongSet) -> [Float] {
        var scores = logits(set)
        Self.apply(output, to: &scores, tags: set.tags)
        return scores
    }

    /// The mean loss over songs.
    func loss(_ set: SongSet) -> Double {
        var ignored: [Float] = []
        return Self.loss(logits(set), set.labels, output, batch: set.count, gradient: &ignored)
    }

    static func apply(_ output: OutputFunction, to scores: inout [Float], tags: Int) {
        scores.withUnsafeMutableBufferPointer { scores in
            for row in 0..<(scores.count / tags) {
                output.apply(UnsafeMutableBufferPointer(rebasing: scores[(row * tags)..<((row + 1) * tags)]))
            }
        }
    }

    /// - Parameter gradient: takes that of the logits, unless it is empty.
    static func loss(
        _ logits: [Float], _ labels: [Float], _ output: OutputFunction, batch: Int, gradient: inout [Float]
    ) -> Double {
        let tags = logits.count / max(1, batch)
        var sum = 0.0
        switch output {
        case .sigmoid:
            let factor = 1 / Float(batch * tags)
            for index in logits.indices {
                let (logit, label) = (logits[index], labels[index])
                // log(1 + e^−|x|) never overflows.
                sum += Double(max(logit, 0) - logit * label + log1pf(expf(-abs(logit))))
                if !gradient.isEmpty { gradient[index] = (1 / (1 + expf(-logit)) - label) * factor }
            }
            return sum / Double(batch * tags)
        case .softmax:
            for row in 0..<batch {
                let range = (row * tags)..<((row + 1) * tags)
                let largest = logits[range].max() ?? 0
                let total = range.reduce(Float(0)) { $0 + expf(logits[$1] - largest) }
                let mass = range.reduce(Float(0)) { $0 + labels[$1] }
                for index in range {
                    let share = expf(logits[index] - largest) / total
                    sum -= Double(labels[index]) * Double(logits[index] - largest - logf(total))
                    if !gradient.isEmpty { gradient[index] = (share * mass - labels[index]) / Float(batch) }
                }
            }
            return sum / Double(batch)
        }
    }

    /// The trained classifier as a model file holds it.
    func parameters(
        _ configuration: ClassifierConfiguration, norm: ClassifierParameters.Standardisation
    ) -> ClassifierParameters {
        ClassifierParameters(
            configuration: configuration, norm: norm,
            layers: layers.map { layer in
                LinearParameters(
                    weight: layer.weight.values,
                    bias: layer.isHidden ? [Float](repeating: 0, count: layer.outputs) : layer.bias.values)
            },
            batchNorms: layers.filter(\.isHidden).map { layer in
                // A unit that never varies must still have a variance that a file may hold.
                BatchNormParameters(
                    weight: layer.scale.values, bias: layer.bias.values, runningMean: layer.runningMean,
                    runningVariance: layer.runningVariance.map { max($0, .leastNormalMagnitude) })
            })
    }
}
