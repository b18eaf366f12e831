import Core

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a net's features may be expected to be before any was heard: its batch norms say it.
///
/// Behind batch norm a channel has, over the training data, the norm's bias as mean and its weight as standard
/// deviation. A feature is the largest of some such numbers, and 0 at least: taken as independent and normally
/// distributed, so that its mean and variance are integrals of a power of the normal distribution.
struct ExpectedFeatures: Equatable {
    /// Levels −3, −2, −1, one behind the other.
    private(set) var means: [Float] = []
    private(set) var variances: [Float] = []

    init(_ net: NetParameters) {
        let m = net.shape.m
        // Layer n − 1 is pooled and has m columns left, layer n is pooled to one, layer n + 1 has but one.
        for (layer, values) in zip(net.shape.featureLayers, [m * m, m, 1]) {
            let norm = net.layers[layer].batchNorm
            for channel in norm.bias.indices {
                let (mean, variance) = Self.moments(
                    mean: Double(norm.bias[channel]), deviation: abs(Double(norm.weight[channel])), values: values)
                means.append(Float(mean))
                variances.append(Float(variance))
            }
        }
    }

    /// Mean and variance of max(0, the largest of `values` normal numbers).
    static func moments(mean: Double, deviation: Double, values: Int) -> (mean: Double, variance: Double) {
        let end = mean + 8 * deviation
        guard end > 0 else { return (0, 0) }
        guard deviation > 0 else { return (mean, 0) }
        // E[x] = ∫ P(X > x) dx and E[x²] = ∫ 2x P(X > x) dx from 0: midpoints.
        let steps = 200
        let step = end / Double(steps)
        var (first, second) = (0.0, 0.0)
        for index in 0..<steps {
            let x = (Double(index) + 0.5) * step
            let below = 0.5 * erfc((mean - x) / (deviation * 2.0.squareRoot()))
            let above = 1 - pow(below, Double(values))
            first += above * step
            second += 2 * x * above * step
        }
        return (first, max(0, second - first * first))
    }
}
