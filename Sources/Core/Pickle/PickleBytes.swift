/// A pickle's bytes, read from front to back, and the forms in which they hold numbers and strings.
struct PickleBytes {
    typealias Failure = PickleFailure

    private let content: [UInt8]
    private(set) var position: Int

    /// - Parameter position: where the pickle begins.
    init(_ content: [UInt8], from position: Int = 0) {
        self.content = content
        self.position = position
    }

    private mutating func take(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
        guard count <= content.count - position else {
            throw Failure("\(count) bytes wanted, \(content.count - position) found")
        }
        defer { position += count }
        return content[position..<(position + count)]
    }

    mutating func byte() throws(Failure) -> UInt8 {
        guard position < content.count else { throw Failure("the pickle's end wanted before the file's") }
        defer { position += 1 }
        return content[position]
    }

    mutating func bytes(_ count: Int) throws(Failure) -> [UInt8] { Array(try take(count)) }

    /// An unsigned little-endian number of `count` bytes, at most `Int.max`.
    mutating func number(_ count: Int) throws(Failure) -> Int {
        let value = try take(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let number = Int(exactly: value) else { throw Failure("\(value) is too large") }
        return number
    }

    /// A signed little-endian number behind its length, of at most eight bytes.
    mutating func longInteger() throws(Failure) -> Int {
        let count = Int(try byte())
        guard count <= 8 else { throw Failure("a number of at most 8 bytes wanted, \(count) found") }
        let digits = try take(count)
        let isNegative = digits.last.map { $0 & 0x80 != 0 } ?? false
        return Int(digits.reversed().reduce(isNegative ? -1 : 0) { (sum: Int64, digit) in sum << 8 | Int64(digit) })
    }

    mutating func double() throws(Failure) -> Double {
        Double(bitPattern: try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    /// Bytes up to a line feed, which is passed over.
    mutating func line() throws(Failure) -> ArraySlice<UInt8> {
        guard let end = content[position...].firstIndex(of: UInt8(ascii: "\n")) else {
            throw Failure("a line's end wanted")
        }
        defer { position = end + 1 }
        return content[position..<end]
    }

    static func integer(_ digits: ArraySlice<UInt8>) throws(Failure) -> Int {
        guard let number = Int(String(decoding: digits, as: UTF8.self)) else { throw Failure("a whole number wanted") }
        return number
    }

    /// The bytes that Python 2's `repr` of a string stands for.
    static func unquoted(_ literal: ArraySlice<UInt8>) throws(Failure) -> [UInt8] {
        guard literal.count >= 2, let quote = literal.first, literal.last == quote,
            quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
        else { throw Failure("a string in quotes wanted") }
        var rest = literal.dropFirst().dropLast()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rest.count)
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "n")?: bytes.append(UInt8(ascii: "\n"))
            case UInt8(ascii: "r")?: bytes.append(UInt8(ascii: "\r"))
            case UInt8(ascii: "t")?: bytes.append(UInt8(ascii: "\t"))
            case let escaped? where [UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(escaped):
                bytes.append(escaped)
            case UInt8(ascii: "x")?:
                guard rest.count >= 2, let value = hexadecimal(rest.prefix(2)) else {
                    throw Failure("two hexadecimal digits wanted behind \\x")
                }
                bytes.append(UInt8(truncatingIfNeeded: value))
                rest.removeFirst(2)
            default: throw Failure("an escape that Python writes wanted")
            }
        }
        return bytes
    }

    /// Python's `raw-unicode-escape`, as UTF-8: Latin-1, and the rest as \uXXXX or \UXXXXXXXX.
    static func unescapedUnicode(_ line: ArraySlice<UInt8>) throws(Failure) -> [UInt8] {
        var rest = line
        var text = String.UnicodeScalarView()
        while let byte = rest.popFirst() {
            let digits: Int
            switch (byte, rest.first) {
            case (UInt8(ascii: "\\"), UInt8(ascii: "u")?): digits = 4
            case (UInt8(ascii: "\\"), UInt8(ascii: "U")?): digits = 8
            default:
                text.append(Unicode.Scalar(byte))
                continue
            }
            guard rest.count > digits, let value = hexadecimal(rest.dropFirst().prefix(digits)),
                let scalar = Unicode.Scalar(value)
            else { throw Failure("a character's number wanted behind \\u") }
            text.append(scalar)
            rest.removeFirst(digits + 1)
        }
        return Array(String(text).utf8)
    }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt32? {
        // A sign would pass, too.
        guard digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-") else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
