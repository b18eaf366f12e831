#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Makes an 8-bit net of a float one: measures activations on some windows, and chooses the ranges with which the
/// net says most nearly the same on others, loud and quiet.
public struct Quantiser {
    /// Levels at which fidelity is measured. What 8 bits lose first is quiet music; what ranges learned from quiet
    /// music lose is loud music, which they would clip.
    public static let levels: [Level] = [.gain(0), .gain(-30), .gain(-50), .fullScale]

    /// Shares of activations that a range may cover.
    static let coverages = [0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 0.99999, 1]

    /// A float net to start from, and its activations.
    private struct Source {
        let net: NetParameters
        let isEqualised: Bool
        let statistics: ActivationStatistics
    }

    /// The net as it is, then equalised, where that can be done.
    private let sources: [Source]
    private let shape: NetShape
    private let batchNormEpsilon: Double
    private let function: OutputFunction
    private let heldOut: [[Float]]
    /// [levels][windows]: the float net's probabilities.
    private let expected: [[[Float]]]

    /// - Parameters:
    ///   - calibration: windows that activations are measured on.
    ///   - heldOut: windows that ranges are chosen by.
    /// - Throws: `QuantisationError` where the windows or the net can't tell ranges: no sound, or a layer that is dead.
    public init(
        _ float: NetParameters, batchNormEpsilon: Double, function: OutputFunction, calibration: [[Float]],
        heldOut: [[Float]]
    ) throws(QuantisationError) {
        shape = float.shape
        self.batchNormEpsilon = batchNormEpsilon
        self.function = function
        self.heldOut = heldOut
        for windows in [calibration, heldOut] {
            guard windows.contains(where: { window in window.contains { abs($0) > 1e-4 } }) else {
                throw QuantisationError("calibration: windows with sound wanted, only silence found")
            }
        }
        let net = PackedWindowNet(PackedNet(float, batchNormEpsilon: batchNormEpsilon, function: function))
        let statistics = Self.statistics(of: net, calibration)
        for layer in 0...float.shape.n where !(statistics.percentile(1, layer: layer) > 0) {
            throw QuantisationError("layer \(layer) is dead: none of its activations is ever above 0")
        }
        for layer in 0...float.shape.n where !statistics.percentile(1, layer: layer).isFinite {
            throw QuantisationError("layer \(layer): its activations leave the range of floats")
        }
        let layers = 0...float.shape.n
        let equalised = float.equalised(
            largest: layers.map { statistics.largest(layer: $0) }, batchNormEpsilon: batchNormEpsilon)
        let equalisedStatistics = Self.statistics(
            of: PackedWindowNet(PackedNet(equalised, batchNormEpsilon: batchNormEpsilon, function: function)),
            calibration)
        let isUsable = layers.allSatisfy { layer in
            let largest = equalisedStatistics.percentile(1, layer: layer)
            return largest > 0 && largest.isFinite
        }
        sources =
            [Source(net: float, isEqualised: false, statistics: statistics)]
            + (isUsable ? [Source(net: equalised, isEqualised: true, statistics: equalisedStatistics)] : [])
        expected = Self.levels.map { level in
            heldOut.map { Array(net.forward($0, gain: level.factor($0))) }
        }
    }

    /// Activations at the windows' own level, and at full scale: that is as loud as sound gets, whatever the recordings
    /// here were levelled to.
    private static func statistics(of net: PackedWindowNet, _ windows: [[Float]]) -> ActivationStatistics {
        var statistics = ActivationStatistics(net.net.shape)
        for window in windows {
            for level in [Level.gain(0), .fullScale] {
                net.forward(window, gain: level.factor(window))
                statistics.add(net)
            }
        }
        return statistics
    }

    /// The best net found.
    ///
    /// First one coverage for all layers, of the net as it is and equalised; then each layer's own with the others
    /// held, from below; last whether biases take back the rounding's mean error. The measure is the mean difference
    /// of probabilities over all levels.
    ///
    /// - Parameters:
    ///   - stepsAlone: whether the net will be quantised from its steps alone, when it is loaded: its weights then
    ///     stay what they are, and its biases too.
    ///   - progress: called with the share of candidates tried.
    public func best(stepsAlone: Bool = false, progress: (Double) -> Void = { _ in }) throws(QuantisationError)
        -> Result
    {
        let layers = 0...shape.n
        let sources = stepsAlone ? Array(sources.prefix(1)) : sources
        let trials = Self.coverages.count * (layers.count + sources.count) + 1
        var tried = 0
        func attempt(_ source: Source, _ steps: [Float], correctsBias: Bool) throws(QuantisationError) -> Candidate {
            let means = correctsBias ? layers.map { source.statistics.means(layer: $0) } : nil
            let net = try Int8NetParameters(
                quantising: source.net, batchNormEpsilon: batchNormEpsilon, steps: steps, means: means)
            tried += 1
            progress(Double(tried) / Double(trials))
            return Candidate(source: source, net: net, correctsBias: correctsBias, fidelity: try fidelity(of: net))
        }

        var best: Candidate?
        for source in sources {
            for coverage in Self.coverages {
                let steps = layers.map { Self.step(coverage, layer: $0, source.statistics) }
                let candidate: Candidate
                do throws(QuantisationError) { candidate = try attempt(source, steps, correctsBias: false) } catch {
                    // An equalised net may need what 32 bits don't hold; the net as it is has to fit.
                    if source.isEqualised { continue }
                    throw error
                }
                if best.map({ candidate.cost < $0.cost }) ?? true { best = candidate }
            }
        }
        guard var best else { throw QuantisationError("no range found") }
        let source = best.source
        for layer in layers {
            for coverage in Self.coverages {
                var steps = best.net.steps
                steps[layer] = Self.step(coverage, layer: layer, source.statistics)
                guard steps != best.net.steps else { continue }
                let candidate = try attempt(source, steps, correctsBias: false)
                if candidate.cost < best.cost { best = candidate }
            }
        }
        if !stepsAlone {
            let corrected = try attempt(source, best.net.steps, correctsBias: true)
            if corrected.cost < best.cost { best = corrected }
        }
        progress(1)
        return Result(
            net: best.net, isEqualised: source.isEqualised, correctsBias: best.correctsBias, fidelity: best.fidelity,
            layers: try report(best.net, source))
    }

