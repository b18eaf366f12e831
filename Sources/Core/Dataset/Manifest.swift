import Glibc

/// A data set: which sounds, on which side of the split, with which labels.
///
/// Tab-separated text with a header line. Columns: `path` (relative to the manifest), `split` (train, valid, test),
/// optionally `start` and `length` in seconds, and the labels: either `tags` (comma-separated names) or one column a
/// tag, `tag:NAME`, with a number from 0 to 1. Empty lines count for nothing.
public struct Manifest: Sendable {
    public enum Split: String, Sendable, CaseIterable {
        case train, valid, test
    }

    /// One sound, or a part of one.
    public struct Row: Sendable, Equatable {
        /// As the manifest has it.
        public let path: String
        public let split: Split
        /// Seconds into the file.
        public let start: Double
        /// Seconds; nil: to the file's end.
        public let length: Double?
        /// [tags], each 0 to 1.
        public let labels: [Float]
    }

    public let path: String
    /// In the order of the columns; of a `tags` column, sorted.
    public let tags: [String]
    public let rows: [Row]

    /// Rows of a split, in the file's order.
    public func rows(_ split: Split) -> [Row] { rows.filter { $0.split == split } }

    /// Where a row's file is.
    public func file(of row: Row) -> String { file(of: row.path) }

    /// Where a track's file is.
    public func file(of track: Track) -> String { file(of: track.path) }

    /// Where the file of a row's path is.
    func file(of name: String) -> String {
        if name.hasPrefix("/") { return name }
        guard let slash = path.lastIndex(of: "/") else { return name }
        return String(path[...slash]) + name
    }

    /// - Throws: `ManifestError` with one line that names the line and the column.
    public init(path: String) throws(ManifestError) {
        let bytes: [UInt8]
        do throws(ModelFileError) {
            let file = try MappedFile(path: path)
            bytes = Array(file.bytes)
        } catch {
            throw ManifestError(error.kind == .missing ? .missing : .unreadable, error.description)
        }
        try self.init(parsing: bytes, path: path)
    }

    /// - Parameter path: for messages, and what rows' paths are relative to.
    public init(parsing bytes: [UInt8], path: String) throws(ManifestError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ManifestError(.invalid, "\(path): not UTF-8")
        }
        self.path = path
        // Swift's "\r\n" is one character, and a newline like any other.
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        guard let head = lines.first, !head.isEmpty else {
            throw ManifestError(.invalid, "\(path): line 1: a header wanted, nothing found")
        }
        let columns = try Columns(head.split(separator: "\t", omittingEmptySubsequences: false), path: path)
        var parsed: [(fields: [Substring], line: Int)] = []
        for (index, line) in lines.enumerated().dropFirst() where !line.isEmpty {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count == columns.count else {
                throw ManifestError(
                    .invalid, "\(path): line \(index + 1): \(columns.count) columns wanted, \(fields.count) found")
            }
            parsed.append((fields, index + 1))
        }
        tags = columns.namedTags.isEmpty ? Self.names(in: parsed.map { columns.list($0.fields) }) : columns.namedTags
        let place = Dictionary(uniqueKeysWithValues: tags.enumerated().map { ($1, $0) })
        var rows: [Row] = []
        for (fields, line) in parsed {
            do throws(FieldError) { rows.append(try columns.row(fields, place: place)) } catch {
                throw ManifestError(.invalid, "\(path): line \(line): \(error.description)")
            }
        }
        self.rows = rows
    }

    private static func names(in lists: [[String]]) -> [String] { Set(lists.joined()).sorted() }
}

/// Why a manifest can't be used; one line.
public struct ManifestError: Error, Equatable, CustomStringConvertible {
    public enum Kind: Sendable {
        case missing, unreadable, invalid
    }

    public let kind: Kind
    public let description: String

    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

/// What is wrong with one field: `split: train, valid or test wanted, dev found`.
private struct FieldError: Error {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Where a manifest's columns stand.
private struct Columns {
    let count: Int
    private let path: Int
    private let split: Int
    private let start: Int?
    private let length: Int?
    private let tagList: Int?
    private let tagColumns: [Int]
    /// Of `tag:NAME` columns.
    let namedTags: [String]

    init(_ names: [Substring], path file: String) throws(ManifestError) {
        func invalid(_ reason: String) -> ManifestError { ManifestError(.invalid, "\(file): line 1: \(reason)") }
        var places: [Substring: Int] = [:]
        for (index, name) in names.enumerated() {
            guard places.updateValue(index, forKey: name) == nil else { throw invalid("\(name): stands twice") }
        }
        guard let path = places["path"] else { throw invalid("path: no such column") }
        guard let split = places["split"] else { throw invalid("split: no such column") }
        let tagged = names.enumerated().filter { $0.element.hasPrefix("tag:") }
        tagColumns = tagged.map(\.offset)
        namedTags = tagged.map { String($0.element.dropFirst(4)) }
        tagList = places["tags"]
        guard (tagList != nil) != !tagColumns.isEmpty else {
            throw invalid(
                tagList == nil ? "tags: neither a tags column nor tag:NAME columns" : "tags: both tags and tag:NAME")
        }
        guard !namedTags.contains("") else { throw invalid("tag: a name wanted, nothing found") }
        count = names.count
        self.path = path
        self.split = split
        start = places["start"]
        length = places["length"]
    }

    /// The names of a `tags` field.
    func list(_ fields: [Substring]) -> [String] {
        guard let tagList else { return [] }
        return fields[tagList].split(separator: ",").map { name in
            String(name.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }.filter { !$0.isEmpty }
    }

    func row(_ fields: [Substring], place: [String: Int]) throws(FieldError) -> Manifest.Row {
        let path = String(fields[self.path])
        guard !path.isEmpty else { throw FieldError("path: empty") }
        // A relative path stays below the manifest, so that a data set that was sent by someone else does too.
        guard path.hasPrefix("/") || !path.split(separator: "/").contains("..") else {
            throw FieldError("path: \(path) leaves the manifest's folder")
        }
        guard let split = Manifest.Split(rawValue: String(fields[self.split])) else {
            throw FieldError("split: train, valid or test wanted, \(fields[self.split]) found")
        }
        let start = try seconds(self.start, "start", fields) ?? 0
        let length = try seconds(self.length, "length", fields)
        guard length != 0 else { throw FieldError("length: more than 0 seconds wanted, 0 found") }
        var labels = [Float](repeating: 0, count: place.count)
        for name in list(fields) { labels[place[name]!] = 1 }
        for (tag, column) in tagColumns.enumerated() {
            guard let value = Float(fields[column]), (0...1).contains(value) else {
                throw FieldError("tag:\(namedTags[tag]): 0 to 1 wanted, \(fields[column]) found")
            }
            labels[tag] = value
        }
        return Manifest.Row(path: path, split: split, start: start, length: length, labels: labels)
    }

    private func seconds(_ column: Int?, _ name: String, _ fields: [Substring]) throws(FieldError) -> Double? {
        guard let column, !fields[column].isEmpty else { return nil }
        guard let value = Double(fields[column]), (0...1e6).contains(value) else {
            throw FieldError("\(name): 0 to 1000000 seconds wanted, \(fields[column]) found")
        }
        return value
    }
}
