import CKernels

/// Layer 0 while it is trained: a strided convolution over the waveform, batch norm over the batch, ReLU; and back.
///
/// It has a column for every m samples and so the largest activations of all layers, but each is a sum of only m
/// products. None is kept: outputs are computed again wherever they are needed, and batch norm's statistics follow
/// from those of the sound, mean(W x) = W mean(x) and cov(W x) = W cov(x) Wᵀ.
final class FirstLayerTrainer {
    let geometry: LayerGeometry
    private let isFrozen: Bool
    private let kernel: Kernel
    private let place: ParameterLayout.Layer
    private let parameters: UnsafeMutablePointer<Float>
    private let running: UnsafeMutablePointer<Float>
    private let epsilon: Double
    /// [batch, padding + window].
    private let sound: UnsafeMutablePointer<Float>
    private let soundStride: Int
    private let padding: Int

    private let folded: UnsafeMutablePointer<Float>
    private let packed: UnsafeMutablePointer<Float>
    private let bias: UnsafeMutablePointer<Float>
    private let ones: UnsafeMutablePointer<Float>
    private let zeros: UnsafeMutablePointer<Float>
    private var inverseDeviation: [Double]
    private var mean: [Double]
    /// Sums over all columns of the sound's taps, [m], and of their products, [m, m].
    private var tapSums: [Double]
    private var tapProducts: [Double]
    let floatCount: Int

    init(
        _ layout: ParameterLayout, batch: Int, parameters: UnsafeMutablePointer<Float>,
        statistics: UnsafeMutablePointer<Float>, epsilon: Double, isFrozen: Bool, kernel: Kernel
    ) {
        let shape = layout.shape
        geometry = LayerGeometry(shape, layer: 0)
        place = layout.layers[0]
        self.parameters = parameters
        self.epsilon = epsilon
        self.isFrozen = isFrozen
        self.kernel = kernel
        running = statistics + layout.statistics[0]
        padding = shape.firstPadding
        soundStride = shape.window + padding
        sound = allocateFloats(batch * soundStride)
        let (taps, outputs) = (geometry.taps, geometry.outputs)
        folded = allocateFloats(taps * outputs)
        packed = allocateFloats(wavetag_packed_size(kernel.lanes, 1, taps, outputs))
        bias = allocateFloats(outputs + kernel.lanes)
        ones = allocateFloats(outputs)
        ones.update(repeating: 1, count: outputs)
        zeros = allocateFloats(outputs)
        inverseDeviation = [Double](repeating: 1, count: outputs)
        mean = [Double](repeating: 0, count: outputs)
        tapSums = [Double](repeating: 0, count: taps)
        tapProducts = [Double](repeating: 0, count: taps * taps)
        floatCount = batch * soundStride
    }

    deinit { for memory in [sound, folded, packed, bias, ones, zeros] { memory.deallocate() } }

    /// Where a segment's window goes.
    func window(_ segment: Int) -> UnsafeMutablePointer<Float> { sound + segment * soundStride + padding }

    private func taps(_ segment: Int, column: Int) -> UnsafeMutablePointer<Float> {
        sound + segment * soundStride + column * geometry.taps
    }

    /// Adds one segment's taps and their products to the thread's totals.
    func measure(_ segment: Int, _ scratch: TrainingScratch) {
        let count = geometry.taps
        let source = taps(segment, column: 0)
        for first in 0..<count {
            var sum = 0.0
            for column in 0..<geometry.columns { sum += Double(source[column * count + first]) }
            scratch.totals[first] += sum
            for second in first..<count {
                var product = 0.0
                for column in 0..<geometry.columns {
                    product += Double(source[column * count + first]) * Double(source[column * count + second])
                }
                scratch.products[first * count + second] += product
            }
        }
    }

    /// Batch norm's factors from the sound's statistics, and the weights that they are multiplied into.
    ///
    /// - Returns: whether all of it is finite.
    func normalise(batch: Int, _ scratches: [TrainingScratch]) -> Bool {
        let (taps, outputs) = (geometry.taps, geometry.outputs)
        var isFinite = true
        let count = Double(batch * geometry.columns)
        for first in 0..<taps {
            tapSums[first] = scratches.reduce(0) { $0 + $1.totals[first] }
            for second in first..<taps {
                let product = scratches.reduce(0) { $0 + $1.products[first * taps + second] }
                tapProducts[first * taps + second] = product
                tapProducts[second * taps + first] = product
            }
        }
        let weight = parameters + place.weight
        for channel in 0..<outputs {
            var (mean, variance) = (Double(running[channel]), Double(running[outputs + channel]))
            if !isFrozen {
                mean = Double(parameters[place.bias + channel])
                variance = 0
                for first in 0..<taps {
                    let w = Double(weight[first * outputs + channel])
                    mean += w * tapSums[first] / count
                    for second in 0..<taps {
                        let covariance =
                            tapProducts[first * taps + second] / count
                            - tapSums[first] / count * tapSums[second] / count
                        variance += w * Double(weight[second * outputs + channel]) * covariance
                    }
                }
                if variance < 0 { variance = 0 }
                BatchNormParameters.follow(
                    &running[channel], &running[outputs + channel], mean: mean, variance: variance, count: count)
            }
            self.mean[channel] = mean
            inverseDeviation[channel] = 1 / (variance + epsilon).squareRoot()
            let factor = Double(parameters[place.gamma + channel]) * inverseDeviation[channel]
            for tap in 0..<taps {
                folded[tap * outputs + channel] = Float(factor * Double(weight[tap * outputs + channel]))
            }
            bias[channel] = Float(
                Double(parameters[place.beta + channel])
                    + factor * (Double(parameters[place.bias + channel]) - mean))
            isFinite = isFinite && variance.isFinite && bias[channel].isFinite
        }
        kernel.packBlocks(rows: taps, width: outputs, folded, at: 0, of: taps, into: packed)
        return isFinite
    }

