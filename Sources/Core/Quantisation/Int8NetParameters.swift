/// One 8-bit layer: real weight = scale[output] · weight, batch norm folded in; real bias.
public struct Int8Layer: Sendable, Equatable {
    /// [outputs, inputs, width], −127 … 127.
    public var weight: [Int8]
    /// [outputs], positive.
    public var scale: [Float]
    /// [outputs].
    public var bias: [Float]

    public init(weight: [Int8], scale: [Float], bias: [Float]) {
        self.weight = weight
        self.scale = scale
        self.bias = bias
    }

    /// The real weights, [outputs, inputs, width].
    public var dequantised: [Float] {
        let row = scale.isEmpty ? 0 : weight.count / scale.count
        return weight.indices.map { Float(weight[$0]) * scale[$0 / row] }
    }

    /// Largest sum of the same sign of two neighbouring input channels' weights: the products of both with 255
    /// stay below 2^15, which 16-bit multiply-adds want.
    public static let largestPair = 128
}

/// A net in 8 bits, as a model file holds it: weights −127 … 127 with a scale an output channel, activations
/// 0 … 255 with a step a layer. Layer 0 reads sound and stays float; the output layer's 8-bit weights meet float activations.
public struct Int8NetParameters: Sendable, Equatable {
    public var shape: NetShape
    /// Layer 0, batch norm folded: weight [outputs, m], bias [outputs].
    public var first: LinearParameters
    /// Layers 1 … n + 1.
    public var layers: [Int8Layer]
    /// [tags, inputs].
    public var output: Int8Layer
    /// What one unit of an activation of layers 0 … n is worth.
    public var steps: [Float]

    public init(
        shape: NetShape, first: LinearParameters, layers: [Int8Layer], output: Int8Layer, steps: [Float]
    ) {
        self.shape = shape
        self.first = first
        self.layers = layers
        self.output = output
        self.steps = steps
    }

    /// Layer `layer` (1 … n + 1).
    public func layer(_ layer: Int) -> Int8Layer { layers[layer - 1] }
}

/// How a layer's 32-bit sums become what the next layer reads.
///
/// With unit = (step of the inputs) · (scale of the channel) a sum s stands for s · unit. The bias is added as
/// round(bias / unit), half to even; then v = max(0, sum) becomes  min(255, (v · multiplier + 2^(shift − 1)) >> shift)
/// with  multiplier = round(unit / (step of the outputs) · 2^shift),  the layer's shift being the largest for which
/// every multiplier stays below 2^31.
struct Requantisation: Sendable, Equatable {
    enum Output: Sendable, Equatable {
        case bytes(multiplier: [UInt32], shift: Int)
        /// The real values: v · unit.
        case floats(scale: [Float])
    }

    let bias: [Int32]
    let output: Output

    /// Largest bias in units: with the largest sum it stays below 2^31.
    static let largestBias = Double(1 << 30)

    /// - Parameter outputStep: nil where the outputs are floats.
    /// - Throws: a line that says what can't be represented.
    init(scale: [Float], bias: [Float], inputStep: Float, outputStep: Float?) throws(QuantisationError) {
        let units = scale.map { Double($0) * Double(inputStep) }
        var integers: [Int32] = []
        for (channel, unit) in units.enumerated() {
            let integer = (Double(bias[channel]) / unit).rounded(.toNearestOrEven)
            guard unit > 0, abs(integer) <= Self.largestBias else {
                throw QuantisationError(
                    "channel \(channel): a bias of \(bias[channel]) is too large for units of \(unit)")
            }
            integers.append(Int32(integer))
        }
        self.bias = integers
        guard let outputStep else {
            output = .floats(scale: units.map { Float($0) })
            return
        }
        let ratios = units.map { $0 / Double(outputStep) }
        let largest = ratios.max() ?? 1
        var shift = 62
        while shift > 0, (largest * Double(sign: .plus, exponent: shift, significand: 1)).rounded() >= 0x1p31 {
            shift -= 1
        }
        guard shift > 0 else {
            throw QuantisationError("a unit of \(largest * Double(outputStep)) is too large for steps of \(outputStep)")
        }
        let factor = Double(sign: .plus, exponent: shift, significand: 1)
        output = .bytes(multiplier: ratios.map { UInt32(($0 * factor).rounded(.toNearestOrEven)) }, shift: shift)
    }
}

/// Why a net can't be quantised; one line.
public struct QuantisationError: Error, Equatable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
