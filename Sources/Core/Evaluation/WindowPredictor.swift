/// What a model says of single windows: the mean of its nets, each hearing the end of the window.
public final class WindowPredictor {
    /// Samples of the longest net's window.
    public let window: Int
    private let nets: [PackedWindowNet]
    private var mean: [Float]

    /// - Parameter nets: of one model; at least one.
    public init(_ nets: [PackedNet]) {
        self.nets = nets.map { PackedWindowNet($0) }
        window = nets.map(\.shape.window).max() ?? 0
        mean = [Float](repeating: 0, count: nets.first?.tags ?? 0)
    }

    /// Probabilities, [tags].
    ///
    /// - Parameters:
    ///   - samples: `window` of them.
    ///   - gain: multiplied into every sample.
    public func predict(_ samples: UnsafePointer<Float>, gain: Float = 1) -> [Float] {
        for tag in mean.indices { mean[tag] = 0 }
        for net in nets {
            let found = net.forward(samples + (window - net.net.shape.window), gain: gain)
            for tag in mean.indices { mean[tag] += found[tag] }
        }
        let factor = 1 / Float(nets.count)
        for tag in mean.indices { mean[tag] *= factor }
        return mean
    }
}
