/// A checkpoint's tensors by name, each read when it is asked for: a net's shape is known before its numbers are.
protocol CheckpointTensors: ~Copyable {
    var path: String { get }

    /// nil where there is no such tensor.
    func shape(of name: String) throws(ImportError) -> [Int]?

    /// All numbers of a tensor that is there, row-major, as many as its shape says.
    func unchecked(_ name: String) throws(ImportError) -> [Float]
}

extension CheckpointTensors where Self: ~Copyable {
    func invalid(_ reason: String) -> ImportError { ImportError(.invalid, path, reason) }

    /// The shape of a tensor that has to be there.
    func wantedShape(of name: String) throws(ImportError) -> [Int] {
        guard let shape = try shape(of: name) else { throw invalid("\(name): missing") }
        return shape
    }

    /// A tensor's numbers, row-major.
    ///
    /// - Throws: where it is missing, of another shape, or not finite.
    func floats(_ name: String, shape wanted: [Int]) throws(ImportError) -> [Float] {
        let shape = try wantedShape(of: name)
        guard shape == wanted else { throw invalid("\(name): shape \(wanted) wanted, \(shape) found") }
        guard shape.elementCount != nil else { throw invalid("\(name): \(shape) is larger than any net's tensor") }
        let values = try unchecked(name)
        if let bad = values.firstIndex(where: { !$0.isFinite }) {
            throw invalid("\(name): a finite number wanted, \(values[bad]) found at \(bad)")
        }
        return values
    }

    /// A batch norm's variances, [channels]; none is negative.
    func variances(_ name: String, channels: Int) throws(ImportError) -> [Float] {
        let values = try floats(name, shape: [channels])
        if let bad = values.firstIndex(where: { $0 < 0 }) {
            throw invalid("\(name): a variance wanted, \(values[bad]) found at \(bad)")
        }
        // A channel that never changed has none. A model file wants one above zero, and beside ε the smallest is none.
        return values.map { max($0, .leastNormalMagnitude) }
    }
}

extension [Int] {
    /// Most numbers that one tensor may have; the published nets' largest has 786 432.
    private static let mostElements = 1 << 24

    /// How many numbers a tensor of this shape has; nil where they are absurdly many.
    var elementCount: Int? {
        var count = 1
        for length in self {
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard length > 0, !overflow, product <= Self.mostElements else { return nil }
            count = product
        }
        return count
    }
}
