#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension OutputFunction {
    /// Turns logits into probabilities in place.
    public func apply(_ logits: UnsafeMutableBufferPointer<Float>) {
        switch self {
        case .sigmoid:
            for tag in logits.indices { logits[tag] = 1 / (1 + expf(-logits[tag])) }
        case .softmax:
            // The largest logit is taken off first: e^x overflows from 89 on.
            var largest = -Float.infinity
            for logit in logits { largest = max(largest, logit) }
            var sum: Float = 0
            for tag in logits.indices {
                logits[tag] = expf(logits[tag] - largest)
                sum += logits[tag]
            }
            for tag in logits.indices { logits[tag] /= sum }
        }
    }
}
