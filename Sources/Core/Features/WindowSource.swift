/// One net that hears a sound window by window.
public protocol WindowSource: AnyObject {
    var shape: NetShape { get }
    /// Tags that it gives probabilities of.
    var tags: Int { get }

    /// All windows that lie in `samples`, the first at its start; a last piece that is shorter is left out.
    ///
    /// - Parameter body: called with each window's features, [shape.featureCount], and probabilities, [tags]; both are
    ///   valid only inside.
    func forEachWindow(
        in samples: UnsafeBufferPointer<Float>,
        _ body: (_ features: UnsafeBufferPointer<Float>, _ probabilities: UnsafeBufferPointer<Float>) -> Void)
}

/// Full windows, nothing shared between them: the cheapest way where windows don't overlap.
public final class WholeWindows: WindowSource {
    public var shape: NetShape { net.net.shape }
    public var tags: Int { net.net.tags }
    private let net: PackedWindowNet
    private let hop: Int
    private let features: UnsafeMutableBufferPointer<Float>

    /// - Parameter hop: samples between two windows' starts; nil: a window's length.
    public init(_ net: PackedNet, hop: Int? = nil) {
        self.net = PackedWindowNet(net)
        self.hop = hop ?? net.shape.window
        let count = net.shape.featureCount
        features = UnsafeMutableBufferPointer(start: allocateFloats(count), count: count)
    }

    deinit { features.deallocate() }

    public func forEachWindow(
        in samples: UnsafeBufferPointer<Float>,
        _ body: (_ features: UnsafeBufferPointer<Float>, _ probabilities: UnsafeBufferPointer<Float>) -> Void
    ) {
        var start = 0
        while start + shape.window <= samples.count {
            let probabilities = net.forward(samples.baseAddress! + start)
            net.features(into: features.baseAddress!)
            body(UnsafeBufferPointer(features), probabilities)
            start += hop
        }
    }
}

extension PackedWindowNet {
    /// The newest window's features: the last three layers' activations, each the maximum over time, one behind the other.
    ///
    /// - Parameter features: `shape.featureCount` floats.
    public func features(into features: UnsafeMutablePointer<Float>) {
        let shape = net.shape
        var target = features
        for layer in shape.featureLayers {
            let columns = shape.columns(layer: layer)
            let width = shape.widths[layer]
            let (source, bytes) = (activations(layer: layer), net.layers[layer].outputBytes)
            // Layer n + 1 is floats in either precision.
            if net.precision == .int8, layer <= shape.n {
                let step = layer < shape.n ? net.featureSteps.0 : net.featureSteps.1
                for channel in 0..<width {
                    var largest: UInt8 = 0
                    for column in 0..<columns {
                        largest = max(largest, source.load(fromByteOffset: column * bytes + channel, as: UInt8.self))
                    }
                    target[channel] = Float(largest) * step
                }
            } else {
                target.update(from: source.assumingMemoryBound(to: Float.self), count: width)
                for column in 1..<max(1, columns) {
                    let row = (source + column * bytes).assumingMemoryBound(to: Float.self)
                    for channel in 0..<width { target[channel] = max(target[channel], row[channel]) }
                }
            }
            target += width
        }
    }
}
