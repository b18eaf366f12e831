/// A number with so many digits behind the point, rounded; a dash where there is none.
func fixed(_ value: Double?, _ digits: Int = 4) -> String {
    guard let value, value.isFinite else { return "-" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((min(abs(value), 1e12) * scale).rounded())
    guard digits > 0 else { return (value < 0 && scaled > 0 ? "-" : "") + "\(scaled)" }
    let fraction = String(scaled % Int(scale))
    let zeros = String(repeating: "0", count: digits - fraction.count)
    return (value < 0 && scaled > 0 ? "-" : "") + "\(scaled / Int(scale)).\(zeros)\(fraction)"
}
