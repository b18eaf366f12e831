#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, figure 17.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(state: UInt64) { self.state = state }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// From 0 to 1, 1 never.
    public mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// From −1 to 1.
    public mutating func nextUniform() -> Float { Float(Int64(bitPattern: next()) >> 40) * 0x1p-23 }
}

extension SplitMix64 {
    /// A generator of its own for each purpose and place, so that nothing drawn depends on what was drawn before: a
    /// training that is resumed draws what the one that was never stopped would have.
    init(seed: UInt64, _ places: UInt64...) {
        var generator = SplitMix64(state: seed)
        for place in places { generator = SplitMix64(state: generator.next() ^ place &* 0xD6E8_FEB8_6659_FD93) }
        self = generator
    }

    /// Of Beta(α, α): the share of one of two gamma variates.
    mutating func nextBeta(_ alpha: Double) -> Double {
        let (one, other) = (nextGamma(alpha), nextGamma(alpha))
        return one + other > 0 ? one / (one + other) : 0.5
    }

    /// Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000), section 2 and, for
    /// shapes below 1, section 6.
    private mutating func nextGamma(_ shape: Double) -> Double {
        if shape < 1 { return nextGamma(shape + 1) * pow(max(nextUnit(), 1e-300), 1 / shape) }
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = nextNormal()
            let v = pow(1 + c * x, 3)
            guard v > 0 else { continue }
            if log(max(nextUnit(), 1e-300)) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
        }
    }

    /// Standard normal (Box and Muller 1958).
    mutating func nextNormal() -> Double {
        // In (0, 1]: the logarithm of zero is none.
        let radius = Double((next() >> 11) + 1) * 0x1p-53
        let angle = nextUnit()
        return (-2 * log(radius)).squareRoot() * cos(2 * Double.pi * angle)
    }
}
