/// Exact t-SNE: points of many dimensions in the plane, such that neighbours stay neighbours.
///
/// van der Maaten and Hinton, "Visualizing data using t-SNE", JMLR 9 (2008). Every pair is computed, in Float64 and on
/// one thread: the same points and settings give the same picture, and some thousand points take seconds to minutes.
public struct TSNE: Sendable {
    /// Where points stand before the first step.
    public enum Initialisation: Sendable {
        /// Their first two principal components, scaled to a standard deviation of 0.0001 along the first.
        case principalComponents
        /// Normally distributed with a standard deviation of 0.0001.
        case random(seed: UInt64)
        /// Places that are given: [points, 2].
        case given([Double])
    }

    /// How many neighbours a point counts, roughly (section 2, equation 2's entropy as a number of points).
    public var perplexity = 30.0
    /// Factor on the attraction between neighbours in the first `exaggeratedSteps` (section 3.4).
    public var earlyExaggeration = 12.0
    public var exaggeratedSteps = 250
    public var steps = 1000
    /// nil: points / `earlyExaggeration` / 4, and at least 50 (Belkina et al., Nature Communications 10, 2019).
    public var learningRate: Double?
    public var initialisation = Initialisation.principalComponents

    public init() {}

    /// What came out.
    public struct Embedding: Sendable, Equatable {
        /// [points, 2].
        public let points: [Double]
        /// Kullback–Leibler divergence of the neighbourhoods in the plane from those of the given points, in nats.
        public let divergence: Double
    }

    /// - Parameters:
    ///   - points: [count, dimensions].
    ///   - dimensions: numbers of a point.
    ///   - isCancelled: asked before each step; the picture is then what it is so far.
    ///   - progress: called before each step with the share done.
    /// - Throws: `TSNEError` when there are too few points for the perplexity, a number isn't finite, or a setting or the
    ///   given places can't be.
    public func embed(
        _ points: [Double], dimensions: Int, isCancelled: () -> Bool = { false },
        progress: (Double) -> Void = { _ in }
    ) throws(TSNEError) -> Embedding {
        let count = try validate(points, dimensions)
        var plane = Plane(places: initialPlaces(points, dimensions: dimensions), count: count)
        guard count > 1 else { return Embedding(points: plane.interleaved, divergence: 0) }
        let affinities = PairAffinities(points, dimensions: dimensions, perplexity: perplexity)
        let rate = learningRate ?? max(Double(count) / earlyExaggeration / 4, 50)
        for step in 0..<steps where !isCancelled() {
            progress(Double(step) / Double(steps))
            let isExaggerated = step < exaggeratedSteps
            plane.forces(affinities, exaggeration: isExaggerated ? earlyExaggeration : 1)
            // Section 3.4: momentum is small until the points have sorted themselves.
            plane.move(rate: rate, momentum: isExaggerated ? 0.5 : 0.8)
            // What is added where steps begin anew: fresh momentum, so that the exaggerated phase's doesn't throw points.
            if step + 1 == exaggeratedSteps { plane.rest() }
        }
        return Embedding(points: plane.interleaved, divergence: plane.divergence(from: affinities))
    }

    private func validate(_ points: [Double], _ dimensions: Int) throws(TSNEError) -> Int {
        guard dimensions > 0, points.count % dimensions == 0 else {
            throw TSNEError(description: "points: a multiple of \(dimensions) numbers wanted, \(points.count) found")
        }
        let count = points.count / dimensions
        guard points.allSatisfy(\.isFinite) else { throw TSNEError(description: "points: a number isn't finite") }
        guard perplexity >= 1, perplexity < Double(max(count, 2)) else {
            throw TSNEError(description: "perplexity: 1 to less than \(count) points wanted, \(perplexity) found")
        }
        guard steps >= 0, earlyExaggeration >= 1, learningRate.map({ $0 > 0 && $0.isFinite }) ?? true else {
            throw TSNEError(description: "steps, exaggeration and learning rate: positive numbers wanted")
        }
        if case .given(let places) = initialisation {
            guard places.count == 2 * count, places.allSatisfy(\.isFinite) else {
                throw TSNEError(
                    description: "initial places: \(2 * count) finite numbers wanted, \(places.count) found")
            }
        }
        return count
    }

    private func initialPlaces(_ points: [Double], dimensions: Int) -> [Double] {
        let deviation = 1e-4
        switch initialisation {
        case .given(let places): return places
        case .random(let seed):
            var generator = SplitMix64(state: seed)
            return (0..<(2 * points.count / dimensions)).map { _ in generator.nextNormal() * deviation }
        case .principalComponents:
            let scores = PrincipalComponents.firstTwo(of: points, dimensions: dimensions)
            let count = Double(max(1, scores.count / 2))
            // The mean of a component is zero.
            let variance = stride(from: 0, to: scores.count, by: 2).reduce(0) { $0 + scores[$1] * scores[$1] } / count
            guard variance > 0 else { return scores }
            return scores.map { $0 * deviation / variance.squareRoot() }
        }
    }
}

