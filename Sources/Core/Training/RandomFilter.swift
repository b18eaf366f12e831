#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Another colour of the same sound: a low shelf, two peaks and a high shelf, one after the other. Rooms, microphones and
/// instruments of one kind differ by about as much.
///
/// The four sections are the lanes of a vector: each takes what the one before it gave a sample ago.
struct RandomFilter {
    private var b0 = SIMD4<Float>.zero
    private var b1 = SIMD4<Float>.zero
    private var b2 = SIMD4<Float>.zero
    private var a1 = SIMD4<Float>.zero
    private var a2 = SIMD4<Float>.zero

    /// - Parameter sections: four, in the order in which sound goes through them.
    init(_ sections: [FilterSection]) {
        precondition(sections.count == 4)
        for (lane, section) in sections.enumerated() {
            (b0[lane], b1[lane], b2[lane]) = (Float(section.b.0), Float(section.b.1), Float(section.b.2))
            (a1[lane], a2[lane]) = (Float(section.a.0), Float(section.a.1))
        }
    }

    /// Of random places and gains.
    ///
    /// - Parameter decibels: gains are drawn evenly from minus this to this.
    init(decibels: Double, _ generator: inout SplitMix64) {
        func between(_ low: Double, _ high: Double) -> Double { low * pow(high / low, generator.nextUnit()) }
        func gain() -> Double { decibels * (2 * generator.nextUnit() - 1) }
        // At 22 050 Hz: 60 to 500 Hz, twice 150 Hz to 7.7 kHz, 2 to 8 kHz.
        self.init([
            .lowShelf(at: between(0.0027, 0.023), decibels: gain()),
            .peak(at: between(0.007, 0.35), decibels: gain(), quality: between(0.5, 4)),
            .peak(at: between(0.007, 0.35), decibels: gain(), quality: between(0.5, 4)),
            .highShelf(at: between(0.09, 0.36), decibels: gain()),
        ])
    }

    /// Filters in place, from silence on.
    func apply(to sound: UnsafeMutablePointer<Float>, count: Int) {
        var (first, second, before) = (SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero)
        // What enters the first section now leaves the last three samples later.
        for index in 0..<(count + 3) {
            let input = SIMD4(index < count ? sound[index] : 0, before[0], before[1], before[2])
            let output = b0 * input + first
            first = b1 * input - a1 * output + second
            second = b2 * input - a2 * output
            before = output
            if index >= 3 { sound[index - 3] = output[3] }
        }
    }
}

/// A filter of second order: y[t] = b₀ x[t] + b₁ x[t−1] + b₂ x[t−2] − a₁ y[t−1] − a₂ y[t−2]. Bristow-Johnson, "Cookbook
/// formulae for audio equalizer biquad filter coefficients".
struct FilterSection {
    let b: (Double, Double, Double)
    let a: (Double, Double)

    private init(_ b: (Double, Double, Double), over a: (Double, Double, Double)) {
        self.b = (b.0 / a.0, b.1 / a.0, b.2 / a.0)
        self.a = (a.1 / a.0, a.2 / a.0)
    }

    /// The cookbook's peakingEQ.
    ///
    /// - Parameter place: of the peak, as a share of the sample rate; below a half.
    static func peak(at place: Double, decibels: Double, quality: Double) -> Self {
        let (amplitude, angle) = (pow(10, decibels / 40), 2 * Double.pi * place)
        let alpha = sin(angle) / (2 * quality)
        return Self(
            (1 + alpha * amplitude, -2 * cos(angle), 1 - alpha * amplitude),
            over: (1 + alpha / amplitude, -2 * cos(angle), 1 - alpha / amplitude))
    }

    /// The cookbook's lowShelf, as steep as it is without a hump: half of the gain at `place`.
    static func lowShelf(at place: Double, decibels: Double) -> Self { shelf(at: place, decibels, high: false) }

    /// The cookbook's highShelf, the same.
    static func highShelf(at place: Double, decibels: Double) -> Self { shelf(at: place, decibels, high: true) }

    private static func shelf(at place: Double, _ decibels: Double, high: Bool) -> Self {
        let (amplitude, angle) = (pow(10, decibels / 40), 2 * Double.pi * place)
        // A high shelf is a low one with the frequency axis turned round.
        let turn: Double = high ? -1 : 1
        let cosine = turn * cos(angle)
        let (more, less) = (amplitude + 1, amplitude - 1)
        let slope = (2 * amplitude).squareRoot() * sin(angle)
        return Self(
            (
                amplitude * (more - less * cosine + slope), turn * 2 * amplitude * (less - more * cosine),
                amplitude * (more - less * cosine - slope)
            ), over: (more + less * cosine + slope, turn * -2 * (less + more * cosine), more + less * cosine - slope))
    }
}
