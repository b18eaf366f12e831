#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What calibration does to the logits of one tag: scale · logit + shift. The scale is positive, so that no window changes
/// places with another, and since the output layer is linear, both can be folded into its weights and bias.
///
/// Platt, "Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods", 1999.
public struct LogitScaling: Sendable, Equatable {
    public var scale: Double
    public var shift: Double

    /// Leaves logits as they are.
    public static let none = LogitScaling(scale: 1, shift: 0)

    public init(scale: Double, shift: Double) {
        self.scale = scale
        self.shift = shift
    }

    public func callAsFunction(_ logit: Float) -> Double { scale * Double(logit) + shift }

    /// This one, and then another.
    public func followed(by next: LogitScaling) -> LogitScaling {
        LogitScaling(scale: next.scale * scale, shift: next.scale * shift + next.shift)
    }
}

extension LogitScaling {
    /// How firmly a fit is held to what the net says by itself: as firmly as windows would whose p (1 − p) add up to this.
    /// Eight windows of probability ½ weigh as much, and so do two positives where they are hardly expected.
    public static let usualPrior = 2.0
    /// No fit turns a tag's logits down further than this: one that knows nothing would else be turned round.
    static let leastScale = 0.05
    /// Logits beyond are taken for this: their probabilities differ by 10^−26.
    private static let farthest = 60.0

    /// The scaling with which the mean of several nets' probabilities is the most likely, each net's logits scaled alike.
    ///
    /// Minimises Σ −y log p − (1 − y) log(1 − p) + prior / 2 · ((scale − 1)² + shift²) over windows, with p the mean over
    /// nets of σ(scale · logit + shift), by Fisher scoring; with one net that is Newton's method, and the minimum is the
    /// only one.
    ///
    /// - Parameters:
    ///   - logits: [nets][windows].
    ///   - labels: [windows], each 0 to 1; a soft label counts as that share of a positive.
    ///   - prior: see `usualPrior`.
    public static func fitted(
        logits: [[Float]], labels: [Float], prior: Double = usualPrior
    ) -> LogitScaling {
        precondition(logits.allSatisfy { $0.count == labels.count })
        let found = descended(from: .none, logits, labels, prior, movesScale: true)
        guard found.scale < leastScale else { return found }
        // The loss is convex: with the scale held at its bound, what is left to find is the shift.
        return descended(from: LogitScaling(scale: leastScale, shift: 0), logits, labels, prior, movesScale: false)
    }

    /// The loss, its gradient and Fisher information at one place.
    private struct Slope {
        var loss = 0.0
        var gradient = (scale: 0.0, shift: 0.0)
        var information = (scale: 0.0, both: 0.0, shift: 0.0)
    }

    private func slope(_ logits: [[Float]], _ labels: [Float], _ prior: Double) -> Slope {
        let (a, b) = (scale - 1, shift)
        var sum = Slope(
            loss: prior / 2 * (a * a + b * b), gradient: (prior * a, prior * b), information: (prior, 0, prior))
        let share = 1 / Double(logits.count)
        for window in labels.indices {
            // p, 1 − p, and how p changes with scale and with shift.
            var (p, q, byScale, byShift) = (0.0, 0.0, 0.0, 0.0)
            for net in logits {
                let logit = Double(net[window])
                let scaled = max(-Self.farthest, min(Self.farthest, self(net[window])))
                let yes = 1 / (1 + exp(-scaled))
                let no = 1 / (1 + exp(scaled))
                p += share * yes
                q += share * no
                byScale += share * yes * no * logit
                byShift += share * yes * no
            }
            let label = Double(labels[window])
            sum.loss -= label * log(p) + (1 - label) * log(q)
            let pull = (p - label) / (p * q)
            sum.gradient.scale += pull * byScale
            sum.gradient.shift += pull * byShift
            sum.information.scale += byScale * byScale / (p * q)
            sum.information.both += byScale * byShift / (p * q)
            sum.information.shift += byShift * byShift / (p * q)
        }
        return sum
    }

    private static let mostSteps = 200

    private static func descended(
        from start: LogitScaling, _ logits: [[Float]], _ labels: [Float], _ prior: Double, movesScale: Bool
    ) -> LogitScaling {
        var place = start
        var slope = place.slope(logits, labels, prior)
        for _ in 0..<mostSteps {
            let (g, h) = (slope.gradient, slope.information)
            var step = LogitScaling(scale: 0, shift: h.shift > 0 ? -g.shift / h.shift : 0)
            let determinant = h.scale * h.shift - h.both * h.both
            if movesScale, determinant > 1e-12 * h.scale * h.shift {
                step.scale = -(h.shift * g.scale - h.both * g.shift) / determinant
                step.shift = -(h.scale * g.shift - h.both * g.scale) / determinant
            }
            let descent = (movesScale ? g.scale * step.scale : 0) + g.shift * step.shift
            guard descent < -1e-14 * (1 + abs(slope.loss)) else { break }
            var length = 1.0
            var next = place
            var after = slope
            repeat {
                next = LogitScaling(
                    scale: place.scale + length * step.scale, shift: place.shift + length * step.shift)
                after = next.slope(logits, labels, prior)
                length /= 2
            } while after.loss > slope.loss + 1e-4 * 2 * length * descent && length > 1e-9
            guard after.loss < slope.loss else { break }
            (place, slope) = (next, after)
        }
        return place
    }
}