    /// The layer's outputs for columns of one segment, [columns, outputs].
    func outputs(
        _ segment: Int, _ columns: Range<Int>, into target: UnsafeMutablePointer<Float>, _ scratch: TrainingScratch
    ) {
        let source = taps(segment, column: columns.lowerBound)
        for index in 0..<columns.count {
            scratch.inputs[index] = UnsafeRawPointer(source + index * geometry.taps)
            scratch.outputs[index] = UnsafeMutableRawPointer(target + index * geometry.outputs)
        }
        var layer = wavetag_convolution(
            taps: 1, depth: geometry.taps, pool: 1, width: geometry.outputs, relu: 1, weights: packed, bias: bias)
        kernel.convolve(&layer, columns: columns.count, inputs: scratch.inputs, outputs: scratch.outputs)
    }

    /// What goes back to columns of one segment: through ReLU, into this thread's sums of g and of g · tap.
    ///
    /// - Parameters:
    ///   - values: the columns' outputs, [columns, outputs].
    ///   - gradient: the loss by them, [columns, outputs]; overwritten.
    func backward(
        _ segment: Int, _ columns: Range<Int>, values: UnsafePointer<Float>,
        gradient: UnsafeMutablePointer<Float>, _ scratch: TrainingScratch
    ) {
        let (taps, outputs, count) = (geometry.taps, geometry.outputs, columns.count)
        scratch.resetSums(channels: outputs)
        kernel.rectify(
            columns: count, width: outputs, values, scale: ones, offset: zeros, mean: zeros, gradient: gradient,
            sums: scratch.sums, products: scratch.sums + outputs)
        scratch.addSumsToTotals(channels: outputs)
        kernel.packPanels(
            rows: count, width: taps, self.taps(segment, column: columns.lowerBound), into: scratch.panels)
        kernel.packBlocks(rows: count, width: outputs, gradient, at: 0, of: count, into: scratch.blocks)
        kernel.accumulate(
            taps: 1, rows: count, depth: taps, width: outputs, panelRows: count, panels: scratch.panels,
            blocks: scratch.blocks, into: scratch.gradient + place.weight)
    }

    /// Gradients of weights, γ and β from the sums of all threads, which stand in the first one's gradient.
    ///
    /// As in `ConvolutionTrainer.prepareBackward`, with sums over all columns: of g · (W x) = W (g · x), and of
    /// (W x + b) · x = W (x · x) + b x.
    func finishBackward(batch: Int, _ scratches: [TrainingScratch]) {
        let (taps, outputs) = (geometry.taps, geometry.outputs)
        let count = Double(batch * geometry.columns)
        let weight = parameters + place.weight
        let gradient = scratches[0].gradient
        for channel in 0..<outputs {
            let bias = Double(parameters[place.bias + channel])
            let sum = scratches.reduce(0) { $0 + $1.totals[channel] }
            var products = (bias - mean[channel]) * sum
            for tap in 0..<taps {
                products +=
                    Double(weight[tap * outputs + channel]) * Double(gradient[place.weight + tap * outputs + channel])
            }
            let inverse = inverseDeviation[channel]
            gradient[place.beta + channel] = Float(sum)
            gradient[place.gamma + channel] = Float(products * inverse)
            gradient[place.bias + channel] = 0
            let factor = Double(parameters[place.gamma + channel]) * inverse
            let slope = -factor * inverse * inverse * products / count
            let constant = -factor * sum / count - slope * mean[channel]
            for tap in 0..<taps {
                var selfProducts = bias * tapSums[tap]
                for other in 0..<taps {
                    selfProducts += Double(weight[other * outputs + channel]) * tapProducts[other * taps + tap]
                }
                let index = place.weight + tap * outputs + channel
                gradient[index] = Float(
                    factor * Double(gradient[index]) + constant * tapSums[tap] + slope * selfProducts)
            }
        }
    }
}
