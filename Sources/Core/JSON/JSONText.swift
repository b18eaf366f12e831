extension Array where Element == UInt8 {
    /// Adds `{"piano":0.35,…}`: the thresholds that there are, in the tags' order.
    public mutating func appendJSON(thresholds: [String: Float], of tags: [String]) {
        append(UInt8(ascii: "{"))
        var isFirst = true
        for tag in tags {
            guard let threshold = thresholds[tag] else { continue }
            if !isFirst { append(UInt8(ascii: ",")) }
            isFirst = false
            appendJSON(string: tag)
            append(contentsOf: ":\(threshold)".utf8)
        }
        append(UInt8(ascii: "}"))
    }

    /// Adds `text` as a JSON string, quotes and escapes included.
    public mutating func appendJSON(string text: String) {
        append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(byte)
            case 0x0A: append(contentsOf: "\\n".utf8)
            case 0x0D: append(contentsOf: "\\r".utf8)
            case 0x09: append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                append(contentsOf: "\\u00".utf8)
                append(digits[Int(byte >> 4)])
                append(digits[Int(byte & 15)])
            default: append(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }
}
