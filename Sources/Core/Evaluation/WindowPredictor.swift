/// What a model says of single windows: the mean of its nets, each hearing the end of the window.
public final class WindowPredictor {
    /// Samples of the longest net's window, or more.
    public let window: Int
    private let nets: [PackedWindowNet]
    private let givesLogits: Bool
    private var mean: [Float]

    /// - Parameters:
    ///   - nets: of one model; at least one.
    ///   - window: samples; nil: of the longest net's.
    ///   - givesLogits: what comes before the output function, instead of probabilities; of one net.
    public init(_ nets: [PackedNet], window: Int? = nil, givesLogits: Bool = false) {
        precondition(!givesLogits || nets.count == 1)
        self.nets = nets.map { PackedWindowNet($0) }
        self.window = max(window ?? 0, nets.map(\.shape.window).max() ?? 0)
        self.givesLogits = givesLogits
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
            let end = samples + (window - net.net.shape.window)
            let found = givesLogits ? net.logits(end, gain: gain) : net.forward(end, gain: gain)
            for tag in mean.indices { mean[tag] += found[tag] }
        }
        let factor = 1 / Float(nets.count)
        for tag in mean.indices { mean[tag] *= factor }
        return mean
    }
}
