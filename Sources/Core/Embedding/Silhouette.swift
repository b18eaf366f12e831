/// How clustered labelled points are, as one number.
public enum Silhouette {
    /// The mean silhouette: 1 where groups are tight and far apart, 0 where they lie in each other, negative where points
    /// are nearer to another group than to their own.
    ///
    /// Rousseeuw, Journal of Computational and Applied Mathematics 20 (1987): of each point (b − a) / max(a, b), with a
    /// its mean Euclidean distance from its own group's others and b that from the nearest other group; 0 for a point
    /// alone in its group.
    ///
    /// - Parameters:
    ///   - points: [count, dimensions].
    ///   - labels: each point's group, [count].
    /// - Returns: nil with fewer than two groups, or where every point is a group of its own.
    public static func score(_ points: [Double], dimensions: Int, labels: [Int]) -> Double? {
        precondition(dimensions > 0 && points.count == dimensions * labels.count)
        let names = Set(labels).sorted()
        guard names.count > 1, names.count < labels.count else { return nil }
        let groups = labels.map { label in names.firstIndex(of: label)! }
        var sizes = [Int](repeating: 0, count: names.count)
        for group in groups { sizes[group] += 1 }
        var distances = [Double](repeating: 0, count: labels.count)
        var sum = 0.0
        for (index, own) in groups.enumerated() where sizes[own] > 1 {
            squaredDistances(from: index, in: points, dimensions: dimensions, into: &distances)
            var totals = [Double](repeating: 0, count: names.count)
            for (other, group) in groups.enumerated() { totals[group] += distances[other].squareRoot() }
            let inside = totals[own] / Double(sizes[own] - 1)
            var outside = Double.infinity
            for group in names.indices where group != own {
                outside = min(outside, totals[group] / Double(sizes[group]))
            }
            let larger = max(inside, outside)
            // Points that all coincide are in no group more than in another.
            if larger > 0 { sum += (outside - inside) / larger }
        }
        return sum / Double(labels.count)
    }
}