    /// What one unit of a layer's activations is worth when 255 units cover that share of them. Never zero: a layer
    /// whose activations are nearly all zero has its largest as its range.
    private static func step(_ coverage: Double, layer: Int, _ statistics: ActivationStatistics) -> Float {
        let range = statistics.percentile(coverage, layer: layer)
        return max(range > 0 ? range : statistics.percentile(1, layer: layer), .leastNormalMagnitude * 255) / 255
    }

    private struct Candidate {
        let source: Source
        let net: Int8NetParameters
        let correctsBias: Bool
        let fidelity: [Fidelity]
        var cost: Double { fidelity.reduce(0) { $0 + $1.mean } }
    }

    /// How far an 8-bit net's probabilities are from the float net's, on the held-out windows, a level.
    private func fidelity(of parameters: Int8NetParameters) throws(QuantisationError) -> [Fidelity] {
        let net = PackedWindowNet(try PackedNet(parameters, function: function))
        return Self.levels.indices.map { index in
            let level = Self.levels[index]
            var differences: [Float] = []
            for (window, probabilities) in zip(heldOut, expected[index]) {
                let found = net.forward(window, gain: level.factor(window))
                for tag in probabilities.indices { differences.append(abs(found[tag] - probabilities[tag])) }
            }
            return Fidelity(level: level, differences: differences)
        }
    }

    /// Each layer's range, clipping and noise, with all layers below it quantised too.
    private func report(
        _ parameters: Int8NetParameters, _ source: Source
    ) throws(QuantisationError) -> [LayerReport] {
        let exact = PackedWindowNet(PackedNet(source.net, batchNormEpsilon: batchNormEpsilon, function: function))
        let rounded = PackedWindowNet(try PackedNet(parameters, function: function))
        var signal = [Double](repeating: 0, count: shape.n + 1)
        var noise = signal
        for window in heldOut {
            exact.forward(window)
            rounded.forward(window)
            for layer in 0...shape.n {
                let width = shape.widths[layer]
                let stride = rounded.net.layers[layer].outputBytes
                let values = exact.activations(layer: layer).assumingMemoryBound(to: Float.self)
                let bytes = rounded.activations(layer: layer).assumingMemoryBound(to: UInt8.self)
                for column in 0..<shape.columns(layer: layer) {
                    for channel in 0..<width {
                        let value = Double(values[column * width + channel])
                        let found = Double(bytes[column * stride + channel]) * Double(parameters.steps[layer])
                        signal[layer] += value * value
                        noise[layer] += (value - found) * (value - found)
                    }
                }
            }
        }
        return (0...shape.n).map { layer in
            let range = parameters.steps[layer] * 255
            return LayerReport(
                layer: layer, range: range, clipped: source.statistics.shareAbove(range, layer: layer),
                signalToNoise: 10 * log10(signal[layer] / max(noise[layer], .leastNormalMagnitude)))
        }
    }
}

extension Quantiser {
    /// How loud windows are heard.
    public enum Level: Sendable, Equatable, CustomStringConvertible {
        /// dB above what they were recorded at.
        case gain(Double)
        /// Each window turned up until its largest sample is 1, but never by more than 20 dB: noise isn't music.
        case fullScale

        public var description: String {
            switch self {
            case .gain(let decibels): "\(Int(decibels)) dB"
            case .fullScale: "full scale"
            }
        }

        func factor(_ window: [Float]) -> Float {
            switch self {
            case .gain(let decibels): Float(pow(10, decibels / 20))
            case .fullScale: 1 / max(0.1, window.reduce(0) { max($0, abs($1)) })
            }
        }
    }

    /// A quantised net, and how it was found to be.
    public struct Result {
        public let net: Int8NetParameters
        /// Whether channels were made more equal first.
        public let isEqualised: Bool
        /// Whether biases take back the rounding's mean error.
        public let correctsBias: Bool
        /// On the held-out windows, at each of `levels`.
        public let fidelity: [Fidelity]
        /// Layers 0 … n.
        public let layers: [LayerReport]
    }

    /// What 8 bits did to one layer.
    public struct LayerReport: Sendable {
        public let layer: Int
        /// The activation that 255 stands for.
        public let range: Float
        /// Share of activations above the range.
        public let clipped: Double
        /// dB, over the held-out windows at their own level.
        public let signalToNoise: Double
    }
}

/// How far probabilities are from others of the same windows and tags.
public struct Fidelity: Sendable, Equatable {
    /// How loud the windows were.
    public let level: Quantiser.Level
    public let mean: Double
    public let p99: Double
    public let largest: Double

    /// - Parameter differences: absolute, in any order; at least one.
    public init(level: Quantiser.Level, differences: [Float]) {
        self.level = level
        let sorted = differences.sorted()
        mean = sorted.reduce(0) { $0 + Double($1) } / Double(max(1, sorted.count))
        p99 = Double(sorted.isEmpty ? 0 : sorted[(sorted.count - 1) * 99 / 100])
        largest = Double(sorted.last ?? 0)
    }
}
