import CKernels

/// One of layers 1 … n + 1 while it is trained: convolution, batch norm over the batch, ReLU, max-pool; and back.
///
/// Batch norm of a channel is rising where its factor γ is positive, and falling where it is negative, so that the
/// maximum over a pool's rows of what is normalised belongs to the row of the largest, or smallest, sum of the
/// convolution. Only that extreme is normalised; what the pool would drop never is.
final class ConvolutionTrainer {
    /// 1 … n + 1.
    let layer: Int
    let geometry: LayerGeometry
    /// Running statistics normalise it, and nothing of it is learnt.
    let isFrozen: Bool
    private let kernel: Kernel
    private let place: ParameterLayout.Layer
    private let parameters: UnsafeMutablePointer<Float>
    private let running: UnsafeMutablePointer<Float>
    private let epsilon: Double

    /// Sums of the convolution, [batch, rows, outputs].
    let sums: UnsafeMutablePointer<Float>
    /// The largest sum of each pool, or the smallest where γ is negative, [batch, columns, outputs].
    let extremes: UnsafeMutablePointer<Float>
    /// What the newest batch was normalised with, each [outputs]: output = max(0, scale · extreme + offset).
    let scale: UnsafeMutablePointer<Float>
    let offset: UnsafeMutablePointer<Float>
    private let mean: UnsafeMutablePointer<Float>
    private let sign: UnsafeMutablePointer<Float>
    private var inverseDeviation: [Double]
    /// What goes back through batch norm: factor · gradient + slope · sum + constant.
    private let factor: UnsafeMutablePointer<Float>
    private let slope: UnsafeMutablePointer<Float>
    private let constant: UnsafeMutablePointer<Float>

    private let forwardWeights: UnsafeMutablePointer<Float>
    private let backwardWeights: UnsafeMutablePointer<Float>
    private let flipped: UnsafeMutablePointer<Float>
    private let bias: UnsafeMutablePointer<Float>
    private let zeros: UnsafeMutablePointer<Float>
    let floatCount: Int

    init(
        _ layout: ParameterLayout, layer: Int, batch: Int, parameters: UnsafeMutablePointer<Float>,
        statistics: UnsafeMutablePointer<Float>, epsilon: Double, isFrozen: Bool, kernel: Kernel
    ) {
        self.layer = layer
        geometry = LayerGeometry(layout.shape, layer: layer)
        place = layout.layers[layer]
        self.parameters = parameters
        self.epsilon = epsilon
        self.isFrozen = isFrozen
        self.kernel = kernel
        running = statistics + layout.statistics[layer]
        let (inputs, outputs, taps) = (geometry.inputs, geometry.outputs, geometry.taps)
        sums = allocateFloats(batch * geometry.rows * outputs)
        extremes = allocateFloats(batch * geometry.columns * outputs)
        scale = allocateFloats(outputs)
        offset = allocateFloats(outputs)
        mean = allocateFloats(outputs)
        sign = allocateFloats(outputs)
        factor = allocateFloats(outputs)
        slope = allocateFloats(outputs)
        constant = allocateFloats(outputs)
        inverseDeviation = [Double](repeating: 1, count: outputs)
        let packed = wavetag_packed_size(kernel.lanes, taps, inputs, outputs)
        let packedBack = wavetag_packed_size(kernel.lanes, taps, outputs, inputs)
        forwardWeights = allocateFloats(packed)
        backwardWeights = allocateFloats(packedBack)
        flipped = allocateFloats(geometry.weightCount)
        bias = allocateFloats(outputs + kernel.lanes)
        zeros = allocateFloats(inputs + kernel.lanes)
        floatCount =
            batch * (geometry.rows + geometry.columns) * outputs + packed + packedBack + geometry.weightCount
    }

    deinit {
        for memory in [
            sums, extremes, scale, offset, mean, sign, factor, slope, constant, forwardWeights, backwardWeights,
            flipped, bias, zeros,
        ] { memory.deallocate() }
    }

    /// Packs the newest weights in the order that the kernels read them, forward and back.
    func pack() {
        let (inputs, outputs, taps) = (geometry.inputs, geometry.outputs, geometry.taps)
        let weight = parameters + place.weight
        kernel.packBlocks(rows: taps * inputs, width: outputs, weight, at: 0, of: taps * inputs, into: forwardWeights)
        for tap in 0..<taps {
            let source = weight + (taps - 1 - tap) * inputs * outputs
            let target = flipped + tap * inputs * outputs
            for input in 0..<inputs {
                for output in 0..<outputs { target[output * inputs + input] = source[input * outputs + output] }
            }
        }
        kernel.packBlocks(
            rows: taps * outputs, width: inputs, flipped, at: 0, of: taps * outputs, into: backwardWeights)
        bias.update(from: parameters + place.bias, count: outputs)
        for channel in 0..<outputs { sign[channel] = parameters[place.gamma + channel] < 0 ? -1 : 1 }
    }

