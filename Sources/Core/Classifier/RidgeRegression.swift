import COpenBLAS

/// Linear regression with a penalty on the squared weights: the plainest classifier there is, as a baseline.
///
/// Minimises |XW + b − Y|² + λ|W|²; b isn't penalised. One eigendecomposition serves all λ: of XᵀX, or, where there are
/// fewer songs than features, of XXᵀ.
public struct RidgeRegression: Sendable {
    /// [tags, width].
    public let weight: [Float]
    /// [tags].
    public let bias: [Float]

    /// - Returns: one for each penalty.
    public static func fit(_ set: SongSet, penalties: [Double]) -> [RidgeRegression] {
        openblas_set_num_threads(1)
        let (n, d, t) = (set.count, set.width, set.tags)
        let x = centred(set.features, rows: n, columns: d)
        let y = centred(set.labels, rows: n, columns: t)
        let isDual = n < d
        let size = isDual ? n : d
        // The smaller of XXᵀ and XᵀX.
        var gram = [Double](repeating: 0, count: size * size)
        cblas_dgemm(
            CblasRowMajor, isDual ? CblasNoTrans : CblasTrans, isDual ? CblasTrans : CblasNoTrans, Int32(size),
            Int32(size), Int32(isDual ? d : n), 1, x.values, Int32(d), x.values, Int32(d), 0, &gram, Int32(size))
        let values = eigen(&gram, size: size)
        // Qᵀ times what is to be solved for: Y, or XᵀY. LAPACK's columns are our rows: `gram` is Qᵀ now.
        var right = y.values
        if !isDual { right = product(x.values, transposed: true, y.values, rows: d, inner: n, columns: t) }
        let rotated = product(gram, transposed: false, right, rows: size, inner: size, columns: t)
        return penalties.map { penalty in
            var scaled = rotated
            for row in 0..<size {
                let factor = 1 / (max(0, values[row]) + penalty)
                for tag in 0..<t { scaled[row * t + tag] *= factor }
            }
            var solution = product(gram, transposed: true, scaled, rows: size, inner: size, columns: t)
            if isDual { solution = product(x.values, transposed: true, solution, rows: d, inner: n, columns: t) }
            var weight = [Float](repeating: 0, count: t * d)
            var bias = y.means
            for place in 0..<d {
                for tag in 0..<t {
                    weight[tag * d + place] = Float(solution[place * t + tag])
                    bias[tag] -= x.means[place] * solution[place * t + tag]
                }
            }
            return RidgeRegression(weight: weight, bias: bias.map { Float($0) })
        }
    }

    /// Scores, [songs, tags]; they are no probabilities, but they rank.
    public func scores(_ set: SongSet) -> [Float] { linearScores(set, weight: weight, bias: bias) }

    private static func centred(
        _ matrix: [Float], rows: Int, columns: Int
    ) -> (values: [Double], means: [Double]) {
        var values = matrix.map { Double($0) }
        var means = [Double](repeating: 0, count: columns)
        for row in 0..<rows {
            for column in 0..<columns { means[column] += values[row * columns + column] / Double(rows) }
        }
        for row in 0..<rows {
            for column in 0..<columns { values[row * columns + column] -= means[column] }
        }
        return (values, means)
    }

    /// A B, or Aᵀ B: [rows, columns].
    private static func product(
        _ a: [Double], transposed: Bool, _ b: [Double], rows: Int, inner: Int, columns: Int
    ) -> [Double] {
        var result = [Double](repeating: 0, count: rows * columns)
        cblas_dgemm(
            CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, Int32(rows), Int32(columns),
            Int32(inner), 1, a, Int32(transposed ? rows : inner), b, Int32(columns), 0, &result, Int32(columns))
        return result
    }

    /// Eigenvalues; `matrix` becomes its eigenvectors, one a row.
    private static func eigen(_ matrix: inout [Double], size: Int) -> [Double] {
        var values = [Double](repeating: 0, count: size)
        var order = Int32(size)
        var information: Int32 = 0
        var (workSize, indexSize): (Int32, Int32) = (-1, -1)
        var (workWanted, indicesWanted): (Double, Int32) = (0, 0)
        dsyevd_(
            "V", "U", &order, &matrix, &order, &values, &workWanted, &workSize, &indicesWanted, &indexSize, &information
        )
        (workSize, indexSize) = (Int32(workWanted), indicesWanted)
        var work = [Double](repeating: 0, count: Int(workSize))
        var indices = [Int32](repeating: 0, count: Int(indexSize))
        dsyevd_("V", "U", &order, &matrix, &order, &values, &work, &workSize, &indices, &indexSize, &information)
        precondition(information == 0, "dsyevd: \(information)")
        return values
    }
}

/// XWᵀ + b, [songs, tags].
func linearScores(_ set: SongSet, weight: [Float], bias: [Float]) -> [Float] {
    var scores = (0..<set.count).flatMap { _ in bias }
    cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, Int32(set.count), Int32(set.tags), Int32(set.width), 1, set.features,
        Int32(set.width), weight, Int32(set.width), 1, &scores, Int32(set.tags))
    return scores
}
