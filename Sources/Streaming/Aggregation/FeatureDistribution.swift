import Core

/// Mean and variance of each feature over the blocks heard, older ones fading, from what a model lets one expect.
struct FeatureDistribution {
    /// Blocks after which a block counts for 1 / e: ten minutes.
    private static let memory = 600.0
    /// Blocks that an expectation counts for at the start.
    private static let trust = 300.0

    private let ranges: [Range<Int>]
    private var means: [Float]
    private var variances: [Float]
    /// Blocks that each net's numbers count for.
    private var weights: [Double]
    /// 1 / standard deviation.
    private var scales: [Float]

    init(shapes: [NetShape], expected: [ExpectedFeatures?]) {
        var total = 0
        ranges = shapes.map { shape in
            defer { total += shape.featureCount }
            return total..<(total + shape.featureCount)
        }
        means = [Float](repeating: 0, count: total)
        variances = means
        scales = means
        weights = [Double](repeating: 0, count: shapes.count)
        reset(expected)
    }

    mutating func reset(_ expected: [ExpectedFeatures?]) {
        for (net, range) in ranges.enumerated() {
            weights[net] = expected[net] == nil ? 0 : Self.trust
            for (index, feature) in range.enumerated() {
                means[feature] = expected[net]?.means[index] ?? 0
                variances[feature] = expected[net]?.variances[index] ?? 0
            }
        }
    }

    /// Adds the block that begins at `offset`. West, "Updating mean and variance estimates", CACM 22 (1979).
    mutating func add(_ blocks: [Float], at offset: Int) {
        for (net, range) in ranges.enumerated() {
            weights[net] = min(weights[net] + 1, Self.memory)
            let share = Float(1 / weights[net])
            for feature in range {
                let difference = blocks[offset + feature] - means[feature]
                means[feature] += share * difference
                variances[feature] = (1 - share) * (variances[feature] + share * difference * difference)
            }
        }
    }

    /// To be called before `standardise` when blocks were added.
    mutating func updateScales() {
        // A feature that hardly moves is noise: it is not blown up to the others' size.
        let least = variances.reduce(Float.leastNormalMagnitude) { max($0, $1) } * 1e-6
        for feature in scales.indices { scales[feature] = 1 / (variances[feature] + least).squareRoot() }
    }

    /// The block that begins at `offset`, standardised.
    func standardise(_ blocks: [Float], at offset: Int, into vectors: inout [Float], at target: Int) {
        for feature in means.indices {
            vectors[target + feature] = (blocks[offset + feature] - means[feature]) * scales[feature]
        }
    }
}
