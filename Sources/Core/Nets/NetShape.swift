/// The geometry of one m^n sample-level net: what its window, its layers and its tensors measure.
///
/// Lee, Park, Kim and Nam, "Sample-level deep convolutional neural networks for music auto-tagging
/// using raw waveforms", SMC 2017, section 3 and table 1. Layer 0 is a strided convolution of width m
/// and stride m; layers 1 … n each are a convolution of width m with "same" zero padding, followed by a
/// max-pool of m; layer n + 1 is a convolution of width 1; a linear layer gives one logit a tag.
public struct NetShape: Sendable, Hashable {
    /// The net's name in the model file, for example `3^9`.
    public let name: String
    /// Width of every convolution, of layer 0's stride and of every max-pool.
    public let m: Int
    /// Number of convolution-and-pool layers above layer 0.
    public let n: Int
    /// Zeros before the window's first sample in layer 0; less than `m`.
    public let firstPadding: Int
    /// Zeros that "same" padding puts before the first column of layers 1 … n; less than `m`. The papers' nets as
    /// TensorFlow pads them have (m − 1) / 2 rounded down; for an even m Theano puts its m / 2 there.
    public let leftPadding: Int
    /// Output channels of layers 0 … n + 1.
    public let widths: [Int]

    /// Largest window a shape may have, in samples: 2^24 (twelve minutes). Bounds what a hostile file can ask for.
    public static let longestWindow = 1 << 24

    /// A shape with the published widths: 128 for layers 0 to 2, 256 up to layer n − 1, 512 for layers n and n + 1.
    public static func publishedWidths(n: Int) -> [Int] {
        (0...(n + 1)).map { layer in layer >= n ? 512 : layer <= 2 ? 128 : 256 }
    }

    /// `leftPadding` of a net that says nothing of it.
    public static func usualLeftPadding(m: Int) -> Int { (m - 1) / 2 }

    /// - Throws: `NetShapeError` when the numbers describe no net.
    public init(
        name: String, m: Int, n: Int, firstPadding: Int = 0, leftPadding: Int? = nil, widths: [Int]? = nil
    ) throws(NetShapeError) {
        guard (2...64).contains(m) else { throw NetShapeError("m: 2 to 64 wanted, \(m) found") }
        guard (2...24).contains(n) else { throw NetShapeError("n: 2 to 24 wanted, \(n) found") }
        var window = 1
        for _ in 0...n {
            window *= m
            guard window <= Self.longestWindow else {
                throw NetShapeError("window: \(m)^\(n + 1) samples is more than \(Self.longestWindow)")
            }
        }
        guard (0..<m).contains(firstPadding) else {
            throw NetShapeError("first_padding: 0 to \(m - 1) wanted, \(firstPadding) found")
        }
        let leftPadding = leftPadding ?? Self.usualLeftPadding(m: m)
        guard (0..<m).contains(leftPadding) else {
            throw NetShapeError("left_padding: 0 to \(m - 1) wanted, \(leftPadding) found")
        }
        let widths = widths ?? Self.publishedWidths(n: n)
        guard widths.count == n + 2 else {
            throw NetShapeError("widths: \(n + 2) numbers wanted, \(widths.count) found")
        }
        guard let bad = widths.first(where: { !(1...8192).contains($0) }) else {
            self.name = name
            self.m = m
            self.n = n
            self.firstPadding = firstPadding
            self.leftPadding = leftPadding
            self.widths = widths
            return
        }
        throw NetShapeError("widths: 1 to 8192 wanted, \(bad) found")
    }

    /// Samples in a window: m^(n+1).
    public var window: Int { power(n + 1) }

    /// Number of convolutional layers: n + 2.
    public var layerCount: Int { n + 2 }

    /// Width of layer `layer`'s convolution: m, but 1 for the last.
    public func kernelWidth(layer: Int) -> Int { layer == n + 1 ? 1 : m }

    /// Input channels of layer `layer`; the waveform has one.
    public func inputChannels(layer: Int) -> Int { layer == 0 ? 1 : widths[layer - 1] }

    /// Columns (time steps) that layer `layer` gives for one window, after its pooling: m^(n − layer), and 1 for layers n and n + 1.
    public func columns(layer: Int) -> Int { power(max(0, n - layer)) }

    /// Samples between two neighbouring pooled columns of layer `layer`: m^(layer + 1).
    public func stride(layer: Int) -> Int { power(min(layer, n) + 1) }

    /// Zeros that "same" padding puts behind a layer's last column.
    public var rightPadding: Int { m - 1 - leftPadding }

    /// Layers whose activations make a song's features: n − 1, n and n + 1 (levels −3, −2, −1).
    /// Lee and Nam, "Multi-level and multi-scale feature aggregation", IEEE SPL 2017, section II-B.
    public var featureLayers: [Int] { [n - 1, n, n + 1] }

    /// Numbers one window gives to a song's features: the widths of the last three layers together.
    public var featureCount: Int { featureLayers.reduce(0) { $0 + widths[$1] } }

    /// Multiply-adds of one full window, `tags` logits included, zero padding not subtracted.
    public func multiplyAdds(tags: Int) -> Int {
        var sum = widths[n + 1] * tags
        for layer in 0..<layerCount {
            let rows = columns(layer: layer) * (layer == 0 || layer == n + 1 ? 1 : m)
            sum += rows * kernelWidth(layer: layer) * inputChannels(layer: layer) * widths[layer]
        }
        return sum
    }

    private func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { product, _ in product * m } }
}

/// Numbers that describe no net; the message names the number, what was wanted and what was found.
public struct NetShapeError: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
