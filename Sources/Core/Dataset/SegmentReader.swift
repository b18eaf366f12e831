/// Cuts a manifest's rows into windows that don't overlap: the sound that nets are trained, calibrated and measured on.
///
/// Files go through the same decoder, channel rule and resampler as live sound. Rows of one file that follow each
/// other decode it once.
public struct SegmentReader {
    private let manifest: Manifest
    private let window: Int
    private var decoded: (path: String, samples: [Float])?

    /// - Parameter window: samples of a segment.
    public init(_ manifest: Manifest, window: Int) {
        self.manifest = manifest
        self.window = window
    }

    /// The row's segments, each `window` samples, and the samples they lie in.
    ///
    /// A last piece shorter than a window is left out, but a part that misses a window's length by no more than
    /// rounding its seconds can explain is one, as long as the file goes on.
    public mutating func segments(of row: Manifest.Row) throws(SoundFileError) -> Segments {
        let path = manifest.file(of: row)
        if decoded?.path != path {
            decoded = nil
            decoded = (path, try SoundFile.readMono(path: path))
        }
        let samples = decoded?.samples ?? []
        let rate = Double(Model.sampleRate)
        let start = min(samples.count, Int((row.start * rate).rounded()))
        let rest = samples.count - start
        let length = row.length.map { min(rest, Int(($0 * rate).rounded()) + Self.slack) } ?? rest
        return Segments(samples: samples, start: start, window: window, count: max(0, length) / window)
    }

    /// A millisecond: what seconds with three decimals can be off, twice.
    static let slack = 22
}

/// Segments of one row.
public struct Segments {
    public let samples: [Float]
    let start: Int
    public let window: Int
    public let count: Int

    /// Where segment `index` lies in `samples`.
    public func range(_ index: Int) -> Range<Int> {
        let begin = start + index * window
        return begin..<(begin + window)
    }
}
