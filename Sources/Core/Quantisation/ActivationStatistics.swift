/// How large a float net's activations get: a histogram and channel means of layers 0 … n, over any number of windows.
public struct ActivationStatistics {
    /// One layer's activations.
    struct Layer {
        /// By size, in steps of 3 %: a float's exponent and first five bits of its fraction. Zeros stand at 0.
        var histogram = [Int](repeating: 0, count: 1 << 13)
        /// [channels].
        var sums: [Double]
        /// [channels].
        var channelLargest: [Float]
        var columns = 0
        var largest: Float = 0
    }

    private(set) var layers: [Layer]
    private let shape: NetShape

    public init(_ shape: NetShape) {
        self.shape = shape
        layers = (0...shape.n).map {
            Layer(
                sums: [Double](repeating: 0, count: shape.widths[$0]),
                channelLargest: [Float](repeating: 0, count: shape.widths[$0]))
        }
    }

    /// Adds the newest window of a float net.
    public mutating func add(_ net: PackedWindowNet) {
        precondition(net.net.precision == .float && net.net.shape == shape)
        for layer in 0...shape.n {
            let width = shape.widths[layer]
            let columns = shape.columns(layer: layer)
            let values = net.activations(layer: layer).assumingMemoryBound(to: Float.self)
            layers[layer].columns += columns
            for column in 0..<columns {
                for channel in 0..<width {
                    let value = values[column * width + channel]
                    layers[layer].histogram[Self.bin(value)] += 1
                    layers[layer].sums[channel] += Double(value)
                    layers[layer].channelLargest[channel] = max(layers[layer].channelLargest[channel], value)
                    layers[layer].largest = max(layers[layer].largest, value)
                }
            }
        }
    }

    /// Activations are never negative, and so their sign bit is never set.
    private static func bin(_ value: Float) -> Int { Int(value.bitPattern >> 18) & (1 << 13 - 1) }

    /// The size below which `share` of a layer's activations are.
    public func percentile(_ share: Double, layer: Int) -> Float {
        guard share < 1 else { return layers[layer].largest }
        let histogram = layers[layer].histogram
        let total = histogram.reduce(0, +)
        var seen = 0
        for bin in histogram.indices {
            seen += histogram[bin]
            if Double(seen) >= share * Double(total) {
                return min(layers[layer].largest, Float(bitPattern: UInt32(bin + 1) << 18))
            }
        }
        return layers[layer].largest
    }

    /// Share of a layer's activations above `size`.
    public func shareAbove(_ size: Float, layer: Int) -> Double {
        let histogram = layers[layer].histogram
        let above = histogram[min(histogram.count, Self.bin(size) + 1)...].reduce(0, +)
        return Double(above) / Double(max(1, histogram.reduce(0, +)))
    }

    /// Largest activation of each channel of a layer.
    func largest(layer: Int) -> [Float] { layers[layer].channelLargest }

    /// Mean of each channel of a layer.
    public func means(layer: Int) -> [Float] {
        layers[layer].sums.map { Float($0 / Double(max(1, layers[layer].columns))) }
    }
}
