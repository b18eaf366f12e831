import Testing

@testable import Core

/// Integers have one right answer: every instruction set is held to it bit by bit.
@Suite("8-bit kernels")
struct Int8ConvolutionTests {
    /// Shapes whose widths, depths and rows leave every kind of rest.
    static let shapes: [(taps: Int, depth: Int, pool: Int, width: Int, columns: Int)] = [
        (3, 128, 3, 128, 27), (3, 5, 3, 7, 1), (2, 8, 2, 33, 5), (4, 16, 4, 64, 3), (5, 4, 5, 31, 4),
        (7, 3, 7, 17, 3), (13, 2, 13, 40, 2), (1, 512, 1, 50, 1), (1, 9, 1, 1, 3), (3, 256, 3, 256, 4),
    ]

    enum Numbers: CaseIterable { case random, largest, smallest }

    @Test(
        "Every instruction set gives the integers that plain arithmetic gives", arguments: shapes.indices,
        Numbers.allCases)
    func equalsPlainArithmetic(shape: Int, numbers: Numbers) throws {
        let (taps, depth, pool, width, columns) = Self.shapes[shape]
        var generator = SplitMix64(state: UInt64(shape) + 1)
        let layer = Self.layer(numbers, taps: taps, depth: depth, width: width, &generator)
        let spread = pool + taps - 1
        let input = (0..<(columns * spread * depth)).map { _ in
            numbers == .random ? UInt8.random(in: 0...255, using: &generator) : 255
        }
        for outputStep in [Float(0.031), nil] {
            let requantisation = try Requantisation(
                scale: layer.scale, bias: layer.bias, inputStep: 0.02, outputStep: outputStep)
            let expected = Self.reference(
                layer, requantisation, input, taps: taps, depth: depth, pool: pool, columns: columns)
            for kernel in Int8Kernel.available {
                let convolution = Int8Convolution(
                    weight: layer.weight, taps: taps, depth: depth, pool: pool, requantisation: requantisation,
                    kernel: kernel)
                let found = apply(convolution, to: input, depth: depth, columns: columns)
                #expect(found == expected, "\(kernel.name)")
            }
        }
    }

    @Test("Float layers of an 8-bit net have the same bits on every instruction set, whole or rounded")
    func denseBits() {
        var generator = SplitMix64(state: 9)
        for (width, depth) in [(128, 3), (50, 512), (7, 5)] {
            let weight = (0..<(width * depth)).map { _ in generator.nextUniform() }
            let bias = (0..<width).map { _ in generator.nextUniform() }
            let input = (0..<(4 * depth)).map { _ in generator.nextUniform() * 90 }
            for toBytes in [false, true] {
                let results = Int8Kernel.available.map { kernel in
                    dense(
                        FusedDense(weight: weight, bias: bias, toBytes: toBytes, kernel: kernel), input: input,
                        depth: depth)
                }
                for result in results { #expect(result == results[results.count - 1]) }
                guard toBytes else { continue }
                // Against Float64: no sum is so near to a half that its rounding could differ.
                for column in 0..<4 {
                    for output in 0..<width {
                        var sum = Double(bias[output])
                        for c in 0..<depth {
                            sum += Double(weight[output * depth + c]) * Double(input[column * depth + c])
                        }
                        let distance = abs(min(255, max(0, sum)) - Double(results[0][column * width + output]))
                        #expect(distance <= 0.5001)
                    }
                }
            }
        }
    }

    @Test("A requantised value is rounded half up after one multiplication")
    func requantisation() throws {
        let requantisation = try Requantisation(scale: [0.5], bias: [3], inputStep: 0.5, outputStep: 1)
        #expect(requantisation.bias == [12])
        guard case .bytes(let multiplier, let shift) = requantisation.output else {
            Issue.record("bytes wanted")
            return
        }
        #expect(Double(multiplier[0]) / Double(1 << shift) == 0.25 && multiplier[0] >= 1 << 30)
    }

    @Test("A bias that its units can't hold is refused")
    func hugeBias() {
        #expect(throws: QuantisationError.self) {
            try Requantisation(scale: [1e-9], bias: [1000], inputStep: 1e-3, outputStep: 1)
        }
    }

    // MARK: Reference

