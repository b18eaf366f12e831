/// The song-level classifier: fully connected layers over a song's mean features.
///
/// Lee and Nam, IEEE SPL 2017, section II-C. Hidden layers have batch norm and ReLU; the last has the model's output
/// function. Deviations and batch norm are folded into the weights. Nothing is allocated after construction.
///
/// Layers are columns of one tap to the nets' kernels: an evaluation comes once in many hops and finds its weights
/// gone from the near caches, so that nothing counts but reading them once, in the order that they lie in.
public final class SongClassifier {
    /// Runs of the whole feature vector that the classifier reads, in its order.
    private let runs: [Range<Int>]
    /// Taken off the features: what is left is small, and rounds less in the first layer's sums.
    private let means: [Float]
    private let layers: [PackedConvolution]
    private let function: OutputFunction
    /// Tags that it gives probabilities of.
    public var tags: Int { layers.last?.width ?? 0 }
    /// Two buffers that the layers' activations alternate between.
    private let even: UnsafeMutablePointer<Float>
    private let odd: UnsafeMutablePointer<Float>

    /// - Parameter nets: all nets of the model; features come as theirs, one net behind the other.
    public init(
        _ parameters: ClassifierParameters, nets: [NetShape], output: OutputFunction, kernel: Kernel = .best
    ) {
        function = output
        var runs: [Range<Int>] = []
        for name in parameters.configuration.nets {
            for level in parameters.configuration.levels {
                var start = 0
                for shape in nets {
                    guard shape.name == name else {
                        start += shape.featureCount
                        continue
                    }
                    for layer in shape.featureLayers where layer < shape.layerCount + level {
                        start += shape.widths[layer]
                    }
                    runs.append(start..<(start + shape.widths[shape.layerCount + level]))
                    break
                }
            }
        }
        self.runs = runs
        let epsilon = parameters.configuration.batchNormEpsilon
        means = parameters.norm?.mean ?? [Float](repeating: 0, count: runs.reduce(0) { $0 + $1.count })
        layers = parameters.layers.enumerated().map { index, linear in
            var (weight, bias) = (linear.weight.map(Double.init), linear.bias.map(Double.init))
            let inputs = linear.inputs
            if index == 0, let norm = parameters.norm {
                for output in bias.indices {
                    for input in 0..<inputs { weight[output * inputs + input] /= Double(norm.std[input]) }
                }
            }
            if index < parameters.batchNorms.count {
                let (scale, offset) = parameters.batchNorms[index].folded(epsilon: epsilon)
                for output in bias.indices {
                    for input in 0..<inputs { weight[output * inputs + input] *= Double(scale[output]) }
                    bias[output] = bias[output] * Double(scale[output]) + Double(offset[output])
                }
            }
            return PackedConvolution(
                weight: weight.map { Float($0) }, scale: [Float](repeating: 1, count: bias.count),
                bias: bias.map { Float($0) }, taps: 1, depth: inputs, pool: 1,
                relu: index < parameters.layers.count - 1, kernel: kernel)
        }
        let widest = max(runs.reduce(0) { $0 + $1.count }, layers.map(\.width).max() ?? 0)
        even = allocateFloats(widest)
        odd = allocateFloats(widest)
    }

    deinit {
        even.deallocate()
        odd.deallocate()
    }

    /// - Parameters:
    ///   - features: mean features of all the model's nets, levels −3, −2, −1 of each, one net behind the other.
    ///   - probabilities: [tags].
    public func probabilities(of features: UnsafePointer<Float>, into probabilities: UnsafeMutablePointer<Float>) {
        logits(of: features, into: probabilities)
        function.apply(UnsafeMutableBufferPointer(start: probabilities, count: tags))
    }

    /// What the output function is applied to; parameters as for `probabilities`.
    public func logits(of features: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>) {
        var inputs = 0
        means.withUnsafeBufferPointer { means in
            for run in runs {
                for feature in run {
                    even[inputs] = features[feature] - means[inputs]
                    inputs += 1
                }
            }
        }
        var input: UnsafeRawPointer? = UnsafeRawPointer(even)
        var output: UnsafeMutableRawPointer? = UnsafeMutableRawPointer(odd)
        for layer in layers {
            layer.apply(columns: 1, inputs: &input, outputs: &output)
            let next = UnsafeMutableRawPointer(mutating: input)
            input = UnsafeRawPointer(output)
            output = next
        }
        logits.update(from: input!.assumingMemoryBound(to: Float.self), count: tags)
    }
}
