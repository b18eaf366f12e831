import Glibc

/// Values to places in a drawing, in proportion.
struct LinearScale: Sendable {
    /// Values at the two ends; the second is larger.
    let domain: (low: Double, high: Double)
    /// Where these stand, in pixels.
    let range: (from: Double, to: Double)

    init(_ low: Double, _ high: Double, from: Double, to: Double) {
        domain = high > low ? (low, high) : (low - 0.5, low + 0.5)
        range = (from, to)
    }

    /// A scale on which all finite values have a place, with round numbers at both ends.
    init(covering values: some Sequence<Double>, ticks count: Int, from: Double, to: Double) {
        let finite = values.filter(\.isFinite)
        let (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
        let step = Self.step(of: high > low ? high - low : max(abs(low), 1), count)
        self.init((low / step).rounded(.down) * step, (high / step).rounded(.up) * step, from: from, to: to)
    }

    func callAsFunction(_ value: Double) -> Double {
        let share = (value - domain.low) / (domain.high - domain.low)
        return range.from + share * (range.to - range.from)
    }

    struct Tick: Sendable, Equatable {
        let value: Double
        let text: String
    }

    /// About so many round numbers in the domain.
    func ticks(_ count: Int) -> [Tick] {
        let step = Self.step(of: domain.high - domain.low, count)
        let digits = max(0, Int((-log10(step) - 1e-9).rounded(.up)))
        let first = Int((domain.low / step - 1e-9).rounded(.up))
        let last = Int((domain.high / step + 1e-9).rounded(.down))
        guard first <= last else { return [] }
        return (first...last).map { Tick(value: Double($0) * step, text: fixed(Double($0) * step, digits)) }
    }

    /// 1, 2 or 5 times a power of ten.
    private static func step(of span: Double, _ count: Int) -> Double {
        let rough = span / Double(max(1, count))
        let power = pow(10, log10(rough).rounded(.down))
        return power * (rough / power <= 1 ? 1 : rough / power <= 2 ? 2 : rough / power <= 5 ? 5 : 10)
    }
}
