import Testing

@testable import Core

@Suite("t-SNE and silhouette")
struct TSNETests {
    /// Doubles that the fixture holds as pairs of floats.
    private func doubles(_ name: String) throws -> [Double] {
        let floats = try Fixture.tensor(name, in: "embedding")
        return stride(from: 0, to: floats.count, by: 2).map { Double(floats[$0]) + Double(floats[$0 + 1]) }
    }

    private func points(_ index: Int) throws -> (points: [Double], labels: [Int], dimensions: Int) {
        let points = try Fixture.tensor("\(index).points", in: "embedding").map(Double.init)
        let labels = try Fixture.tensor("\(index).labels", in: "embedding").map { Int($0) }
        return (points, labels, points.count / labels.count)
    }

    private func settings(_ index: Int) throws -> TSNE {
        var settings = TSNE()
        settings.perplexity = Double(try Fixture.tensor("\(index).perplexity", in: "embedding")[0])
        return settings
    }

    @Test("From the same start the divergence is scikit-learn's", arguments: 0..<3)
    func equalsScikitLearn(index: Int) throws {
        let (points, labels, dimensions) = try points(index)
        var settings = try settings(index)
        settings.initialisation = .given(try doubles("\(index).start"))
        let embedding = try settings.embed(points, dimensions: dimensions)
        let expected = try doubles("\(index).divergence")[0]
        #expect(abs(embedding.divergence - expected) <= 0.1 * expected)
        let silhouette = try #require(Silhouette.score(embedding.points, dimensions: 2, labels: labels))
        #expect(abs(silhouette - (try doubles("\(index).silhouette"))[1]) <= 0.1)
    }

    @Test("Cancelled, it stands where that many steps lead")
    func cancelled() throws {
        let (points, _, dimensions) = try points(0)
        var settings = try settings(0)
        settings.exaggeratedSteps = 5
        settings.steps = 20
        var shares: [Double] = []
        let some = try settings.embed(
            points, dimensions: dimensions, isCancelled: { shares.count == 7 }, progress: { shares.append($0) })
        #expect(shares == (0..<7).map { Double($0) / 20 })
        let whole = try settings.embed(points, dimensions: dimensions)
        settings.steps = 7
        #expect(try settings.embed(points, dimensions: dimensions) == some)
        #expect(some != whole)
    }

    @Test("The divergence of scikit-learn's own picture is what it says", arguments: 0..<3)
    func divergence(index: Int) throws {
        let (points, _, dimensions) = try points(index)
        var settings = try settings(index)
        settings.initialisation = .given(try doubles("\(index).plane"))
        settings.steps = 0
        let found = try settings.embed(points, dimensions: dimensions).divergence
        let expected = try doubles("\(index).divergence")[0]
        // scikit-learn's is that of the step before the last.
        #expect(abs(found - expected) <= 1e-3 * expected)
    }

    @Test("Principal components and random places do as well", arguments: 0..<3)
    func ownStarts(index: Int) throws {
        let (points, _, dimensions) = try points(index)
        var settings = try settings(index)
        let expected = try doubles("\(index).divergence")
        let first = try settings.embed(points, dimensions: dimensions)
        #expect(abs(first.divergence - expected[0]) <= 0.1 * expected[0])
        settings.initialisation = .random(seed: 3)
        let second = try settings.embed(points, dimensions: dimensions)
        #expect(abs(second.divergence - expected[1]) <= 0.1 * expected[1])
        #expect(try settings.embed(points, dimensions: dimensions) == second)
        settings.initialisation = .random(seed: 4)
        #expect(try settings.embed(points, dimensions: dimensions) != second)
    }

    @Test("Principal components are scikit-learn's, up to their sign", arguments: 0..<2)
    func components(index: Int) throws {
        let (points, _, dimensions) = try points(index)
        let expected = try doubles("\(index).start")
        let found = PrincipalComponents.firstTwo(of: points, dimensions: dimensions)
        for component in 0..<2 {
            let (a, b) = (
                stride(from: component, to: found.count, by: 2).map { found[$0] },
                stride(from: component, to: expected.count, by: 2).map { expected[$0] }
            )
            let product = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
            let lengths = a.reduce(0) { $0 + $1 * $1 } * b.reduce(0) { $0 + $1 * $1 }
            #expect(abs(product) >= (1 - 1e-6) * lengths.squareRoot())
        }
    }

    @Test("The silhouette is scikit-learn's", arguments: 0..<3)
    func silhouette(index: Int) throws {
        let (points, labels, dimensions) = try points(index)
        let expected = try doubles("\(index).silhouette")
        let original = try #require(Silhouette.score(points, dimensions: dimensions, labels: labels))
        #expect(abs(original - expected[0]) <= 1e-6)
        let plane = try doubles("\(index).plane")
        #expect(abs(try #require(Silhouette.score(plane, dimensions: 2, labels: labels)) - expected[1]) <= 1e-6)
    }

    @Test("Where there is nothing to compare there is no silhouette; a point alone counts 0")
    func degenerate() throws {
        #expect(Silhouette.score([1, 2, 3], dimensions: 1, labels: [5, 5, 5]) == nil)
        #expect(Silhouette.score([1, 2, 3], dimensions: 1, labels: [1, 2, 3]) == nil)
        #expect(Silhouette.score([], dimensions: 1, labels: []) == nil)
        // Two together at 0 and 1, one alone at 10: (9.5 − …)/…, worked by hand.
        let score = try #require(Silhouette.score([0, 1, 10], dimensions: 1, labels: [0, 0, 7]))
        #expect(abs(score - ((10.0 - 1) / 10 + (9.0 - 1) / 9) / 3) <= 1e-12)
        #expect(Silhouette.score([2, 2, 2, 2], dimensions: 1, labels: [0, 0, 1, 1]) == 0)
    }

    @Test("Points that coincide, and points that don't vary, are embedded all the same")
    func coincident() throws {
        var settings = TSNE()
        settings.perplexity = 3
        let doubled = (0..<40).map { Double($0 / 2) }
        #expect(try settings.embed(doubled, dimensions: 1).points.allSatisfy(\.isFinite))
        let same = [Double](repeating: 1, count: 30)
        #expect(try settings.embed(same, dimensions: 3).points.allSatisfy(\.isFinite))
    }

    @Test("What can't be embedded is refused")
    func refused() {
        let settings = TSNE()
        #expect(throws: TSNEError(description: "perplexity: 1 to less than 3 points wanted, 30.0 found")) {
            try settings.embed([1, 2, 3], dimensions: 1)
        }
        #expect(throws: TSNEError(description: "points: a multiple of 2 numbers wanted, 3 found")) {
            try settings.embed([1, 2, 3], dimensions: 2)
        }
        #expect(throws: TSNEError(description: "points: a number isn't finite")) {
            try settings.embed([1, .nan], dimensions: 1)
        }
        var given = TSNE()
        given.perplexity = 1
        given.initialisation = .given([0])
        #expect(throws: TSNEError(description: "initial places: 4 finite numbers wanted, 1 found")) {
            try given.embed([1, 2], dimensions: 1)
        }
    }
}
