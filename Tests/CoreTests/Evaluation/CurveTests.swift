import Testing

@testable import Core

@Suite("Curves, calibration and confusion")
struct CurveTests {
    private static func doubles(_ name: String) throws -> [Double] {
        try Fixture.doubles(name, in: "evaluation")
    }

    private static func isClose(_ found: [Double], _ expected: [Double]) -> Bool {
        found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-9 }
    }

    @Test("ROC and precision–recall curves are scikit-learn's", arguments: 0..<4)
    func curves(index: Int) throws {
        let curve = ThresholdCurve(
            scores: try Fixture.tensor("\(index).scores", in: "evaluation"),
            positive: try Fixture.tensor("\(index).positive", in: "evaluation").map { $0 > 0.5 })
        #expect(Self.isClose(curve.precisionRecall.reversed().map(\.x), try Self.doubles("\(index).recall")))
        #expect(Self.isClose(curve.precisionRecall.reversed().map(\.y), try Self.doubles("\(index).precision")))
        #expect(Self.isClose(curve.roc.map(\.x), try Self.doubles("\(index).false_positive_rate")))
        #expect(Self.isClose(curve.roc.map(\.y), try Self.doubles("\(index).true_positive_rate")))
    }

    @Test("Calibration is scikit-learn's", arguments: 0..<4)
    func calibration(index: Int) throws {
        let calibration = Calibration(
            scores: try Fixture.tensor("\(index).scores", in: "evaluation"),
            labels: try Fixture.tensor("\(index).positive", in: "evaluation"))
        let counts = try Fixture.tensor("\(index).calibration.counts", in: "evaluation")
        #expect(calibration.bins.map { Float($0.count) } == counts)
        #expect(
            Self.isClose(
                calibration.bins.map(\.probability), try Self.doubles("\(index).calibration.probabilities")))
        #expect(Self.isClose(calibration.bins.map(\.label), try Self.doubles("\(index).calibration.labels")))
        #expect(Self.isClose([calibration.expectedError], try Self.doubles("\(index).calibration.error")))
    }

    @Test("A soft label is a share of a positive, and no windows have no bins")
    func softLabels() {
        let calibration = Calibration(scores: [0.5, 0.25, 1], labels: [0.75, 0.25, 1], binCount: 2)
        #expect(
            calibration.bins == [
                .init(count: 2, probability: 0.375, label: 0.5), .init(count: 1, probability: 1, label: 1),
            ])
        #expect(abs(calibration.expectedError - 0.25 / 3) < 1e-15)
        #expect(Calibration(scores: [], labels: []).bins.isEmpty)
    }

    @Test("Where there is only one kind there is no curve")
    func oneKind() {
        #expect(ThresholdCurve(scores: [0.1, 0.2], positive: [false, false]).precisionRecall.isEmpty)
        #expect(ThresholdCurve(scores: [0.1, 0.2], positive: [true, true]).roc.isEmpty)
        #expect(ThresholdCurve(scores: [], positive: []).points.isEmpty)
    }

    @Test("A thinned curve stays within the tolerance of all its points", arguments: [0.001, 0.01, 0.1])
    func thinned(tolerance: Double) {
        var generator = SplitMix64(state: 4)
        let positive = (0..<3000).map { _ in generator.next() % 4 == 0 }
        let scores = positive.map { generator.nextUniform() + ($0 ? 0.4 : 0) }
        let curve = ThresholdCurve(scores: scores, positive: positive).precisionRecall
        let thin = curve.thinned(tolerance: tolerance)
        #expect(thin.first == curve.first && thin.last == curve.last && thin.count < curve.count / 2)
        for point in curve {
            let nearest = zip(thin, thin.dropFirst()).map { distance(point, $0, $1) }.min() ?? .infinity
            #expect(nearest <= tolerance + 1e-6)
        }
        #expect(curve.thinned(tolerance: 0).count <= curve.count)
    }

    /// Of a point and a line, by Heron's formula where neither end is the nearest.
    private func distance(_ point: CurvePoint, _ a: CurvePoint, _ b: CurvePoint) -> Double {
        func length(_ a: CurvePoint, _ b: CurvePoint) -> Double {
            ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).squareRoot()
        }
        let (toA, toB, base) = (length(point, a), length(point, b), length(a, b))
        if base == 0 || toA * toA > toB * toB + base * base || toB * toB > toA * toA + base * base {
            return min(toA, toB)
        }
        let half = (toA + toB + base) / 2
        return 2 * max(0, half * (half - toA) * (half - toB) * (half - base)).squareRoot() / base
    }

    @Test("The confusion matrix is scikit-learn's")
    func confusion() throws {
        let scores = try Fixture.tensor("genres.scores", in: "evaluation")
        let labels = try Fixture.tensor("genres.labels", in: "evaluation")
        var predictions = Predictions(tags: ["a", "b", "c", "d"])
        for start in stride(from: 0, to: scores.count, by: 4) {
            predictions.add(
                scores: Array(scores[start..<(start + 4)]), labels: Array(labels[start..<(start + 4)]), song: start)
        }
        let matrix = predictions.confusionMatrix
        let expected = try Fixture.tensor("genres.confusion", in: "evaluation").map { Int($0) }
        #expect(matrix.counts.flatMap { $0 } == expected && matrix.total == 200)
        #expect(matrix.accuracy == Double(expected[0] + expected[5] + expected[10] + expected[15]) / 200)
        #expect(matrix.recall(1) == Double(expected[5]) / Double(expected[4...7].reduce(0, +)))
        #expect(
            matrix.precision(1) == Double(expected[5]) / Double(expected[1] + expected[5] + expected[9] + expected[13]))
        predictions.add(scores: [1, 0, 0, 0], labels: [0, 0, 0, 0], song: 900)
        #expect(predictions.confusionMatrix == matrix)
    }
}
