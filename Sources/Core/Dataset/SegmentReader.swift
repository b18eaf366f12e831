/// Cuts a manifest's rows into windows that don't overlap: the sound that nets are calibrated and measured on.
///
/// Files go through the same decoder, channel rule and resampler as live sound. Rows of one file that follow each
/// other decode it once.
public struct SegmentReader {
    private let manifest: Manifest
    private let window: Int
    private let cache: SoundCache?
    private var decoded: (path: String, samples: [Float])?

    /// - Parameters:
    ///   - window: samples of a segment.
    ///   - cache: to read from what is there.
    public init(_ manifest: Manifest, window: Int, cache: SoundCache? = nil) {
        self.manifest = manifest
        self.window = window
        self.cache = cache
    }

    /// The row's segments, each `window` samples, and the samples they lie in.
    public mutating func segments(of row: Manifest.Row) throws(SoundFileError) -> Segments {
        let path = manifest.file(of: row)
        if decoded?.path != path {
            decoded = nil
            decoded = (path, try readMono(path))
        }
        let samples = decoded?.samples ?? []
        return Segments(samples: samples, cut: SegmentCut(row, samples: samples.count, window: window))
    }

    private func readMono(_ path: String) throws(SoundFileError) -> [Float] {
        if let cache { return try cache.readMono(path: path) }
        return try SoundFile.readMono(path: path)
    }

    /// A millisecond: what seconds with three decimals can be off, twice.
    static let slack = 22
}

/// Segments of one row.
public struct Segments {
    public let samples: [Float]
    fileprivate let cut: SegmentCut

    public var window: Int { cut.window }
    public var count: Int { cut.count }

    /// Where segment `index` lies in `samples`.
    public func range(_ index: Int) -> Range<Int> { cut.start(index)..<(cut.start(index) + window) }
}

/// Where a row's segments lie in its file: windows that follow each other, as many as fit (1703.01789, section 4).
///
/// A last piece shorter than a window is left out, but a part that misses a window's length by no more than rounding
/// its seconds can explain is one, as long as the file goes on.
struct SegmentCut: Sendable {
    /// The row's samples.
    let extent: Range<Int>
    let window: Int

    /// - Parameter samples: of the whole file.
    init(_ row: Manifest.Row, samples: Int, window: Int) {
        let rate = Double(Model.sampleRate)
        let start = min(samples, Int((row.start * rate).rounded()))
        let rest = samples - start
        extent =
            start..<(start + (row.length.map { min(rest, Int(($0 * rate).rounded()) + SegmentReader.slack) } ?? rest))
        self.window = window
    }

    var count: Int { extent.count / window }

    /// The first sample of a segment.
    func start(_ index: Int) -> Int { extent.lowerBound + index * window }
}
