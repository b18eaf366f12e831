import Glibc

/// What training makes small: the mean over a batch of what one segment's logits cost.
public struct Loss: Sendable, Equatable {
    public let function: OutputFunction
    /// How much a tag's positives count, [tags]; nil: each as much as its negatives (or, of a softmax, all alike).
    public let positiveWeights: [Float]?

    public init(_ function: OutputFunction, positiveWeights: [Float]? = nil) {
        self.function = function
        self.positiveWeights = positiveWeights
    }

    /// Binary cross-entropy, a mean over tags (sigmoid), or categorical cross-entropy (softmax), both of soft labels.
    ///
    /// With logit x, label y, p = σ(x) and a positive's weight w, a tag costs −w y ln p − (1 − y) ln(1 − p); of a
    /// softmax, with p = e^x / Σ e^x, a segment costs −Σ w y ln p.
    ///
    /// - Parameters:
    ///   - logits: [count, tags].
    ///   - labels: [count, tags], 0 to 1.
    ///   - gradient: [count, tags]: the loss by each logit.
    /// - Returns: the mean over the batch.
    public func value(
        count: Int, tags: Int, logits: UnsafePointer<Float>, labels: UnsafePointer<Float>,
        gradient: UnsafeMutablePointer<Float>? = nil
    ) -> Double {
        var total = 0.0
        for segment in 0..<count {
            let place = segment * tags
            let returned = gradient.map { $0 + place }
            switch function {
            case .sigmoid:
                total += binary(tags, logits + place, labels + place, returned, share: 1 / Double(count * tags))
            case .softmax:
                total += categorical(tags, logits + place, labels + place, returned, share: 1 / Double(count))
            }
        }
        return total
    }

    private func binary(
        _ tags: Int, _ logits: UnsafePointer<Float>, _ labels: UnsafePointer<Float>,
        _ gradient: UnsafeMutablePointer<Float>?, share: Double
    ) -> Double {
        var total = 0.0
        for tag in 0..<tags {
            let (x, y) = (Double(logits[tag]), Double(labels[tag]))
            let weight = Double(positiveWeights?[tag] ?? 1)
            // ln(1 + e^−|x|) never overflows; −ln σ(x) is it for x > 0, and −x more below.
            let rest = log1p(exp(-abs(x)))
            let (ifPositive, ifNegative) = (rest + max(0, -x), rest + max(0, x))
            total += weight * y * ifPositive + (1 - y) * ifNegative
            let p = 1 / (1 + exp(-x))
            gradient?[tag] = Float(share * ((1 - y) * p - weight * y * (1 - p)))
        }
        return total * share
    }

    private func categorical(
        _ tags: Int, _ logits: UnsafePointer<Float>, _ labels: UnsafePointer<Float>,
        _ gradient: UnsafeMutablePointer<Float>?, share: Double
    ) -> Double {
        var largest = -Double.infinity
        for tag in 0..<tags { largest = max(largest, Double(logits[tag])) }
        var sum = 0.0
        for tag in 0..<tags { sum += exp(Double(logits[tag]) - largest) }
        var (total, mass) = (0.0, 0.0)
        for tag in 0..<tags {
            let y = Double(positiveWeights?[tag] ?? 1) * Double(labels[tag])
            total -= y * (Double(logits[tag]) - largest - log(sum))
            mass += y
        }
        if let gradient {
            for tag in 0..<tags {
                let y = Double(positiveWeights?[tag] ?? 1) * Double(labels[tag])
                gradient[tag] = Float(share * (exp(Double(logits[tag]) - largest) / sum * mass - y))
            }
        }
        return total * share
    }
}
