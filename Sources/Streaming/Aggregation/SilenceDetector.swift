#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Measures the stream's level in blocks of 20 ms that lie at fixed positions, however the stream is cut into pieces.
struct SilenceDetector {
    /// Samples of a block.
    static let block = 441

    /// Mean square below which a block is silent.
    private let threshold: Double
    private var sum: Double = 0
    private var filled = 0
    /// Whether each finished block was loud, in order, until `take` fetches it.
    private var finished: [Bool] = []
    private var taken = 0

    /// - Parameters:
    ///   - level: dBFS of the root mean square.
    ///   - capacity: most samples pushed before all blocks are taken.
    init(level: Double, capacity: Int) {
        let amplitude = pow(10, level / 20)
        threshold = amplitude * amplitude
        finished.reserveCapacity(capacity / Self.block + 2)
    }

    mutating func push(_ samples: UnsafeBufferPointer<Float>) {
        var rest = samples
        while !rest.isEmpty {
            let count = min(rest.count, Self.block - filled)
            for index in 0..<count {
                let sample = Double(rest[index])
                sum += sample * sample
            }
            filled += count
            rest = UnsafeBufferPointer(rebasing: rest.dropFirst(count))
            if filled == Self.block {
                finished.append(sum >= threshold * Double(Self.block))
                sum = 0
                filled = 0
            }
        }
    }

    /// The oldest finished block not yet taken: whether it was loud.
    mutating func take() -> Bool? {
        guard taken < finished.count else { return nil }
        let loud = finished[taken]
        taken += 1
        if taken == finished.count {
            finished.removeAll(keepingCapacity: true)
            taken = 0
        }
        return loud
    }

    /// Goes on with the unfinished block of another, all of whose finished ones have been taken.
    mutating func adopt(_ other: SilenceDetector) {
        sum = other.sum
        filled = other.filled
    }

    /// Forgets an unfinished block.
    mutating func reset() {
        sum = 0
        filled = 0
        finished.removeAll(keepingCapacity: true)
        taken = 0
    }
}
