/// How a tag's detector fares at every threshold: what its ROC curve and its precision–recall curve are drawn from.
public struct ThresholdCurve: Sendable, Equatable {
    /// What is taken for positive from a threshold on.
    public struct Point: Sendable, Equatable {
        public let threshold: Float
        public let truePositives: Int
        public let falsePositives: Int
    }

    /// One for each score that occurs, the highest first.
    public let points: [Point]
    public let positives: Int
    public let negatives: Int

    public init(scores: [Float], positive: [Bool]) {
        precondition(scores.count == positive.count)
        let order = scores.indices.sorted { scores[$0] > scores[$1] }
        var points: [Point] = []
        var found = 0
        for (taken, index) in order.enumerated() {
            if positive[index] { found += 1 }
            let isLast = taken + 1 == order.count || scores[order[taken + 1]] < scores[index]
            guard isLast else { continue }
            points.append(Point(threshold: scores[index], truePositives: found, falsePositives: taken + 1 - found))
        }
        self.points = points
        positives = found
        negatives = scores.count - found
    }

    /// Recall (x) and precision (y), from recall 0, where precision is defined as 1, to recall 1; scikit-learn's
    /// `precision_recall_curve`, backwards. Empty where there are no positives.
    public var precisionRecall: [CurvePoint] {
        guard positives > 0 else { return [] }
        return [CurvePoint(x: 0, y: 1)]
            + points.map { point in
                CurvePoint(
                    x: Double(point.truePositives) / Double(positives),
                    y: Double(point.truePositives) / Double(point.truePositives + point.falsePositives))
            }
    }

    /// False-positive rate (x) and true-positive rate (y), from (0, 0) to (1, 1). Empty where there are only positives
    /// or only negatives.
    public var roc: [CurvePoint] {
        guard positives > 0, negatives > 0 else { return [] }
        return [CurvePoint(x: 0, y: 0)]
            + points.map { point in
                CurvePoint(
                    x: Double(point.falsePositives) / Double(negatives),
                    y: Double(point.truePositives) / Double(positives))
            }
    }
}

/// A point of a curve.
public struct CurvePoint: Sendable, Equatable {
    public let x: Double
    public let y: Double

    public init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }

    /// How far this point is from the line between two others.
    fileprivate func distance(from a: CurvePoint, to b: CurvePoint) -> Double {
        let (dx, dy) = (b.x - a.x, b.y - a.y)
        let length = dx * dx + dy * dy
        let along = length > 0 ? min(1, max(0, ((x - a.x) * dx + (y - a.y) * dy) / length)) : 0
        let (ex, ey) = (x - a.x - along * dx, y - a.y - along * dy)
        return (ex * ex + ey * ey).squareRoot()
    }
}

extension [CurvePoint] {
    /// The curve in fewer points, for drawing: no point that is left out lies farther than `tolerance` from what is
    /// drawn instead.
    ///
    /// Douglas and Peucker, "Algorithms for the reduction of the number of points required to represent a digitized
    /// line", Cartographica 10 (1973), method 2.
    public func thinned(tolerance: Double) -> [CurvePoint] {
        guard count > 2 else { return self }
        var isKept = [Bool](repeating: false, count: count)
        isKept[0] = true
        isKept[count - 1] = true
        var pieces = [(first: 0, last: count - 1)]
        while let (first, last) = pieces.popLast() {
            var farthest = (index: first, distance: tolerance)
            for index in (first + 1)..<Swift.max(first + 1, last) {
                let distance = self[index].distance(from: self[first], to: self[last])
                if distance > farthest.distance { farthest = (index, distance) }
            }
            guard farthest.index > first else { continue }
            isKept[farthest.index] = true
            pieces.append((first, farthest.index))
            pieces.append((farthest.index, last))
        }
        return indices.filter { isKept[$0] }.map { self[$0] }
    }
}
