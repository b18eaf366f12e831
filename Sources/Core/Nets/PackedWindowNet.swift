/// One full window through a packed net, in either precision, with every layer's activations at hand.
///
/// The plain reading that the streaming engines share their kernels with: for calibration, evaluation and tests.
/// Nothing is allocated after construction.
public final class PackedWindowNet {
    public let net: PackedNet
    private let input: UnsafeMutablePointer<Float>
    /// Layer i's columns.
    private let activations: [UnsafeMutableRawPointer]
    private let zeros: UnsafeMutableRawPointer
    private let inputs: UnsafeMutablePointer<UnsafeRawPointer?>
    private let outputs: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private let probabilities: UnsafeMutableBufferPointer<Float>

    public init(_ net: PackedNet) {
        self.net = net
        let shape = net.shape
        input = allocateFloats(shape.window + shape.firstPadding)
        func zeroed(_ bytes: Int) -> UnsafeMutableRawPointer {
            UnsafeMutableRawPointer(allocateFloats((bytes + 3) / 4))
        }
        activations = (0..<shape.layerCount).map { layer in
            zeroed(shape.columns(layer: layer) * net.layers[layer].outputBytes)
        }
        zeros = zeroed(net.layers.map(\.outputBytes).max() ?? 0)
        let most = (0..<shape.layerCount).map { shape.columns(layer: $0) * net.layers[$0].spread }.max() ?? 1
        inputs = .allocate(capacity: most)
        inputs.initialize(repeating: nil, count: most)
        outputs = .allocate(capacity: shape.columns(layer: 0))
        outputs.initialize(repeating: nil, count: shape.columns(layer: 0))
        probabilities = UnsafeMutableBufferPointer(start: allocateFloats(net.tags), count: net.tags)
    }

    deinit {
        input.deallocate()
        activations.forEach { $0.deallocate() }
        zeros.deallocate()
        inputs.deallocate()
        outputs.deallocate()
        probabilities.deallocate()
    }

    /// Probabilities of one window, [tags]; valid until the next call.
    ///
    /// - Parameters:
    ///   - window: `shape.window` samples.
    ///   - gain: multiplied into every sample.
    @discardableResult
    public func forward(_ window: UnsafePointer<Float>, gain: Float = 1) -> UnsafeBufferPointer<Float> {
        logits(window, gain: gain)
        net.function.apply(probabilities)
        return UnsafeBufferPointer(probabilities)
    }

    /// What the output function is then applied to, [tags]; valid until the next call. Parameters as for `forward`.
    @discardableResult
    public func logits(_ window: UnsafePointer<Float>, gain: Float = 1) -> UnsafeBufferPointer<Float> {
        let shape = net.shape
        for index in 0..<shape.window { input[shape.firstPadding + index] = window[index] * gain }
        let first = activations[0]
        let firstBytes = net.layers[0].outputBytes
        for column in 0..<shape.columns(layer: 0) {
            inputs[column] = UnsafeRawPointer(input + column * shape.m)
            outputs[column] = first + column * firstBytes
        }
        net.layers[0].apply(columns: shape.columns(layer: 0), inputs: inputs, outputs: outputs)
        for layer in 1...(shape.n + 1) { convolve(layer) }
        inputs[0] = UnsafeRawPointer(activations[shape.n + 1])
        outputs[0] = UnsafeMutableRawPointer(probabilities.baseAddress)
        net.output.apply(columns: 1, inputs: inputs, outputs: outputs)
        return UnsafeBufferPointer(probabilities)
    }

    /// Activations of a layer for the newest window, after its pooling: [columns] of the layer's `outputBytes`.
    public func activations(layer: Int) -> UnsafeRawPointer { UnsafeRawPointer(activations[layer]) }

    private func convolve(_ layer: Int) {
        let shape = net.shape
        let packed = net.layers[layer]
        let (spread, pool) = (packed.spread, packed.pool)
        let columns = shape.columns(layer: layer)
        let below = shape.columns(layer: layer - 1)
        let left = layer <= shape.n ? shape.leftPadding : 0
        // Everything that the loop reads is a local: an array's elements would be retained for each column.
        let (source, sourceBytes) = (activations[layer - 1], packed.inputBytes)
        let (target, targetBytes) = (activations[layer], packed.outputBytes)
        let (inputs, outputs, zeros) = (inputs, outputs, zeros)
        for column in 0..<columns {
            for index in 0..<spread {
                let place = column * pool + index - left
                inputs[column * spread + index] = UnsafeRawPointer(
                    place >= 0 && place < below ? source + place * sourceBytes : zeros)
            }
            outputs[column] = target + column * targetBytes
        }
        packed.apply(columns: columns, inputs: inputs, outputs: outputs)
    }
}
