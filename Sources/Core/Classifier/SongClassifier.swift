import COpenBLAS

/// The song-level classifier: fully connected layers over a song's mean features.
///
/// Lee and Nam, IEEE SPL 2017, section II-C. Hidden layers have batch norm and ReLU; the last has the model's output
/// function. Standardisation and batch norm are folded into the weights. Nothing is allocated after construction.
public final class SongClassifier {
    /// [outputs, inputs] and [outputs], all that is constant multiplied in.
    private struct Layer {
        let weight: [Float]
        let bias: [Float]
    }

    /// Runs of the whole feature vector that the classifier reads, in its order.
    private let runs: [Range<Int>]
    private let layers: [Layer]
    private let function: OutputFunction
    /// Tags that it gives probabilities of.
    public var tags: Int { layers.last?.bias.count ?? 0 }
    /// Two buffers that the layers' activations alternate between.
    private let even: UnsafeMutablePointer<Float>
    private let odd: UnsafeMutablePointer<Float>

    /// - Parameter nets: all nets of the model; features come as theirs, one net behind the other.
    public init(_ parameters: ClassifierParameters, nets: [NetShape], output: OutputFunction) {
        // One thread: the engine's own, which must not wait for others.
        openblas_set_num_threads(1)
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
        layers = parameters.layers.enumerated().map { index, linear in
            var (weight, bias) = (linear.weight.map(Double.init), linear.bias.map(Double.init))
            let inputs = linear.inputs
            if index == 0, let norm = parameters.norm {
                for output in bias.indices {
                    for input in 0..<inputs {
                        weight[output * inputs + input] /= Double(norm.std[input])
                        bias[output] -= weight[output * inputs + input] * Double(norm.mean[input])
                    }
                }
            }
            if index < parameters.batchNorms.count {
                let (scale, offset) = parameters.batchNorms[index].folded(epsilon: epsilon)
                for output in bias.indices {
                    for input in 0..<inputs { weight[output * inputs + input] *= Double(scale[output]) }
                    bias[output] = bias[output] * Double(scale[output]) + Double(offset[output])
                }
            }
            return Layer(weight: weight.map { Float($0) }, bias: bias.map { Float($0) })
        }
        let widest = max(runs.reduce(0) { $0 + $1.count }, layers.map(\.bias.count).max() ?? 0)
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
        var (input, output) = (even, odd)
        var inputs = 0
        for run in runs {
            (input + inputs).update(from: features + run.lowerBound, count: run.count)
            inputs += run.count
        }
        for (index, layer) in layers.enumerated() {
            let outputs = layer.bias.count
            output.update(from: layer.bias, count: outputs)
            cblas_sgemv(
                CblasRowMajor, CblasNoTrans, Int32(outputs), Int32(inputs), 1, layer.weight, Int32(inputs), input, 1,
                1, output, 1)
            if index < layers.count - 1 {
                for channel in 0..<outputs { output[channel] = max(0, output[channel]) }
            }
            (input, output) = (output, input)
            inputs = outputs
        }
        logits.update(from: input, count: inputs)
    }
}
