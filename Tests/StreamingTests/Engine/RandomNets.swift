import Core

/// A small generator whose numbers are the same on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }

    mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in Float.random(in: range, using: &self) }
    }
}

extension NetShape {
    /// The eight shapes of the papers.
    static let published = [(2, 13), (2, 14), (3, 8), (3, 9), (4, 6), (4, 7), (5, 5), (5, 6)]

    /// A shape with a few channels a layer, no two neighbours alike, so that mixed-up widths show.
    static func narrow(m: Int, n: Int, firstPadding: Int = 0, leftPadding: Int? = nil) throws -> NetShape {
        try NetShape(
            name: "\(m)^\(n)", m: m, n: n, firstPadding: firstPadding, leftPadding: leftPadding,
            widths: (0...(n + 1)).map { 3 + $0 % 3 })
    }
}

extension NetParameters {
    /// Random weights, He-uniform in scale so that no layer dies or explodes, with batch norm factors of both signs.
    static func random(_ shape: NetShape, tags: Int, seed: UInt64) -> NetParameters {
        var generator = SeededGenerator(seed: seed)
        let layers = (0..<shape.layerCount).map { layer in
            let inputs = shape.inputChannels(layer: layer) * shape.kernelWidth(layer: layer)
            let outputs = shape.widths[layer]
            let bound = (6 / Float(inputs)).squareRoot()
            return ConvolutionParameters(
                weight: generator.floats(inputs * outputs, in: -bound...bound),
                bias: generator.floats(outputs, in: -0.1...0.1),
                batchNorm: BatchNormParameters(
                    weight: generator.floats(outputs, in: -0.3...1.2),
                    bias: generator.floats(outputs, in: -0.1...0.3),
                    runningMean: generator.floats(outputs, in: -0.2...0.2),
                    runningVariance: generator.floats(outputs, in: 0.3...1.0)))
        }
        let width = shape.widths[shape.n + 1]
        return NetParameters(
            shape: shape, layers: layers,
            output: LinearParameters(weight: generator.floats(width * tags), bias: generator.floats(tags)))
    }
}
