import CKernels

/// One layer ready for arithmetic: convolution, batch norm, bias, ReLU and max-pool in one step, weights packed for one kernel.
///
/// Immutable, and so shared freely between engines and threads. Columns are raw bytes here: floats, or unsigned
/// 8-bit activations, as the layer's kind says.
public protocol PackedLayer: AnyObject, Sendable {
    /// Input columns that one output column is made from.
    var spread: Int { get }
    /// Convolution rows that one output column is the maximum of; 1 where there is no pool.
    var pool: Int { get }
    /// Channels of an output column.
    var width: Int { get }
    /// Bytes of an input column.
    var inputBytes: Int { get }
    /// Bytes of an output column, a multiple of 8 where they are 8-bit activations.
    var outputBytes: Int { get }
    /// Bytes that the packed weights take.
    var bytes: Int { get }

    /// Computes output columns, each from `spread` input columns.
    ///
    /// - Parameters:
    ///   - inputs: [columns, spread] pointers to input columns.
    ///   - outputs: [columns] pointers to output columns, none of them an input.
    func apply(
        columns: Int, inputs: UnsafePointer<UnsafeRawPointer?>, outputs: UnsafePointer<UnsafeMutableRawPointer?>)
}

/// What a net computes in.
public enum Precision: String, Sendable, CaseIterable {
    case float
    /// 8-bit weights and activations, 32-bit sums.
    case int8

    /// Bytes of a column of a layer's activations; 8-bit ones are rounded up to the kernels' steps.
    public func columnBytes(of shape: NetShape, layer: Int) -> Int {
        let width = shape.widths[layer]
        return self == .float || layer == shape.n + 1
            ? width * MemoryLayout<Float>.stride : wavetag_int8_column_bytes(width)
    }
}
