import Testing

@testable import Core

@Suite("Convolution kernels")
struct PackedConvolutionTests {
    /// Shapes whose widths and rows leave every kind of rest.
    static let shapes: [(taps: Int, depth: Int, pool: Int, width: Int, columns: Int)] = [
        (1, 3, 1, 128, 243), (3, 128, 3, 128, 27), (3, 5, 3, 7, 1), (2, 8, 2, 33, 5), (4, 16, 4, 64, 3),
        (5, 4, 5, 31, 4), (7, 3, 7, 17, 3), (13, 2, 13, 40, 2), (1, 512, 1, 50, 1), (1, 512, 1, 1, 3),
    ]

    @Test(
        "Every instruction set gives what Float64 arithmetic gives", arguments: Kernel.available.indices, shapes.indices
    )
    func equalsDouble(kernel: Int, shape: Int) {
        let (taps, depth, pool, width, columns) = Self.shapes[shape]
        var generator = SystemRandomNumberGenerator()
        func random(_ count: Int) -> [Float] { (0..<count).map { _ in .random(in: -1...1, using: &generator) } }
        let weight = random(width * depth * taps)
        let (scale, bias) = (random(width), random(width))
        let spread = pool + taps - 1
        let input = random(columns * spread * depth)
        for relu in [false, true] {
            let layer = PackedConvolution(
                weight: weight, scale: scale, bias: bias, taps: taps, depth: depth, pool: pool, relu: relu,
                kernel: Kernel.available[kernel])
            let found = apply(layer, to: input, columns: columns)
            var worst = 0.0
            for column in 0..<columns {
                for output in 0..<width {
                    var best = -Double.infinity
                    for row in 0..<pool {
                        var sum = 0.0
                        for tap in 0..<taps {
                            for channel in 0..<depth {
                                sum +=
                                    Double(input[((column * spread) + row + tap) * depth + channel])
                                    * Double(scale[output] * weight[(output * depth + channel) * taps + tap])
                            }
                        }
                        best = max(best, sum)
                    }
                    let expected = relu ? max(0, best + Double(bias[output])) : best + Double(bias[output])
                    worst = max(worst, abs(expected - Double(found[column * width + output])))
                }
            }
            #expect(worst <= 1e-4)
        }
    }

    @Test("The fastest kernel comes first and the portable one last")
    func order() {
        #expect(Kernel.available.last?.name == "portable")
        #expect(Kernel.best.name == Kernel.available[0].name)
    }

    /// Output columns are put apart by a guard float, so that a store beyond a column's end shows.
    private func apply(_ layer: PackedConvolution, to input: [Float], columns: Int) -> [Float] {
        let stride = layer.width + 1
        var output = [Float](repeating: 42, count: columns * stride)
        let inputs = UnsafeMutablePointer<UnsafeRawPointer?>.allocate(capacity: columns * layer.spread)
        let outputs = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: columns)
        defer {
            inputs.deallocate()
            outputs.deallocate()
        }
        input.withUnsafeBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                for index in 0..<(columns * layer.spread) {
                    inputs[index] = UnsafeRawPointer(input.baseAddress! + index * layer.depth)
                }
                for column in 0..<columns {
                    outputs[column] = UnsafeMutableRawPointer(output.baseAddress! + column * stride)
                }
                layer.apply(columns: columns, inputs: inputs, outputs: outputs)
            }
        }
        for column in 0..<columns { #expect(output[column * stride + layer.width] == 42) }
        return (0..<columns).flatMap { output[($0 * stride)..<($0 * stride + layer.width)] }
    }
}
