#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension LogitScaling {
    /// Of genres: one scale for all of a net's logits, 1 over its temperature.
    ///
    /// Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017, section 4.2. Minimises
    /// Σ −y log p + prior / 2 · (scale − 1)² over windows and genres, with p the mean over nets of softmax(scale · logits),
    /// by Fisher scoring.
    ///
    /// - Parameters:
    ///   - logits: [nets][windows][genres].
    ///   - labels: [windows][genres], each 0 to 1; a window without a label says nothing.
    ///   - prior: see `usualPrior`.
    public static func temperature(
        logits: [[[Float]]], labels: [[Float]], prior: Double = usualPrior
    ) -> LogitScaling {
        var scale = 1.0
        var slope = Self.slope(scale, logits, labels, prior)
        for _ in 0..<200 {
            guard slope.information > 0 else { break }
            let step = -slope.gradient / slope.information
            guard slope.gradient * step < -1e-14 * (1 + abs(slope.loss)) else { break }
            var length = 1.0
            var next = scale
            var after = slope
            repeat {
                next = max(leastScale, scale + length * step)
                after = Self.slope(next, logits, labels, prior)
                length /= 2
            } while after.loss >= slope.loss && length > 1e-9
            guard after.loss < slope.loss else { break }
            (scale, slope) = (next, after)
        }
        return LogitScaling(scale: scale, shift: 0)
    }

    private static func slope(
        _ scale: Double, _ logits: [[[Float]]], _ labels: [[Float]], _ prior: Double
    ) -> (loss: Double, gradient: Double, information: Double) {
        var sum = (loss: prior / 2 * (scale - 1) * (scale - 1), gradient: prior * (scale - 1), information: prior)
        let share = 1 / Double(logits.count)
        for (window, labels) in labels.enumerated() {
            let all = labels.reduce(0) { $0 + Double($1) }
            guard all > 0 else { continue }
            var p = [Double](repeating: 0, count: labels.count)
            var change = p
            for net in logits {
                let row = net[window].map { Double($0) }
                let found = softmax(row.map { scale * $0 })
                let mean = zip(found, row).reduce(0) { $0 + $1.0 * $1.1 }
                for genre in p.indices {
                    p[genre] += share * found[genre]
                    change[genre] += share * found[genre] * (row[genre] - mean)
                }
            }
            for genre in p.indices where p[genre] > 0 {
                let label = Double(labels[genre])
                sum.loss -= label > 0 ? label * log(p[genre]) : 0
                sum.gradient -= label * change[genre] / p[genre]
                sum.information += all * change[genre] * change[genre] / p[genre]
            }
        }
        return sum
    }

    static func softmax(_ logits: [Double]) -> [Double] {
        let largest = logits.max() ?? 0
        // Never quite 0: a label there would be infinitely unlikely.
        let powers = logits.map { max(exp($0 - largest), 1e-300) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}
