import COpenBLAS

/// The directions along which points vary most.
enum PrincipalComponents {
    /// The points' coordinates along their first two principal components, [count, 2]; each component's largest one is
    /// positive. Zero where points don't vary.
    ///
    /// Orthogonal iteration on the covariance, which is never formed: a step multiplies by the centred points twice.
    static func firstTwo(of points: [Double], dimensions: Int) -> [Double] {
        let count = points.count / dimensions
        guard count > 0 else { return [] }
        var centred = points
        for dimension in 0..<dimensions {
            let column = stride(from: dimension, to: points.count, by: dimensions)
            let mean = column.reduce(0) { $0 + points[$1] } / Double(count)
            for index in column { centred[index] -= mean }
        }
        var generator = SplitMix64(state: 1)
        var scores = (0..<2).map { _ in (0..<count).map { _ in generator.nextNormal() } }
        for _ in 0..<200 {
            let directions = orthogonal(scores.map { multiply(centred, $0, count, dimensions, transposed: true) })
            let next = directions.map { multiply(centred, $0, count, dimensions, transposed: false) }
            let change = zip(next, scores).reduce(0) { $0 + squaredDifference($1.0, $1.1) }
            let size = next.reduce(0) { $0 + squaredLength($1) }
            scores = next
            if change <= 1e-18 * size { break }
        }
        for component in 0..<2 {
            let largest = scores[component].max { abs($0) < abs($1) } ?? 0
            if largest < 0 { scores[component] = scores[component].map { -$0 } }
        }
        return (0..<count).flatMap { [scores[0][$0], scores[1][$0]] }
    }

    private static func multiply(
        _ matrix: [Double], _ vector: [Double], _ rows: Int, _ columns: Int, transposed: Bool
    ) -> [Double] {
        var result = [Double](repeating: 0, count: transposed ? columns : rows)
        cblas_dgemv(
            CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, Int32(rows), Int32(columns), 1, matrix,
            Int32(columns), vector, 1, 0, &result, 1)
        return result
    }

    /// Gram and Schmidt; a vector that is nothing but the one before it becomes zero.
    private static func orthogonal(_ vectors: [[Double]]) -> [[Double]] {
        let first = unit(vectors[0], least: 0)
        let along = zip(first, vectors[1]).reduce(0) { $0 + $1.0 * $1.1 }
        let rest = zip(vectors[1], first).map { $0 - along * $1 }
        return [first, unit(rest, least: 1e-20 * squaredLength(vectors[1]))]
    }

    private static func unit(_ vector: [Double], least: Double) -> [Double] {
        let length = squaredLength(vector)
        guard length > least else { return [Double](repeating: 0, count: vector.count) }
        return vector.map { $0 / length.squareRoot() }
    }

    private static func squaredLength(_ vector: [Double]) -> Double { vector.reduce(0) { $0 + $1 * $1 } }

    private static func squaredDifference(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
}
