import COpenBLAS

/// One full window through a net, on OpenBLAS: the plain reading of the papers, which the streaming engines are tested against.
///
/// Channels last: a layer's activations are [columns, channels]. A convolution of width m behind which stands a
/// max-pool of m is m matrix products: row u of product r is convolution row m·u + r, whose m input columns lie
/// one behind the other in memory, so that the input is read in place with a row stride of m columns; the pool is
/// the maximum over the m products. Nothing is allocated after construction.
public final class WindowNet {
    public let shape: NetShape
    public let tags: Int
    private let function: OutputFunction
    private let layers: [Layer]
    private let outputWeight: [Float]
    private let outputBias: [Float]
    /// Layer 0's input with its zeros in front.
    private let input: UnsafeMutablePointer<Float>
    /// Layer i's activations at [i], `left` columns of zeros before them and `right` behind, as layer i + 1 wants.
    private let activations: [UnsafeMutablePointer<Float>]
    private let product: UnsafeMutablePointer<Float>
    private let logits: UnsafeMutableBufferPointer<Float>

    private struct Layer {
        /// [taps · inputs, outputs], batch norm's factor multiplied in.
        let weight: [Float]
        let offset: [Float]
    }

    /// Pooled columns computed together: their products stay in the second-level cache.
    private static let strip = 128

    public init(_ parameters: NetParameters, batchNormEpsilon: Double, function: OutputFunction) {
        // One thread: the caller decides what else runs, and a window's products are too small to share out.
        openblas_set_num_threads(1)
        shape = parameters.shape
        self.function = function
        let shape = parameters.shape
        layers = parameters.layers.enumerated().map { index, layer in
            let taps = shape.kernelWidth(layer: index)
            let inputs = shape.inputChannels(layer: index)
            let outputs = shape.widths[index]
            let (scale, offset) = layer.folded(epsilon: batchNormEpsilon)
            var weight = [Float](repeating: 0, count: taps * inputs * outputs)
            for output in 0..<outputs {
                for channel in 0..<inputs {
                    for tap in 0..<taps {
                        weight[(tap * inputs + channel) * outputs + output] =
                            scale[output] * layer.weight[(output * inputs + channel) * taps + tap]
                    }
                }
            }
            return Layer(weight: weight, offset: offset)
        }
        outputWeight = parameters.output.weight
        outputBias = parameters.output.bias
        tags = parameters.output.outputs
        input = allocateFloats(shape.window + shape.firstPadding)
        activations = (0..<shape.layerCount).map { layer in
            allocateFloats((shape.columns(layer: layer) + shape.m - 1) * shape.widths[layer])
        }
        product = allocateFloats(Self.strip * (shape.widths.max() ?? 0))
        logits = UnsafeMutableBufferPointer(start: allocateFloats(tags), count: tags)
    }

    deinit {
        input.deallocate()
        activations.forEach { $0.deallocate() }
        product.deallocate()
        logits.deallocate()
    }

    /// Probabilities of one window, [tags]; valid until the next call.
    ///
    /// - Parameter window: `shape.window` samples.
    @discardableResult
    public func forward(_ window: UnsafePointer<Float>) -> UnsafeBufferPointer<Float> {
        (input + shape.firstPadding).update(from: window, count: shape.window)
        convolve(layer: 0, input: input, inputs: 1, taps: shape.m, pool: 1)
        for layer in 1...shape.n {
            convolve(
                layer: layer, input: activations[layer - 1], inputs: shape.widths[layer - 1], taps: shape.m,
                pool: shape.m)
        }
        let last = shape.n + 1
        convolve(
            layer: last, input: self.columns(of: shape.n), inputs: shape.widths[shape.n], taps: 1, pool: 1)
        logits.baseAddress!.update(from: outputBias, count: tags)
        cblas_sgemv(
            CblasRowMajor, CblasNoTrans, Int32(tags), Int32(shape.widths[last]), 1, outputWeight,
            Int32(shape.widths[last]), columns(of: last), 1, 1, logits.baseAddress!, 1)
        function.apply(logits)
        return UnsafeBufferPointer(logits)
    }

    /// Activations of a layer for the newest window, after its pooling: [columns, channels].
    public func activations(layer: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: columns(of: layer), count: shape.columns(layer: layer) * shape.widths[layer])
    }

    /// The newest window's features: the last three layers' activations, each the maximum over time, one behind the other.
    ///
    /// - Parameter features: `shape.featureCount` floats.
    public func features(into features: UnsafeMutablePointer<Float>) {
        var target = features
        for layer in shape.featureLayers {
            let width = shape.widths[layer]
            let source = columns(of: layer)
            target.update(from: source, count: width)
            for column in 1..<max(1, shape.columns(layer: layer)) {
                for channel in 0..<width { target[channel] = max(target[channel], source[column * width + channel]) }
            }
            target += width
        }
    }

    private func columns(of layer: Int) -> UnsafeMutablePointer<Float> {
        activations[layer] + shape.leftPadding * shape.widths[layer]
    }

    /// activations[layer] = ReLU(max over r < pool of rows r, r + pool, … of (input ∗ weight) + offset).
    private func convolve(layer: Int, input: UnsafePointer<Float>, inputs: Int, taps: Int, pool: Int) {
        let columns = shape.columns(layer: layer)
        let outputs = shape.widths[layer]
        // Layer 0 steps by whole taps; the others by one column a row, and so by `pool` columns a product's row.
        let rowStride = layer == 0 ? taps : pool * inputs
        let offset = layers[layer].offset
        var column = 0
        while column < columns {
            let rows = min(Self.strip, columns - column)
            let target = self.columns(of: layer) + column * outputs
            for r in 0..<pool {
                let result = r == 0 ? target : product
                cblas_sgemm(
                    CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(rows), Int32(outputs), Int32(taps * inputs),
                    1, input + column * rowStride + r * inputs, Int32(max(rowStride, taps * inputs)),
                    layers[layer].weight, Int32(outputs), 0, result, Int32(outputs))
                if r > 0 {
                    for index in 0..<(rows * outputs) where product[index] > target[index] {
                        target[index] = product[index]
                    }
                }
            }
            for row in 0..<rows {
                for channel in 0..<outputs {
                    let index = row * outputs + channel
                    target[index] = max(0, target[index] + offset[channel])
                }
            }
            column += rows
        }
    }
}
