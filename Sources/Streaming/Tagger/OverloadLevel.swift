import Core

/// What is asked of the nets on a machine that can't keep up: one step of a way from the settings' own hops to the least.
///
/// # The rule
///
/// 1. Every hop grows by its net's m, as long as it stays no longer than the net's window: times m and not times 2, since
///    a hop that stays a power of m shares most; no longer than the window, so that every sample is still heard.
/// 2. Then nets are left out, the one that costs most first, since that brings most and leaves most; one net stays.
/// 3. Then that net's hop grows on, to at most ten minutes: between its windows there is sound that nobody hears.
///
/// A level's hops are multiples of those of the level before: where a window ends now, one ends at every finer level too.
public struct OverloadLevel: Sendable, Equatable {
    /// Each net's hop, in the model's order; nil: it is left out.
    public let hops: [Int?]
    /// Multiply-adds of a second of sound.
    public let cost: Double
}

extension OverloadLevel {
    /// All levels, the settings' own first.
    static func all(_ nets: [PackedNet], settings: TaggerSettings) -> [OverloadLevel] {
        func cost(_ net: PackedNet, hop: Int) -> Double {
            let plan = EnginePlan.cheapest(net, hop: hop, settings: settings)
            return Double(plan.multiplyAdds) * Double(Model.sampleRate) / Double(hop)
        }
        var hops: [Int?] = nets.map { settings.hop(of: $0.shape.name) }
        var levels: [OverloadLevel] = []
        func add() {
            let costs = zip(nets, hops).map { net, hop in hop.map { cost(net, hop: $0) } ?? 0 }
            levels.append(OverloadLevel(hops: hops, cost: costs.reduce(0, +)))
        }
        /// Hops times m where the product is no longer than `longest` says.
        func raise(to longest: (PackedNet) -> Int) {
            while true {
                let raised = zip(nets, hops).map { net, hop -> Int? in
                    hop.map { $0 * net.shape.m <= longest(net) ? $0 * net.shape.m : $0 }
                }
                guard raised != hops else { return }
                hops = raised
                add()
            }
        }
        add()
        raise { $0.shape.window }
        // Equals in the model's order, the last first.
        let costs = zip(nets, hops).map { net, hop in hop.map { cost(net, hop: $0) } ?? 0 }
        for net in costs.indices.sorted(by: { (costs[$0], $0) > (costs[$1], $1) }).dropLast() {
            hops[net] = nil
            add()
        }
        raise { _ in TaggerSettings.longestHop }
        return levels
    }
}

extension EnginePlan {
    /// The plan that a tagger of these settings works by.
    static func cheapest(_ net: PackedNet, hop: Int, settings: TaggerSettings) -> EnginePlan {
        .cheapest(
            shape: net.shape, precision: net.precision, tags: net.tags, hop: hop, batch: settings.batch,
            memoryLimit: settings.memoryLimit)
    }
}

/// Stands in the place of a net that is left out: hears nothing and never answers.
final class LeftOutEngine: WindowEngine {
    let shape: NetShape

    init(shape: NetShape) { self.shape = shape }

    /// Shorter than any: it never ends a piece.
    var hop: Int { 0 }
    var samplesWanted: Int { .max / 2 }
    var samplesToNextWindow: Int { .max / 2 }
    func push(_ samples: UnsafeBufferPointer<Float>) {}
    func step() -> Int { 0 }
    func result(_ index: Int) -> WindowResult { preconditionFailure("a net that is left out has no windows") }
    func reset() {}
}
