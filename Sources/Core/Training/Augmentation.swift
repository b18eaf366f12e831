#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How training varies what it hears, beyond the papers; all off by default.
public struct Augmentation: Sendable, Equatable {
    /// Gain drawn evenly from this range, dB; nil: none.
    public var gain: ClosedRange<Double>?
    /// A segment begins anywhere within half a window of its place, within its row.
    public var randomStart = false
    /// Half of the segments are turned upside down.
    public var randomPolarity = false
    /// Each segment goes through shelves and peaks of its own, of gains up to this, dB; 0: not.
    public var filter = 0.0
    /// Labels move this far towards the middle: y (1 − s) + s / 2, or, of a softmax, + s / tags.
    /// Szegedy and others, "Rethinking the inception architecture", CVPR 2016, section 7.
    public var labelSmoothing = 0.0
    /// Segments are mixed in pairs with a share drawn from Beta(α, α); 0: not.
    /// Zhang, Cissé, Dauphin and Lopez-Paz, "mixup", ICLR 2018, section 2.
    public var mixup = 0.0

    public init() {}

    /// What is drawn for one segment.
    struct Draw {
        let gain: Float
        let shift: Int
    }

    func draw(shifts: ClosedRange<Int>, window: Int, _ generator: inout SplitMix64) -> Draw {
        var factor: Float = 1
        if let gain {
            let decibels = gain.lowerBound + (gain.upperBound - gain.lowerBound) * generator.nextUnit()
            factor = Float(pow(10, decibels / 20))
        }
        if randomPolarity, generator.nextUnit() < 0.5 { factor = -factor }
        guard randomStart else { return Draw(gain: factor, shift: 0) }
        let allowed = shifts.clamped(to: (-window / 2)...(window / 2))
        let count = Double(allowed.upperBound - allowed.lowerBound + 1)
        return Draw(gain: factor, shift: allowed.lowerBound + Int(generator.nextUnit() * count))
    }

    /// Another one for each segment; nil: none.
    func drawFilter(_ generator: inout SplitMix64) -> RandomFilter? {
        filter > 0 ? RandomFilter(decibels: filter, &generator) : nil
    }

    func smooth(_ label: Float, tags: Int, _ output: OutputFunction) -> Float {
        let smoothing = Float(labelSmoothing)
        return label * (1 - smoothing) + smoothing / (output == .sigmoid ? 2 : Float(tags))
    }
}
