import Core

/// The pieces of an event's JSON, written without Foundation and without a string in between: tags come by the dozen, many times a second.
extension Array where Element == UInt8 {
    mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(decimal value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(digits: value.magnitude, atLeast: 1)
    }

    /// A number from 0 to 1 with so many decimals.
    mutating func append(probability value: Float, decimals: Int) {
        var scale: UInt64 = 1
        for _ in 0..<decimals { scale *= 10 }
        // Not a number: a model may be damaged, a line may not.
        let clamped = value.isNaN ? 0 : Swift.min(1, Swift.max(0, Double(value)))
        let scaled = UInt64((clamped * Double(scale)).rounded())
        append(digits: scaled / scale, atLeast: 1)
        append(UInt8(ascii: "."))
        append(digits: scaled % scale, atLeast: decimals)
    }

    /// RFC 3339, UTC, milliseconds, in quotes.
    ///
    /// - Parameter time: nanoseconds since 1970.
    mutating func append(time: Int64) {
        let milliseconds = time >= 0 ? time / 1_000_000 : (time - 999_999) / 1_000_000
        let days = (milliseconds >= 0 ? milliseconds : milliseconds - 86_399_999) / 86_400_000
        let rest = UInt64(milliseconds - days * 86_400_000)
        let date = CivilDate(daysSince1970: days)
        append(UInt8(ascii: "\""))
        append(digits: UInt64(date.year), atLeast: 4)
        append(UInt8(ascii: "-"))
        append(digits: UInt64(date.month), atLeast: 2)
        append(UInt8(ascii: "-"))
        append(digits: UInt64(date.day), atLeast: 2)
        append(UInt8(ascii: "T"))
        append(digits: rest / 3_600_000, atLeast: 2)
        append(UInt8(ascii: ":"))
        append(digits: rest / 60_000 % 60, atLeast: 2)
        append(UInt8(ascii: ":"))
        append(digits: rest / 1000 % 60, atLeast: 2)
        append(UInt8(ascii: "."))
        append(digits: rest % 1000, atLeast: 3)
        append("Z\"")
    }

    private mutating func append(digits value: UInt64, atLeast width: Int) {
        var divisor: UInt64 = 1
        var count = 1
        while value / divisor >= 10 || count < width {
            divisor *= 10
            count += 1
        }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}

/// A day of the Gregorian calendar.
private struct CivilDate {
    let year: Int64
    let month: Int64
    let day: Int64

    init(daysSince1970 days: Int64) {
        // Years are counted from 1 March 0000, so that a leap day is a year's last.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}
