import COpenBLAS

/// One fully connected layer while it is trained: y = x Wᵀ (+ b), and, where it is hidden, batch norm over the batch, ReLU
/// and dropout.
///
/// A hidden layer has no bias of its own: batch norm takes it away again, and adds one that counts.
struct TrainableLayer {
    let inputs: Int
    let outputs: Int
    let isHidden: Bool
    /// [outputs, inputs].
    var weight: Parameter
    /// Of the last layer [outputs]; of a hidden one batch norm's β.
    var bias: Parameter
    /// Of a hidden layer batch norm's γ.
    var scale: Parameter
    var runningMean: [Float]
    var runningVariance: [Float]

    // What the backward pass needs of the forward pass.
    private var input: [Float] = []
    private var normalised: [Float] = []
    private var inverseDeviation: [Float] = []
    private var mask: [Float] = []
    private(set) var output: [Float] = []

    init(weight: [Float], inputs: Int, outputs: Int, isHidden: Bool) {
        self.inputs = inputs
        self.outputs = outputs
        self.isHidden = isHidden
        self.weight = Parameter(weight)
        bias = Parameter([Float](repeating: 0, count: outputs))
        scale = Parameter([Float](repeating: 1, count: isHidden ? outputs : 0))
        runningMean = [Float](repeating: 0, count: isHidden ? outputs : 0)
        runningVariance = [Float](repeating: 1, count: isHidden ? outputs : 0)
    }

    /// z = x Wᵀ, [batch, outputs].
    private func product(_ x: [Float], batch: Int) -> [Float] {
        var z = [Float](repeating: 0, count: batch * outputs)
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, Int32(batch), Int32(outputs), Int32(inputs), 1, x, Int32(inputs),
            weight.values, Int32(inputs), 0, &z, Int32(outputs))
        return z
    }

    /// As the trained classifier computes it, with running statistics and without dropout.
    func infer(_ x: [Float], batch: Int, epsilon: Float) -> [Float] {
        var z = product(x, batch: batch)
        for unit in 0..<outputs {
            let factor = isHidden ? scale.values[unit] / (runningVariance[unit] + epsilon).squareRoot() : 1
            let offset = isHidden ? bias.values[unit] - runningMean[unit] * factor : bias.values[unit]
            for row in 0..<batch {
                let value = z[row * outputs + unit] * factor + offset
                z[row * outputs + unit] = isHidden ? max(0, value) : value
            }
        }
        return z
    }

    /// - Parameters:
    ///   - mask: what activations are multiplied with, [batch, outputs]; empty: nothing.
    ///   - momentum: the share of the batch's statistics in the running ones.
    mutating func forward(_ x: [Float], batch: Int, epsilon: Float, momentum: Float, mask: [Float]) {
        input = x
        self.mask = mask
        output = product(x, batch: batch)
        guard isHidden else {
            for row in 0..<batch {
                for unit in 0..<outputs { output[row * outputs + unit] += bias.values[unit] }
            }
            return
        }
        normalised = output
        inverseDeviation = [Float](repeating: 0, count: outputs)
        for unit in 0..<outputs {
            var (sum, square) = (0.0, 0.0)
            for row in 0..<batch { sum += Double(output[row * outputs + unit]) }
            let mean = sum / Double(batch)
            for row in 0..<batch {
                let difference = Double(output[row * outputs + unit]) - mean
                square += difference * difference
            }
            // Normalised with the biased variance, remembered with the unbiased one, as PyTorch does.
            let inverse = 1 / (square / Double(batch) + Double(epsilon)).squareRoot()
            inverseDeviation[unit] = Float(inverse)
            runningMean[unit] += momentum * (Float(mean) - runningMean[unit])
            runningVariance[unit] += momentum * (Float(square / Double(max(1, batch - 1))) - runningVariance[unit])
            for row in 0..<batch {
                let index = row * outputs + unit
                normalised[index] = Float((Double(output[index]) - mean) * inverse)
                let value = max(0, normalised[index] * scale.values[unit] + bias.values[unit])
                output[index] = mask.isEmpty ? value : value * mask[index]
            }
        }
    }

    /// Gradients of the parameters from that of the output, [batch, outputs].
    ///
    /// - Returns: the gradient of the input, [batch, inputs]; empty where nobody wants it.
    mutating func backward(_ gradient: [Float], batch: Int, wantsInput: Bool) -> [Float] {
        var gradient = gradient
        if isHidden { passBack(&gradient, batch: batch) }
        if !isHidden {
            for unit in 0..<outputs {
                var sum: Float = 0
                for row in 0..<batch { sum += gradient[row * outputs + unit] }
                bias.gradient[unit] = sum
            }
        }
        cblas_sgemm(
            CblasRowMajor, CblasTrans, CblasNoTrans, Int32(outputs), Int32(inputs), Int32(batch), 1, gradient,
            Int32(outputs), input, Int32(inputs), 0, &weight.gradient, Int32(inputs))
        guard wantsInput else { return [] }
        var below = [Float](repeating: 0, count: batch * inputs)
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(batch), Int32(inputs), Int32(outputs), 1, gradient,
            Int32(outputs), weight.values, Int32(inputs), 0, &below, Int32(inputs))
        return below
    }

    /// Back through dropout, ReLU and batch norm (Ioffe and Szegedy, ICML 2015, section 3).
    private mutating func passBack(_ gradient: inout [Float], batch: Int) {
        for unit in 0..<outputs {
            var (sum, product) = (0.0, 0.0)
            for row in 0..<batch {
                let index = row * outputs + unit
                let isPassed = normalised[index] * scale.values[unit] + bias.values[unit] > 0
                gradient[index] = isPassed ? (mask.isEmpty ? gradient[index] : gradient[index] * mask[index]) : 0
                sum += Double(gradient[index])
                product += Double(gradient[index]) * Double(normalised[index])
            }
            bias.gradient[unit] = Float(sum)
            scale.gradient[unit] = Float(product)
            let factor = Double(scale.values[unit] * inverseDeviation[unit])
            for row in 0..<batch {
                let index = row * outputs + unit
                let centred =
                    Double(gradient[index]) - (sum + Double(normalised[index]) * product) / Double(batch)
                gradient[index] = Float(factor * centred)
            }
        }
    }
}

