/// What one convolutional layer measures while it is trained: rows of its convolution and pooled columns, a segment.
///
/// All activations of a batch lie one behind the other, [batch, columns, channels], and so a strip of columns may
/// reach over several segments. A `Run` is the part of a strip that lies in one segment.
struct LayerGeometry: Sendable {
    let taps: Int
    /// Convolution rows that one column is the maximum of; 1 where there is no pool.
    let pool: Int
    /// Zeros that "same" padding puts before a segment's first row.
    let left: Int
    let inputs: Int
    let outputs: Int
    /// Pooled columns of one segment.
    let columns: Int

    init(_ shape: NetShape, layer: Int) {
        taps = shape.kernelWidth(layer: layer)
        pool = (1...shape.n).contains(layer) ? shape.m : 1
        left = taps > 1 ? shape.leftPadding : 0
        inputs = shape.inputChannels(layer: layer)
        outputs = shape.widths[layer]
        columns = shape.columns(layer: layer)
    }

    /// Convolution rows of one segment, which are also its input columns.
    var rows: Int { columns * pool }

    var weightCount: Int { taps * inputs * outputs }

    /// Pooled columns that one strip has: as many as keep what is computed together in the second-level cache.
    var stripColumns: Int { max(1, Self.stripRows / pool) }

    /// Convolution rows that a strip has, about.
    static let stripRows = 240

    /// Rows that a strip's inputs take at most: its own, and taps − 1 more for each segment that it touches.
    func mostInputRows(batch: Int) -> Int { stripColumns * pool + segmentsOfStrip(batch) * (taps - 1) }

    /// Rows that a strip's returned gradients take at most: its own, and one pool group before and behind, a segment.
    func mostReturnedRows(batch: Int) -> Int { (stripColumns + 2 * segmentsOfStrip(batch)) * pool }

    private func segmentsOfStrip(_ batch: Int) -> Int { min(batch, (stripColumns - 1) / columns + 2) }

    /// A strip's columns in one segment.
    struct Run {
        let segment: Int
        /// Columns of the segment.
        let columns: Range<Int>
        /// Runs of the same strip that come before.
        let index: Int
        /// Columns of the same strip that come before.
        let before: Int
    }

    /// The runs of a strip.
    ///
    /// - Parameter strip: columns of the batch.
    @inline(__always)
    func forEachRun(of strip: Range<Int>, _ body: (Run) -> Void) {
        var place = strip.lowerBound
        var index = 0
        while place < strip.upperBound {
            let segment = place / columns
            let first = place - segment * columns
            let end = min(columns, first + strip.upperBound - place)
            body(Run(segment: segment, columns: first..<end, index: index, before: place - strip.lowerBound))
            place += end - first
            index += 1
        }
    }

    /// Strips of one of `threads` threads: a fixed part, so that sums are added in the same order every time.
    func strips(batch: Int, thread: Int, of threads: Int) -> StrideTo<Int> {
        let count = (batch * columns + stripColumns - 1) / stripColumns
        let (begin, end) = (count * thread / threads, count * (thread + 1) / threads)
        return stride(from: begin * stripColumns, to: end * stripColumns, by: stripColumns)
    }

    func strip(at begin: Int, batch: Int) -> Range<Int> { begin..<min(begin + stripColumns, batch * columns) }
}
