#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How much each two points are neighbours: p of t-SNE's section 2 and 3.1.
struct PairAffinities {
    /// p of points i < j, row by row: (0, 1), (0, 2), …, (1, 2), …; over all ordered pairs they sum to 1.
    private(set) var values: [Double]

    /// - Parameter points: [count, dimensions].
    init(_ points: [Double], dimensions: Int, perplexity: Double) {
        let count = points.count / dimensions
        values = [Double](repeating: 0, count: count * (count - 1) / 2)
        var distances = [Double](repeating: 0, count: count)
        var row = distances
        for i in 0..<count {
            squaredDistances(from: i, in: points, dimensions: dimensions, into: &distances)
            Self.neighbours(of: i, distances: distances, entropy: log(perplexity), into: &row)
            for j in 0..<count where j != i {
                values[Self.pair(min(i, j), max(i, j), count: count)] += row[j] / Double(2 * count)
            }
        }
    }

    private static func pair(_ i: Int, _ j: Int, count: Int) -> Int { i * (2 * count - i - 1) / 2 + j - i - 1 }

    /// p of j given i, equation 1, with the width of the Gaussian that gives the entropy; found by bisection.
    private static func neighbours(of i: Int, distances: [Double], entropy: Double, into row: inout [Double]) {
        // Distances count from the nearest neighbour's: exp of them doesn't vanish, and p doesn't change.
        let nearest = distances.indices.reduce(Double.infinity) { $1 == i ? $0 : min($0, distances[$1]) }
        var (lower, upper) = (0.0, Double.infinity)
        var precision = 1.0
        for _ in 0..<100 {
            var sum = 0.0
            var weighted = 0.0
            for j in distances.indices where j != i {
                let distance = distances[j] - nearest
                row[j] = exp(-distance * precision)
                sum += row[j]
                weighted += distance * row[j]
            }
            let difference = log(sum) + precision * weighted / sum - entropy
            for j in distances.indices where j != i { row[j] /= sum }
            if abs(difference) <= 1e-5 { return }
            if difference > 0 {
                lower = precision
                precision = upper.isFinite ? (lower + upper) / 2 : precision * 2
            } else {
                upper = precision
                precision = (lower + upper) / 2
            }
        }
    }
}

/// Squared Euclidean distances of one point from all, [count].
func squaredDistances(from index: Int, in points: [Double], dimensions: Int, into distances: inout [Double]) {
    points.withUnsafeBufferPointer { points in
        let own = points.baseAddress! + index * dimensions
        for other in distances.indices {
            let there = points.baseAddress! + other * dimensions
            // Four sums, so that an addition needn't wait for the one before.
            var sums = SIMD4<Double>.zero
            var dimension = 0
            while dimension + 4 <= dimensions {
                let difference =
                    UnsafeRawPointer(own + dimension).loadUnaligned(as: SIMD4<Double>.self)
                    - UnsafeRawPointer(there + dimension).loadUnaligned(as: SIMD4<Double>.self)
                sums += difference * difference
                dimension += 4
            }
            var sum = sums.sum()
            while dimension < dimensions {
                let difference = own[dimension] - there[dimension]
                sum += difference * difference
                dimension += 1
            }
            distances[other] = sum
        }
    }
}

/// Natural logarithm.
func logarithm(_ value: Double) -> Double { log(value) }