/// Points or settings that can't be embedded.
public struct TSNEError: Error, Equatable, CustomStringConvertible {
    public let description: String
}

/// The points in the plane, on their way.
private struct Plane {
    private let count: Int
    private var x: [Double]
    private var y: [Double]
    private var forceX: [Double]
    private var forceY: [Double]
    private var speed: [Double]
    private var gains: [Double]

    init(places: [Double], count: Int) {
        self.count = count
        x = (0..<count).map { places[2 * $0] }
        y = (0..<count).map { places[2 * $0 + 1] }
        forceX = [Double](repeating: 0, count: count)
        forceY = forceX
        speed = [Double](repeating: 0, count: 2 * count)
        gains = [Double](repeating: 1, count: 2 * count)
    }

    var interleaved: [Double] { (0..<count).flatMap { [x[$0], y[$0]] } }

    /// The gradient of the divergence, equation 5: 4 Σ (p − q)(yᵢ − yⱼ) / (1 + ‖yᵢ − yⱼ‖²).
    ///
    /// In one pass over the pairs: q's normalisation is only known behind it, so attraction and repulsion are summed apart.
    mutating func forces(_ affinities: PairAffinities, exaggeration: Double) {
        var repulsionX = [Double](repeating: 0, count: count)
        var repulsionY = repulsionX
        for index in 0..<count {
            forceX[index] = 0
            forceY[index] = 0
        }
        var total = 0.0
        affinities.values.withUnsafeBufferPointer { p in
            var pair = 0
            for i in 0..<count {
                let (xi, yi) = (x[i], y[i])
                var pull = (x: 0.0, y: 0.0)
                var push = (x: 0.0, y: 0.0)
                for j in (i + 1)..<max(i + 1, count) {
                    let (dx, dy) = (xi - x[j], yi - y[j])
                    let nearness = 1 / (1 + dx * dx + dy * dy)
                    let attraction = p[pair] * nearness
                    let repulsion = nearness * nearness
                    pair += 1
                    total += nearness
                    pull.x += attraction * dx
                    pull.y += attraction * dy
                    push.x += repulsion * dx
                    push.y += repulsion * dy
                    forceX[j] -= attraction * dx
                    forceY[j] -= attraction * dy
                    repulsionX[j] -= repulsion * dx
                    repulsionY[j] -= repulsion * dy
                }
                forceX[i] += pull.x
                forceY[i] += pull.y
                repulsionX[i] += push.x
                repulsionY[i] += push.y
            }
        }
        for i in 0..<count {
            forceX[i] = 4 * (exaggeration * forceX[i] - repulsionX[i] / (2 * total))
            forceY[i] = 4 * (exaggeration * forceY[i] - repulsionY[i] / (2 * total))
        }
    }

    /// One step down the gradient, with momentum and a gain for each coordinate (Jacobs 1988, as section 3.4 has it).
    mutating func move(rate: Double, momentum: Double) {
        for i in 0..<count {
            x[i] += advance(2 * i, force: forceX[i], rate: rate, momentum: momentum)
            y[i] += advance(2 * i + 1, force: forceY[i], rate: rate, momentum: momentum)
        }
    }

    private mutating func advance(_ index: Int, force: Double, rate: Double, momentum: Double) -> Double {
        gains[index] = speed[index] * force < 0 ? gains[index] + 0.2 : max(gains[index] * 0.8, 0.01)
        speed[index] = momentum * speed[index] - rate * gains[index] * force
        return speed[index]
    }

    /// Forgets momentum and gains.
    mutating func rest() {
        for index in speed.indices {
            speed[index] = 0
            gains[index] = 1
        }
    }

    /// Σ p log (p / q) over all ordered pairs.
    func divergence(from affinities: PairAffinities) -> Double {
        var total = 0.0
        var sum = 0.0
        var mass = 0.0
        var pair = 0
        for i in 0..<count {
            for j in (i + 1)..<max(i + 1, count) {
                let (dx, dy) = (x[i] - x[j], y[i] - y[j])
                let distance = 1 + dx * dx + dy * dy
                let p = affinities.values[pair]
                pair += 1
                total += 1 / distance
                mass += p
                if p > 0 { sum += p * (logarithm(p) + logarithm(distance)) }
            }
        }
        return 2 * (sum + mass * logarithm(2 * total))
    }
}