/// Numbers that are trained, with Adam's memory of their gradients.
struct Parameter {
    var values: [Float]
    var gradient: [Float]
    private var mean: [Float]
    private var square: [Float]

    init(_ values: [Float]) {
        self.values = values
        gradient = [Float](repeating: 0, count: values.count)
        mean = gradient
        square = gradient
    }

    /// One step of Adam (Kingma and Ba, ICLR 2015, algorithm 1), with weight decay apart from the gradient (Loshchilov and
    /// Hutter, ICLR 2019, algorithm 2).
    ///
    /// - Parameter step: counts from 1.
    mutating func update(step: Int, rate: Double, decay: Double) {
        let (beta1, beta2) = (Float(0.9), Float(0.999))
        var (power1, power2) = (1.0, 1.0)
        for _ in 0..<step {
            power1 *= 0.9
            power2 *= 0.999
        }
        let size = Float(rate / (1 - power1))
        let correction = Float((1 - power2).squareRoot())
        let kept = Float(1 - rate * decay)
        values.withUnsafeMutableBufferPointer { values in
            mean.withUnsafeMutableBufferPointer { mean in
                square.withUnsafeMutableBufferPointer { square in
                    gradient.withUnsafeBufferPointer { gradient in
                        for index in values.indices {
                            let slope = gradient[index]
                            mean[index] = beta1 * mean[index] + (1 - beta1) * slope
                            square[index] = beta2 * square[index] + (1 - beta2) * slope * slope
                            values[index] =
                                values[index] * kept
                                - size * mean[index] / (square[index].squareRoot() / correction + 1e-8)
                        }
                    }
                }
            }
        }
    }

    /// Adam forgets: the next step is the first.
    mutating func forget() {
        mean = [Float](repeating: 0, count: mean.count)
        square = mean
    }
}
