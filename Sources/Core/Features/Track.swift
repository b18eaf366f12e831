/// One song of a data set: all rows of a manifest that are of one file and on one side of the split.
public struct Track: Sendable, Equatable {
    /// A part of the file that windows are cut from; rows that follow each other are one.
    public struct Span: Sendable, Equatable {
        /// Seconds into the file.
        public let start: Double
        /// Seconds; nil: to the file's end.
        public let length: Double?
    }

    /// As the manifest has it.
    public let path: String
    public let split: Manifest.Split
    public let spans: [Span]
    /// [tags], the mean of the rows', each weighted with its length.
    public let labels: [Float]
}

extension Manifest {
    /// The data set by songs, in the order in which they first appear.
    public var tracks: [Track] {
        struct Key: Hashable {
            let path: String
            let split: Split
        }
        var order: [Key] = []
        var grouped: [Key: [Row]] = [:]
        for row in rows {
            let key = Key(path: row.path, split: row.split)
            if grouped[key] == nil { order.append(key) }
            grouped[key, default: []].append(row)
        }
        return order.map { key in
            let rows = grouped[key] ?? []
            return Track(
                path: key.path, split: key.split, spans: Self.spans(of: rows),
                labels: Self.labels(of: rows, tags: tags.count))
        }
    }

    /// Seconds that rows may be apart and still follow each other: what three decimals can be off, twice.
    private static let slack = 0.002

    private static func spans(of rows: [Row]) -> [Track.Span] {
        var spans: [Track.Span] = []
        for row in rows.sorted(by: { $0.start < $1.start }) {
            if let last = spans.last, let length = last.length, abs(last.start + length - row.start) <= slack {
                spans[spans.count - 1] = Track.Span(
                    start: last.start, length: row.length.map { row.start + $0 - last.start })
            } else {
                spans.append(Track.Span(start: row.start, length: row.length))
            }
        }
        return spans
    }

    private static func labels(of rows: [Row], tags: Int) -> [Float] {
        let lengths = rows.allSatisfy { $0.length != nil } ? rows.map { $0.length ?? 1 } : rows.map { _ in 1 }
        let total = lengths.reduce(0, +)
        return (0..<tags).map { tag in
            Float(zip(rows, lengths).reduce(0) { $0 + Double($1.0.labels[tag]) * $1.1 } / total)
        }
    }
}

extension Track {
    /// The samples of a span in a file of `count` samples.
    func samples(of span: Span, in count: Int) -> Range<Int> {
        let rate = Double(Model.sampleRate)
        let start = min(count, Int((span.start * rate).rounded()))
        // A part that misses a window by no more than rounding its seconds explains has one, as everywhere.
        let length = span.length.map { Int(($0 * rate).rounded()) + SegmentReader.slack }
        return start..<(length.map { min(count, start + $0) } ?? count)
    }
}
