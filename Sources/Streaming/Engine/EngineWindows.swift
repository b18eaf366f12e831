import Core

/// Windows that overlap, for the price of their new samples: the streaming engine over a sound that is at hand.
public final class EngineWindows: WindowSource {
    public var shape: NetShape { engine.shape }
    public let tags: Int
    private let engine: IncrementalEngine

    /// Hops computed together: nobody waits for a single one.
    private static let batch = 64

    /// - Parameter hop: samples between two windows' ends.
    public init(_ net: PackedNet, hop: Int) {
        tags = net.tags
        engine = IncrementalEngine(
            net: net,
            plan: .cheapest(
                shape: net.shape, precision: net.precision, tags: net.tags, hop: hop, batch: Self.batch,
                memoryLimit: TaggerSettings().memoryLimit))
    }

    public func forEachWindow(
        in samples: UnsafeBufferPointer<Float>,
        _ body: (_ features: UnsafeBufferPointer<Float>, _ probabilities: UnsafeBufferPointer<Float>) -> Void
    ) {
        engine.reset()
        var rest = samples
        while !rest.isEmpty {
            let count = min(rest.count, engine.samplesWanted)
            engine.push(UnsafeBufferPointer(rebasing: rest[..<count]))
            rest = UnsafeBufferPointer(rebasing: rest[count...])
            for index in 0..<engine.step() {
                let result = engine.result(index)
                body(result.features, result.probabilities)
            }
        }
    }
}
