/// What genres were taken for.
public struct ConfusionMatrix: Sendable, Equatable {
    public let tags: [String]
    /// [label][prediction]: how many windows or songs.
    public private(set) var counts: [[Int]]

    public init(tags: [String]) {
        self.tags = tags
        counts = Array(repeating: Array(repeating: 0, count: tags.count), count: tags.count)
    }

    public mutating func add(label: Int, prediction: Int) { counts[label][prediction] += 1 }

    public var total: Int { counts.joined().reduce(0, +) }

    /// The share on the diagonal; nil where there is nothing.
    public var accuracy: Double? {
        total > 0 ? Double(tags.indices.reduce(0) { $0 + counts[$1][$1] }) / Double(total) : nil
    }

    /// How many have that label.
    public func support(_ label: Int) -> Int { counts[label].reduce(0, +) }

    /// Of those with that label, the share that was found; nil where there are none.
    public func recall(_ label: Int) -> Double? {
        support(label) > 0 ? Double(counts[label][label]) / Double(support(label)) : nil
    }

    /// Of those taken for that genre, the share that is; nil where there are none.
    public func precision(_ prediction: Int) -> Double? {
        let taken = counts.reduce(0) { $0 + $1[prediction] }
        return taken > 0 ? Double(counts[prediction][prediction]) / Double(taken) : nil
    }
}

extension Predictions {
    /// The likeliest tag beside the label's, for every window that has a label; the first of equals.
    public var confusionMatrix: ConfusionMatrix {
        var matrix = ConfusionMatrix(tags: tags)
        for index in scores.indices {
            guard let label = Self.likeliest(labels[index]), labels[index][label] > 0,
                let prediction = Self.likeliest(scores[index])
            else { continue }
            matrix.add(label: label, prediction: prediction)
        }
        return matrix
    }

    static func likeliest(_ values: [Float]) -> Int? { values.indices.max { values[$0] < values[$1] } }
}