    /// Weights within the rule of pairs; the extremes reach it.
    private static func layer(
        _ numbers: Numbers, taps: Int, depth: Int, width: Int, _ generator: inout SplitMix64
    ) -> Int8Layer {
        var weight = [Int8](repeating: 0, count: width * depth * taps)
        for index in weight.indices {
            let isSecond = index / taps % depth % 2 == 1
            switch numbers {
            case .random: weight[index] = Int8.random(in: -64...64, using: &generator)
            case .largest: weight[index] = isSecond ? 1 : 127
            case .smallest: weight[index] = isSecond ? -64 : -64
            }
        }
        let scale = (0..<width).map { _ in 0.01 + abs(generator.nextUniform()) * 0.01 }
        let bias = (0..<width).map { _ in generator.nextUniform() * (numbers == .smallest ? 5000 : 3) }
        return Int8Layer(weight: weight, scale: scale, bias: bias)
    }

    /// The definition, channel by channel, as Float64 so that bytes and floats compare alike.
    private static func reference(
        _ layer: Int8Layer, _ requantisation: Requantisation, _ input: [UInt8], taps: Int, depth: Int, pool: Int,
        columns: Int
    ) -> [Double] {
        let spread = pool + taps - 1
        var result: [Double] = []
        for column in 0..<columns {
            for output in layer.scale.indices {
                var best = Int.min
                for row in 0..<pool {
                    var sum = 0
                    for tap in 0..<taps {
                        for channel in 0..<depth {
                            sum +=
                                Int(input[(column * spread + row + tap) * depth + channel])
                                * Int(layer.weight[(output * depth + channel) * taps + tap])
                        }
                    }
                    best = max(best, sum)
                }
                let value = max(0, best + Int(requantisation.bias[output]))
                switch requantisation.output {
                case .bytes(let multiplier, let shift):
                    result.append(Double(min(255, (value * Int(multiplier[output]) + 1 << (shift - 1)) >> shift)))
                case .floats(let scale): result.append(Double(Float(value) * scale[output]))
                }
            }
        }
        return result
    }

    // MARK: Calls with columns of raw memory

    private func apply(_ layer: Int8Convolution, to input: [UInt8], depth: Int, columns: Int) -> [Double] {
        // Bytes behind a column's channels may be anything: weights are zero there.
        var padded = [UInt8](repeating: 0xA5, count: columns * layer.spread * layer.inputBytes)
        for column in 0..<(columns * layer.spread) {
            for channel in 0..<depth { padded[column * layer.inputBytes + channel] = input[column * depth + channel] }
        }
        return run(layer, padded, columns: columns, isFloat: layer.outputBytes == layer.width * 4 && layer.width > 1)
    }

    private func dense(_ layer: FusedDense, input: [Float], depth: Int) -> [Double] {
        let bytes = input.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
        return run(layer, bytes, columns: input.count / depth, isFloat: layer.outputBytes == layer.width * 4)
    }

    private func run(_ layer: some PackedLayer, _ input: [UInt8], columns: Int, isFloat: Bool) -> [Double] {
        let isFloat = isFloat || layer.outputBytes == 4 * layer.width
        let inputs = UnsafeMutablePointer<UnsafeRawPointer?>.allocate(capacity: columns * layer.spread)
        let outputs = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: columns)
        // A guard word behind each column shows a store beyond its end.
        let stride = layer.outputBytes + 8
        let memory = UnsafeMutableRawPointer.allocate(byteCount: columns * stride, alignment: 8)
        defer {
            inputs.deallocate()
            outputs.deallocate()
            memory.deallocate()
        }
        memory.initializeMemory(as: UInt8.self, repeating: 0x5A, count: columns * stride)
        return input.withUnsafeBytes { input in
            for index in 0..<(columns * layer.spread) { inputs[index] = input.baseAddress! + index * layer.inputBytes }
            for column in 0..<columns { outputs[column] = memory + column * stride }
            layer.apply(columns: columns, inputs: inputs, outputs: outputs)
            var result: [Double] = []
            for column in 0..<columns {
                let place = memory + column * stride
                for channel in 0..<layer.width {
                    result.append(
                        isFloat
                            ? Double(place.load(fromByteOffset: channel * 4, as: Float.self))
                            : Double(place.load(fromByteOffset: channel, as: UInt8.self)))
                }
                #expect(
                    (0..<8).allSatisfy { place.load(fromByteOffset: layer.outputBytes + $0, as: UInt8.self) == 0x5A })
            }
            return result
        }
    }
}
