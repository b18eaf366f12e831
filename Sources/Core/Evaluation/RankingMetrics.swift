/// Measures of how well scores rank positives before negatives.
public enum RankingMetrics {
    /// Area under the ROC curve: how likely a positive scores above a negative, a tie counting half.
    ///
    /// - Returns: nil where there are only positives or only negatives.
    public static func rocAUC(scores: [Float], positive: [Bool]) -> Double? {
        precondition(scores.count == positive.count)
        let positives = positive.count { $0 }
        let negatives = positive.count - positives
        guard positives > 0, negatives > 0 else { return nil }
        // Mann–Whitney: the sum of the positives' ranks, ties sharing their mean rank.
        var rankSum = 0.0
        forEachTie(scores) { tie, rank in
            let mean = Double(2 * rank + tie.count + 1) / 2
            for index in tie where positive[index] { rankSum += mean }
        }
        let least = Double(positives) * Double(positives + 1) / 2
        return (rankSum - least) / (Double(positives) * Double(negatives))
    }

    /// Average precision: the precision at each threshold, weighted with the recall it adds.
    ///
    /// - Returns: nil where there are no positives.
    public static func averagePrecision(scores: [Float], positive: [Bool]) -> Double? {
        precondition(scores.count == positive.count)
        let positives = positive.count { $0 }
        guard positives > 0 else { return nil }
        var found = 0
        var taken = 0
        var sum = 0.0
        forEachTie(scores.map { -$0 }) { tie, _ in
            let hits = tie.reduce(0) { $0 + (positive[$1] ? 1 : 0) }
            found += hits
            taken += tie.count
            sum += Double(hits) * Double(found) / Double(taken)
        }
        return sum / Double(positives)
    }

    /// Runs of equal scores, the smallest first: the indices of each, and how many scores are smaller.
    private static func forEachTie(_ scores: [Float], _ body: (ArraySlice<Int>, Int) -> Void) {
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        var begin = 0
        while begin < order.count {
            var end = begin + 1
            while end < order.count, scores[order[end]] == scores[order[begin]] { end += 1 }
            body(order[begin..<end], begin)
            begin = end
        }
    }
}
