import COpenBLAS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Logistic regression with a penalty on the squared weights, to its minimum: a baseline without anything to tune but λ.
///
/// Minimises the sum of the songs' cross-entropies + λ/2 |W|²; b isn't penalised. scikit-learn's C is 1/λ.
public struct LogisticRegression: Sendable {
    /// [tags, width].
    public let weight: [Float]
    /// [tags].
    public let bias: [Float]
    public let iterations: Int
    private let output: OutputFunction

    /// - Parameters:
    ///   - start: weights to begin with, those of a neighbouring penalty.
    ///   - tolerance: ends when no part of the gradient is larger, a song.
    public static func fit(
        _ set: SongSet, output: OutputFunction, penalty: Double, start: LogisticRegression? = nil,
        tolerance: Double = 1e-6, mostIterations: Int = 500
    ) -> LogisticRegression {
        openblas_set_num_threads(1)
        let x = set.features.map { Double($0) }
        let count = set.tags * set.width
        let begin =
            (start?.weight ?? [Float](repeating: 0, count: count))
            + (start?.bias ?? [Float](repeating: 0, count: set.tags))
        let minimum = QuasiNewton(tolerance: tolerance, mostIterations: mostIterations).minimise(
            from: begin.map { Double($0) }
        ) { point, gradient in
            value(point, &gradient, x: x, set: set, output: output, penalty: penalty)
        }
        return LogisticRegression(
            weight: minimum.point[..<count].map { Float($0) }, bias: minimum.point[count...].map { Float($0) },
            iterations: minimum.iterations, output: output)
    }

    /// Probabilities, [songs, tags].
    public func probabilities(_ set: SongSet) -> [Float] {
        var scores = linearScores(set, weight: weight, bias: bias)
        TrainableClassifier.apply(output, to: &scores, tags: set.tags)
        return scores
    }

    /// The mean over songs of what is minimised, and its gradient.
    private static func value(
        _ point: [Double], _ gradient: inout [Double], x: [Double], set: SongSet, output: OutputFunction,
        penalty: Double
    ) -> Double {
        let (n, d, t) = (set.count, set.width, set.tags)
        var logits = (0..<n).flatMap { _ in point[(t * d)...] }
        cblas_dgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, Int32(n), Int32(t), Int32(d), 1, x, Int32(d), point, Int32(d), 1,
            &logits, Int32(t))
        var sum = 0.0
        // The logits become their gradients.
        for row in 0..<n {
            let range = (row * t)..<((row + 1) * t)
            switch output {
            case .sigmoid:
                for index in range {
                    let (logit, label) = (logits[index], Double(set.labels[index]))
                    sum += max(logit, 0) - logit * label + log1p(exp(-abs(logit)))
                    logits[index] = 1 / (1 + exp(-logit)) - label
                }
            case .softmax:
                let largest = logits[range].max() ?? 0
                let total = range.reduce(0.0) { $0 + exp(logits[$1] - largest) }
                let mass = range.reduce(0.0) { $0 + Double(set.labels[$1]) }
                for index in range {
                    let label = Double(set.labels[index])
                    sum -= label * (logits[index] - largest - log(total))
                    logits[index] = mass * exp(logits[index] - largest) / total - label
                }
            }
        }
        cblas_dgemm(
            CblasRowMajor, CblasTrans, CblasNoTrans, Int32(t), Int32(d), Int32(n), 1, logits, Int32(t), x, Int32(d), 0,
            &gradient, Int32(d))
        for tag in 0..<t { gradient[t * d + tag] = (0..<n).reduce(0.0) { $0 + logits[$1 * t + tag] } }
        for index in 0..<(t * d) {
            sum += penalty / 2 * point[index] * point[index]
            gradient[index] += penalty * point[index]
        }
        for index in gradient.indices { gradient[index] /= Double(n) }
        return sum / Double(n)
    }
}

/// L-BFGS: Newton's step with what the last gradients tell of the curvature (Nocedal and Wright, Numerical Optimization,
/// algorithm 7.5), and a step that is halved until it goes down enough.
struct QuasiNewton {
    let tolerance: Double
    let mostIterations: Int
    /// Pairs of steps and gradients remembered.
    private static let memory = 10

    func minimise(
        from start: [Double], _ function: ([Double], inout [Double]) -> Double
    ) -> (point: [Double], iterations: Int) {
        var point = start
        var gradient = [Double](repeating: 0, count: start.count)
        var value = function(point, &gradient)
        var pairs: [(step: [Double], change: [Double], inverse: Double)] = []
        var trial = point
        var trialGradient = gradient
        for iteration in 0..<mostIterations {
            guard gradient.contains(where: { abs($0) > tolerance }) else { return (point, iteration) }
            let direction = Self.direction(gradient, pairs)
            let slope = Self.dot(direction, gradient)
            guard slope < 0 else { return (point, iteration) }
            var length = pairs.isEmpty ? min(1, 1 / Self.dot(gradient, gradient).squareRoot()) : 1
            var next = value
            for _ in 0..<40 {
                for index in trial.indices { trial[index] = point[index] + length * direction[index] }
                next = function(trial, &trialGradient)
                if next <= value + 1e-4 * length * slope { break }
                length /= 2
            }
            guard next < value else { return (point, iteration) }
            let step = zip(trial, point).map { $0 - $1 }
            let change = zip(trialGradient, gradient).map { $0 - $1 }
            let curvature = Self.dot(step, change)
            if curvature > 1e-12 * Self.dot(change, change) {
                pairs.append((step, change, 1 / curvature))
                if pairs.count > Self.memory { pairs.removeFirst() }
            }
            (point, gradient, value) = (trial, trialGradient, next)
        }
        return (point, mostIterations)
    }

    private static func direction(
        _ gradient: [Double], _ pairs: [(step: [Double], change: [Double], inverse: Double)]
    ) -> [Double] {
        var direction = gradient.map { -$0 }
        var factors: [Double] = []
        for pair in pairs.reversed() {
            let factor = pair.inverse * dot(pair.step, direction)
            factors.append(factor)
            add(-factor, pair.change, to: &direction)
        }
        if let last = pairs.last {
            let scale = 1 / (last.inverse * dot(last.change, last.change))
            for index in direction.indices { direction[index] *= scale }
        }
        for (pair, factor) in zip(pairs, factors.reversed()) {
            add(factor - pair.inverse * dot(pair.change, direction), pair.step, to: &direction)
        }
        return direction
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double { cblas_ddot(Int32(a.count), a, 1, b, 1) }

    private static func add(_ factor: Double, _ a: [Double], to b: inout [Double]) {
        cblas_daxpy(Int32(a.count), factor, a, 1, &b, 1)
    }
}
