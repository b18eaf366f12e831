import CKernels

/// A float layer. Input columns are `depth` floats, output columns `width` floats.
public final class PackedConvolution: PackedLayer, @unchecked Sendable {
    /// Taps of the convolution.
    public let taps: Int
    /// Channels of an input column.
    public let depth: Int
    /// Convolution rows that one output column is the maximum of; 1 where there is no pool.
    public let pool: Int
    /// Channels of an output column.
    public let width: Int

    private let kernel: Kernel
    private let layer: UnsafeMutablePointer<wavetag_convolution>
    private let weights: UnsafeMutablePointer<Float>
    private let bias: UnsafeMutablePointer<Float>
    private let packedCount: Int

    /// - Parameters:
    ///   - weight: [width, depth, taps], PyTorch's order.
    ///   - scale: [width], multiplied into the weights.
    ///   - bias: [width], added behind the scaled convolution.
    public init(
        weight: [Float], scale: [Float], bias: [Float], taps: Int, depth: Int, pool: Int, relu: Bool,
        kernel: Kernel = .best
    ) {
        precondition(weight.count == bias.count * depth * taps && scale.count == bias.count)
        self.taps = taps
        self.depth = depth
        self.pool = pool
        self.width = bias.count
        self.kernel = kernel
        packedCount = wavetag_packed_size(kernel.lanes, taps, depth, bias.count)
        // Aligned to a cache line, so that a vector load never touches two.
        weights = allocateFloats(packedCount)
        wavetag_pack(kernel.lanes, taps, depth, bias.count, weight, scale, weights)
        let paddedBias = (bias.count + kernel.lanes - 1) / kernel.lanes * kernel.lanes
        self.bias = allocateFloats(paddedBias)
        for channel in bias.indices { self.bias[channel] = bias[channel] }
        layer = .allocate(capacity: 1)
        layer.initialize(
            to: wavetag_convolution(
                taps: taps, depth: depth, pool: pool, width: bias.count, relu: relu ? 1 : 0, weights: weights,
                bias: self.bias))
    }

    deinit {
        layer.deallocate()
        weights.deallocate()
        bias.deallocate()
    }

    /// Input columns that one output column is made from: pool + taps − 1.
    public var spread: Int { pool + taps - 1 }

    public var inputBytes: Int { depth * MemoryLayout<Float>.stride }
    public var outputBytes: Int { width * MemoryLayout<Float>.stride }

    /// Bytes that the packed weights take.
    public var bytes: Int { packedCount * MemoryLayout<Float>.stride }

    /// Multiply-adds of one output column.
    public var multiplyAdds: Int { pool * taps * depth * width }

    public func apply(
        columns: Int, inputs: UnsafePointer<UnsafeRawPointer?>, outputs: UnsafePointer<UnsafeMutableRawPointer?>
    ) {
        kernel.convolve(layer, columns: columns, inputs: inputs, outputs: outputs)
    }
}

/// `count` floats of zero on a cache line's boundary; the caller deallocates.
public func allocateFloats(_ count: Int) -> UnsafeMutablePointer<Float> {
    let bytes = UnsafeMutableRawPointer.allocate(
        byteCount: max(1, count) * MemoryLayout<Float>.stride, alignment: 64)
    let floats = bytes.bindMemory(to: Float.self, capacity: count)
    floats.initialize(repeating: 0, count: count)
    return floats
}
