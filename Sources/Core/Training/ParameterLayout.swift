/// Where a net's learnable numbers stand, one behind the other in one run of floats, so that an optimiser is one loop.
///
/// A convolution's weights are [taps, inputs, outputs] here, the order that its gradient comes in.
struct ParameterLayout: Sendable {
    struct Layer: Sendable {
        let weight: Int
        let bias: Int
        let gamma: Int
        let beta: Int
        /// Where the next layer begins.
        let end: Int
    }

    let shape: NetShape
    let tags: Int
    let layers: [Layer]
    /// [inputs, tags].
    let outputWeight: Int
    let outputBias: Int
    let count: Int
    /// Running means and variances, a layer: [2, outputs].
    let statistics: [Int]
    let statisticsCount: Int

    init(_ shape: NetShape, tags: Int) {
        self.shape = shape
        self.tags = tags
        var place = 0
        var statisticsPlace = 0
        var layers: [Layer] = []
        var statistics: [Int] = []
        for layer in 0..<shape.layerCount {
            let weight = place
            let width = shape.widths[layer]
            let bias = weight + shape.kernelWidth(layer: layer) * shape.inputChannels(layer: layer) * width
            place = bias + 3 * width
            layers.append(Layer(weight: weight, bias: bias, gamma: bias + width, beta: bias + 2 * width, end: place))
            statistics.append(statisticsPlace)
            statisticsPlace += 2 * width
        }
        self.layers = layers
        self.statistics = statistics
        statisticsCount = statisticsPlace
        outputWeight = place
        outputBias = outputWeight + shape.widths[shape.n + 1] * tags
        count = outputBias + tags
    }

    /// Runs of weights of convolutions and of the output layer: what weight decay pulls at.
    var decayed: [Range<Int>] { layers.map { $0.weight..<$0.bias } + [outputWeight..<outputBias] }

    /// Copies a net's numbers into place.
    func load(
        _ net: NetParameters, into values: UnsafeMutablePointer<Float>, statistics: UnsafeMutablePointer<Float>
    ) {
        for (index, layer) in net.layers.enumerated() {
            let place = layers[index]
            let (inputs, outputs) = (shape.inputChannels(layer: index), shape.widths[index])
            let taps = shape.kernelWidth(layer: index)
            transpose(layer.weight, to: values + place.weight, outputs: outputs, inputs: inputs, taps: taps)
            (values + place.bias).update(from: layer.bias, count: outputs)
            (values + place.gamma).update(from: layer.batchNorm.weight, count: outputs)
            (values + place.beta).update(from: layer.batchNorm.bias, count: outputs)
            let running = statistics + self.statistics[index]
            running.update(from: layer.batchNorm.runningMean, count: outputs)
            (running + outputs).update(from: layer.batchNorm.runningVariance, count: outputs)
        }
        let width = shape.widths[shape.n + 1]
        transpose(net.output.weight, to: values + outputWeight, outputs: tags, inputs: width, taps: 1)
        (values + outputBias).update(from: net.output.bias, count: tags)
    }

    /// A net of the numbers in place.
    func net(_ values: UnsafePointer<Float>, statistics: UnsafePointer<Float>) -> NetParameters {
        func floats(_ start: UnsafePointer<Float>, _ count: Int) -> [Float] {
            Array(UnsafeBufferPointer(start: start, count: count))
        }
        let convolutions = (0..<shape.layerCount).map { index in
            let place = layers[index]
            let (inputs, outputs) = (shape.inputChannels(layer: index), shape.widths[index])
            let running = statistics + self.statistics[index]
            return ConvolutionParameters(
                weight: untransposed(
                    values + place.weight, outputs: outputs, inputs: inputs, taps: shape.kernelWidth(layer: index)),
                bias: floats(values + place.bias, outputs),
                batchNorm: BatchNormParameters(
                    weight: floats(values + place.gamma, outputs), bias: floats(values + place.beta, outputs),
                    runningMean: floats(running, outputs), runningVariance: floats(running + outputs, outputs)))
        }
        let width = shape.widths[shape.n + 1]
        return NetParameters(
            shape: shape, layers: convolutions,
            output: LinearParameters(
                weight: untransposed(values + outputWeight, outputs: tags, inputs: width, taps: 1),
                bias: floats(values + outputBias, tags)))
    }

    /// [outputs, inputs, taps] → [taps, inputs, outputs].
    private func transpose(
        _ weight: [Float], to target: UnsafeMutablePointer<Float>, outputs: Int, inputs: Int, taps: Int
    ) {
        for tap in 0..<taps {
            for input in 0..<inputs {
                for output in 0..<outputs {
                    target[(tap * inputs + input) * outputs + output] = weight[(output * inputs + input) * taps + tap]
                }
            }
        }
    }

    /// [taps, inputs, outputs] → [outputs, inputs, taps].
    private func untransposed(_ source: UnsafePointer<Float>, outputs: Int, inputs: Int, taps: Int) -> [Float] {
        var weight = [Float](repeating: 0, count: outputs * inputs * taps)
        for tap in 0..<taps {
            for input in 0..<inputs {
                for output in 0..<outputs {
                    weight[(output * inputs + input) * taps + tap] = source[(tap * inputs + input) * outputs + output]
                }
            }
        }
        return weight
    }
}
