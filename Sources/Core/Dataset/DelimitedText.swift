/// Tab-separated text whose fields may stand in quotes, a record at a time.
///
/// Within quotes tabs and line breaks are text, and a quote is written twice. Lines end with LF or CRLF. Empty lines
/// are passed over.
struct DelimitedText {
    /// One record; its fields stand one behind another in `bytes`.
    struct Record {
        /// On which it begins, counted from 1.
        fileprivate(set) var line = 1
        fileprivate var bytes: [UInt8] = []
        fileprivate var ends: [Int] = []

        var count: Int { ends.count }

        subscript(field: Int) -> ArraySlice<UInt8> { bytes[(field == 0 ? 0 : ends[field - 1])..<ends[field]] }

        /// - Returns: nil when it isn't UTF-8.
        func text(_ field: Int) -> String? { String(validating: self[field], as: UTF8.self) }
    }

    let path: String
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1

    init(path: String) throws(DatasetError) { self.init(try datasetBytes(path), path: path) }

    /// - Parameter path: for messages.
    init(_ bytes: [UInt8], path: String) {
        self.bytes = bytes
        self.path = path
    }

    /// Reads the next record into `record`, whose memory is used again.
    ///
    /// - Returns: false at the file's end.
    mutating func read(into record: inout Record) throws(DatasetError) -> Bool {
        while takeLineEnd() { line += 1 }
        guard position < bytes.count else { return false }
        record.line = line
        record.bytes.removeAll(keepingCapacity: true)
        record.ends.removeAll(keepingCapacity: true)
        while true {
            if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
                try takeQuoted(into: &record)
            } else {
                while position < bytes.count, bytes[position] != UInt8(ascii: "\t"), !isAtLineEnd {
                    record.bytes.append(bytes[position])
                    position += 1
                }
            }
            record.ends.append(record.bytes.count)
            if position == bytes.count { return true }
            if takeLineEnd() {
                line += 1
                return true
            }
            // A tab; another field follows, if an empty one.
            position += 1
        }
    }

    private mutating func takeQuoted(into record: inout Record) throws(DatasetError) {
        let quote = UInt8(ascii: "\"")
        let start = line
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard byte == quote else {
                if byte == UInt8(ascii: "\n") { line += 1 }
                record.bytes.append(byte)
                continue
            }
            if position < bytes.count, bytes[position] == quote {
                record.bytes.append(quote)
                position += 1
                continue
            }
            guard position == bytes.count || bytes[position] == UInt8(ascii: "\t") || isAtLineEnd else {
                throw .invalid(path, line: line, "a tab or the line's end wanted behind a closing quote")
            }
            return
        }
        throw .invalid(path, line: start, "a quote is never closed")
    }

    private var isAtLineEnd: Bool {
        bytes[position] == UInt8(ascii: "\n")
            || bytes[position] == UInt8(ascii: "\r")
                && (position + 1 == bytes.count || bytes[position + 1] == UInt8(ascii: "\n"))
    }

    private mutating func takeLineEnd() -> Bool {
        guard position < bytes.count, isAtLineEnd else { return false }
        position += bytes[position] == UInt8(ascii: "\r") ? 2 : 1
        position = min(position, bytes.count)
        return true
    }
}

/// Plain lines of UTF-8, without their ends (LF or CRLF), and without empty ones.
struct TextLines {
    let path: String
    let lines: [(number: Int, text: String)]

    init(path: String) throws(DatasetError) { try self.init(try datasetBytes(path), path: path) }

    /// - Parameter path: for messages.
    init(_ bytes: [UInt8], path: String) throws(DatasetError) {
        self.path = path
        var lines: [(number: Int, text: String)] = []
        var number = 0
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let trimmed = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard !trimmed.isEmpty else { continue }
            guard let text = String(validating: trimmed, as: UTF8.self) else {
                throw .invalid(path, line: number, "not UTF-8")
            }
            lines.append((number, text))
        }
        self.lines = lines
    }
}
