import CKernels

/// A layer in 8 bits, its sums exact in 32. Input columns are unsigned bytes; output columns too, or floats behind the last layer.
public final class Int8Convolution: PackedLayer, @unchecked Sendable {
    public let spread: Int
    public let pool: Int
    public let width: Int
    public let inputBytes: Int
    public let outputBytes: Int
    public let bytes: Int

    private let kernel: Int8Kernel
    private let layer: UnsafeMutablePointer<wavetag_int8_convolution>
    private let weights: UnsafeMutableRawPointer
    private let bias: UnsafeMutablePointer<Int32>
    private let multiplier: UnsafeMutablePointer<UInt32>
    private let outputScale: UnsafeMutablePointer<Float>?

    /// Most taps times channels: beyond that a sum could leave 32 bits.
    static let mostInputs = wavetag_int8_most_inputs

    /// - Parameters:
    ///   - weight: [width, depth, taps], PyTorch's order.
    ///   - requantisation: how sums become the next layer's bytes, or floats.
    init(
        weight: [Int8], taps: Int, depth: Int, pool: Int, requantisation: Requantisation,
        kernel: Int8Kernel = .best
    ) {
        let width = requantisation.bias.count
        precondition(weight.count == width * depth * taps && taps * depth <= Self.mostInputs)
        self.kernel = kernel
        self.pool = pool
        self.width = width
        spread = pool + taps - 1
        inputBytes = wavetag_int8_column_bytes(depth)
        bytes = wavetag_int8_packed_size(kernel.table, taps, depth, width)
        weights = .allocate(byteCount: max(1, bytes), alignment: 64)
        let padded = (width + kernel.lanes - 1) / kernel.lanes * kernel.lanes
        func pad<Element>(_ values: [Element], _ zero: Element) -> UnsafeMutablePointer<Element> {
            let memory = UnsafeMutablePointer<Element>.allocate(capacity: padded)
            memory.initialize(repeating: zero, count: padded)
            for index in values.indices { memory[index] = values[index] }
            return memory
        }
        bias = pad(requantisation.bias, 0)
        switch requantisation.output {
        case .bytes(let multipliers, let shift):
            multiplier = pad(multipliers, 0)
            outputScale = nil
            outputBytes = wavetag_int8_column_bytes(width)
            layer = .allocate(capacity: 1)
            layer.initialize(
                to: wavetag_int8_convolution(
                    taps: taps, depth: depth, pool: pool, width: width, weights: nil, bias: bias,
                    multiplier: multiplier, shift: UInt32(shift), output_scale: nil))
        case .floats(let scale):
            multiplier = pad([], 0)
            outputScale = pad(scale, 0)
            outputBytes = width * MemoryLayout<Float>.stride
            layer = .allocate(capacity: 1)
            layer.initialize(
                to: wavetag_int8_convolution(
                    taps: taps, depth: depth, pool: pool, width: width, weights: nil, bias: bias,
                    multiplier: multiplier, shift: 1, output_scale: outputScale))
        }
        let packed = weights.bindMemory(to: Int8.self, capacity: bytes)
        wavetag_int8_pack(kernel.table, taps, depth, width, weight, packed, bias)
        layer.pointee.weights = UnsafePointer(packed)
    }

    deinit {
        layer.deallocate()
        weights.deallocate()
        bias.deallocate()
        multiplier.deallocate()
        outputScale?.deallocate()
    }

    public func apply(
        columns: Int, inputs: UnsafePointer<UnsafeRawPointer?>, outputs: UnsafePointer<UnsafeMutableRawPointer?>
    ) {
        kernel.table.pointee.convolve(layer, columns, inputs, outputs)
    }
}

/// A layer of an 8-bit net that stays float: the first, whose input is sound, and the output layer.
/// Its sums are fused and in one order, so that every machine rounds alike.
public final class FusedDense: PackedLayer, @unchecked Sendable {
    public let spread = 1
    public let pool = 1
    public let width: Int
    public let inputBytes: Int
    public let outputBytes: Int
    public let bytes: Int

    private let kernel: Int8Kernel
    private let layer: UnsafeMutablePointer<wavetag_int8_dense>
    private let weights: UnsafeMutablePointer<Float>
    private let bias: UnsafeMutablePointer<Float>

    /// - Parameters:
    ///   - weight: [width, depth].
    ///   - toBytes: whether outputs are rounded to 0 … 255 instead of floats.
    init(weight: [Float], bias: [Float], toBytes: Bool, kernel: Int8Kernel = .best) {
        let width = bias.count
        let depth = width == 0 ? 0 : weight.count / width
        self.kernel = kernel
        self.width = width
        inputBytes = depth * MemoryLayout<Float>.stride
        outputBytes = toBytes ? wavetag_int8_column_bytes(width) : width * MemoryLayout<Float>.stride
        let lanes = kernel.lanes
        let blocks = (width + lanes - 1) / lanes
        weights = allocateFloats(blocks * lanes * depth)
        self.bias = allocateFloats(blocks * lanes)
        bytes = blocks * lanes * depth * MemoryLayout<Float>.stride
        for output in 0..<width {
            self.bias[output] = bias[output]
            for input in 0..<depth {
                weights[(output / lanes * depth + input) * lanes + output % lanes] = weight[output * depth + input]
            }
        }
        layer = .allocate(capacity: 1)
        layer.initialize(
            to: wavetag_int8_dense(
                depth: depth, width: width, weights: weights, bias: self.bias, to_bytes: toBytes ? 1 : 0))
    }

    deinit {
        layer.deallocate()
        weights.deallocate()
        bias.deallocate()
    }

    public func apply(
        columns: Int, inputs: UnsafePointer<UnsafeRawPointer?>, outputs: UnsafePointer<UnsafeMutableRawPointer?>
    ) {
        kernel.table.pointee.dense(layer, columns, inputs, outputs)
    }
}