    /// The convolution of one strip, its pools' extremes, and its sums for batch norm.
    ///
    /// - Parameter scratch: holds the strip's inputs.
    func forward(_ strip: Range<Int>, _ scratch: TrainingScratch) {
        let geometry = geometry
        let (inputs, outputs, taps, pool) = (geometry.inputs, geometry.outputs, geometry.taps, geometry.pool)
        let rows = strip.count * pool
        let target = sums + strip.lowerBound * pool * outputs
        geometry.forEachRun(of: strip) { run in
            let source = scratch.input + (run.before * pool + run.index * (taps - 1)) * inputs
            let first = run.before * pool
            for row in 0..<(run.columns.count * pool) {
                for tap in 0..<taps {
                    scratch.inputs[(first + row) * taps + tap] = UnsafeRawPointer(source + (row + tap) * inputs)
                }
                scratch.outputs[first + row] = UnsafeMutableRawPointer(target + (first + row) * outputs)
            }
        }
        convolve(depth: inputs, width: outputs, forwardWeights, bias, rows: rows, scratch)
        scratch.resetSums(channels: outputs)
        kernel.statistics(
            columns: strip.count, pool: pool, width: outputs, target, sign: sign,
            extremes: extremes + strip.lowerBound * outputs, sums: scratch.sums, squares: scratch.sums + outputs)
        scratch.addSumsToTotals(channels: outputs)
    }

    private func convolve(
        depth: Int, width: Int, _ weights: UnsafePointer<Float>, _ bias: UnsafePointer<Float>, rows: Int,
        _ scratch: TrainingScratch
    ) {
        var layer = wavetag_convolution(
            taps: geometry.taps, depth: depth, pool: 1, width: width, relu: 0, weights: weights, bias: bias)
        kernel.convolve(&layer, columns: rows, inputs: scratch.inputs, outputs: scratch.outputs)
    }

    /// Batch norm's factors from all threads' sums; running statistics follow by a tenth, as PyTorch's do.
    /// Ioffe and Szegedy, "Batch normalization", ICML 2015, algorithm 1.
    ///
    /// - Returns: whether all of it is finite. ReLU makes 0 of what is no number, and so no loss would tell.
    func normalise(batch: Int, _ scratches: [TrainingScratch]) -> Bool {
        let outputs = geometry.outputs
        var isFinite = true
        let count = Double(batch * geometry.rows)
        for channel in 0..<outputs {
            var (mean, variance) = (Double(running[channel]), Double(running[outputs + channel]))
            if !isFrozen {
                let sum = scratches.reduce(0) { $0 + $1.totals[channel] }
                let squares = scratches.reduce(0) { $0 + $1.totals[outputs + channel] }
                mean = sum / count
                variance = squares / count - mean * mean
                if variance < 0 { variance = 0 }
                BatchNormParameters.follow(
                    &running[channel], &running[outputs + channel], mean: mean, variance: variance, count: count)
            }
            inverseDeviation[channel] = 1 / (variance + epsilon).squareRoot()
            let factor = Double(parameters[place.gamma + channel]) * inverseDeviation[channel]
            scale[channel] = Float(factor)
            offset[channel] = Float(Double(parameters[place.beta + channel]) - factor * mean)
            self.mean[channel] = Float(mean)
            isFinite = isFinite && variance.isFinite && scale[channel].isFinite && offset[channel].isFinite
        }
        return isFinite
    }

    /// The layer's outputs, [columns, outputs].
    ///
    /// - Parameter columns: of the batch.
    func outputs(_ columns: Range<Int>, into target: UnsafeMutablePointer<Float>) {
        kernel.normalise(
            columns: columns.count, width: geometry.outputs, extremes + columns.lowerBound * geometry.outputs,
            scale: scale, offset: offset, into: target)
    }

    /// What ReLU lets back, in place, and its sums for batch norm.
    ///
    /// - Parameter gradient: the loss by this layer's outputs, [batch, columns, outputs].
    func rectify(_ columns: Range<Int>, _ gradient: UnsafeMutablePointer<Float>, _ scratch: TrainingScratch) {
        let outputs = geometry.outputs
        scratch.resetSums(channels: outputs)
        kernel.rectify(
            columns: columns.count, width: outputs, extremes + columns.lowerBound * outputs, scale: scale,
            offset: offset, mean: mean, gradient: gradient + columns.lowerBound * outputs, sums: scratch.sums,
            products: scratch.sums + outputs)
        scratch.addSumsToTotals(channels: outputs)
    }

    /// Gradients of γ and β, and what batch norm gives back to each sum of the convolution.
    ///
    /// With g the gradient by what was normalised and N values a channel, Ioffe and Szegedy, section 3, comes to
    /// γ/σ · (g − Σg / N − (x − μ)/σ² · Σ g (x − μ) / N): a multiple of g, a multiple of x and a constant.
    func prepareBackward(batch: Int, _ scratches: [TrainingScratch]) {
        let outputs = geometry.outputs
        let count = Double(batch * geometry.rows)
        let gradient = scratches[0].gradient
        for channel in 0..<outputs {
            let sum = scratches.reduce(0) { $0 + $1.totals[channel] }
            let products = scratches.reduce(0) { $0 + $1.totals[outputs + channel] }
            let inverse = inverseDeviation[channel]
            gradient[place.beta + channel] = Float(sum)
            gradient[place.gamma + channel] = Float(products * inverse)
            let factor = Double(parameters[place.gamma + channel]) * inverse
            let slope = -factor * inverse * inverse * products / count
            self.factor[channel] = Float(factor)
            self.slope[channel] = Float(slope)
            constant[channel] = Float(-factor * sum / count - slope * Double(mean[channel]))
            // A bias moves the mean by as much, and batch norm takes it off again.
            gradient[place.bias + channel] = 0
        }
    }

    /// What comes back to a strip's convolution rows, and with it the weights' gradient of this thread.
    ///
    /// - Parameters:
    ///   - gradient: what ReLU let back, [batch, columns, outputs].
    ///   - scratch: holds the strip's inputs.
    func backward(
        _ strip: Range<Int>, _ gradient: UnsafePointer<Float>, _ scratch: TrainingScratch
    ) {
        let geometry = geometry
        let (inputs, outputs, taps, pool) = (geometry.inputs, geometry.outputs, geometry.taps, geometry.pool)
        let group = pool * outputs
        var rows = 0
        geometry.forEachRun(of: strip) { run in
            let target = scratch.returned + (run.before + 2 * run.index) * group
            let wanted = (run.columns.lowerBound - 1)..<(run.columns.upperBound + 1)
            let there = wanted.clamped(to: 0..<geometry.columns)
            if there.lowerBound > wanted.lowerBound { target.update(repeating: 0, count: group) }
            if there.upperBound < wanted.upperBound {
                (target + (wanted.count - 1) * group).update(repeating: 0, count: group)
            }
            let place = run.segment * geometry.columns + there.lowerBound
            kernel.unpool(
                columns: there.count, pool: pool, width: outputs, sums + place * group,
                extremes: extremes + place * outputs, gradient: gradient + place * outputs, factor: factor,
                slope: slope, constant: constant, into: target + (there.lowerBound - wanted.lowerBound) * group)
            rows = (run.before + run.columns.count) * pool + run.index * (taps - 1)
        }
        geometry.forEachRun(of: strip) { run in
            // Between segments taps − 1 rows of nothing, so that a tap that reaches over finds nothing to multiply.
            let source = scratch.returned + (run.before + 2 * run.index + 1) * group
            let first = run.before * pool + run.index * (taps - 1)
            let own = run.columns.count * pool
            kernel.packBlocks(rows: own, width: outputs, source, at: first, of: rows, into: scratch.blocks)
            if first + own < rows {
                kernel.clearBlocks(
                    rows: taps - 1, width: outputs, at: first + own, of: rows, in: scratch.blocks)
            }
        }
        let inputRows = rows + taps - 1
        kernel.packPanels(rows: inputRows, width: inputs, scratch.input, into: scratch.panels)
        kernel.accumulate(
            taps: taps, rows: rows, depth: inputs, width: outputs, panelRows: inputRows, panels: scratch.panels,
            blocks: scratch.blocks, into: scratch.gradient + place.weight)
    }

    /// What goes back to a strip's input columns: the convolution of what came to its rows with the flipped weights.
    ///
    /// - Parameter target: [strip's rows, inputs].
    func backwardToInputs(_ strip: Range<Int>, into target: UnsafeMutablePointer<Float>, _ scratch: TrainingScratch) {
        let geometry = geometry
        let (inputs, outputs, taps, pool) = (geometry.inputs, geometry.outputs, geometry.taps, geometry.pool)
        let right = taps - 1 - geometry.left
        geometry.forEachRun(of: strip) { run in
            let source = scratch.returned + ((run.before + 2 * run.index + 1) * pool - right) * outputs
            let first = run.before * pool
            for row in 0..<(run.columns.count * pool) {
                for tap in 0..<taps {
                    scratch.inputs[(first + row) * taps + tap] = UnsafeRawPointer(source + (row + tap) * outputs)
                }
                scratch.outputs[first + row] = UnsafeMutableRawPointer(target + (first + row) * inputs)
            }
        }
        convolve(depth: outputs, width: inputs, backwardWeights, zeros, rows: strip.count * pool, scratch)
    }
}

extension BatchNormParameters {
    /// Running statistics follow a batch's by a tenth; the variance as its unbiased estimate.
    static func follow(
        _ runningMean: inout Float, _ runningVariance: inout Float, mean: Double, variance: Double, count: Double
    ) {
        let unbiased = count > 1 ? variance * count / (count - 1) : variance
        runningMean = Float(0.9 * Double(runningMean) + 0.1 * mean)
        runningVariance = Float(0.9 * Double(runningVariance) + 0.1 * unbiased)
    }
}
