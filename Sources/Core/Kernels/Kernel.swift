import CKernels

/// One instruction set's float arithmetic, chosen once when a program starts.
public struct Kernel: @unchecked Sendable {
    // A constant table of the C target, never written to: safe to share between threads.
    let table: UnsafePointer<wavetag_kernel>

    /// The kernels that this processor can run, the fastest first; the last is the portable one.
    public static let available: [Kernel] = {
        var count = 0
        let tables = wavetag_kernels(&count)!
        return (0..<count).map { Kernel(table: tables[$0]!) }
    }()

    /// The fastest one.
    public static var best: Kernel { available[0] }

    /// `avx512`, `avx2`, `neon` or `portable`.
    public var name: String { String(cString: table.pointee.name) }

    /// Output channels that one block of packed weights holds.
    var lanes: Int { table.pointee.lanes }

    func convolve(
        _ layer: UnsafePointer<wavetag_convolution>, columns: Int,
        inputs: UnsafePointer<UnsafeRawPointer?>, outputs: UnsafePointer<UnsafeMutableRawPointer?>
    ) {
        table.pointee.convolve(layer, columns, inputs, outputs)
    }
}

/// One instruction set's 8-bit arithmetic. All of them give the same bits.
public struct Int8Kernel: @unchecked Sendable {
    // A constant table of the C target, never written to: safe to share between threads.
    let table: UnsafePointer<wavetag_int8_kernel>

    /// The kernels that this processor can run, the fastest first; the last is the portable one.
    public static let available: [Int8Kernel] = {
        var count = 0
        let tables = wavetag_int8_kernels(&count)!
        return (0..<count).map { Int8Kernel(table: tables[$0]!) }
    }()

    /// The fastest one.
    public static var best: Int8Kernel { available[0] }

    /// `avx512-vnni`, `avx-vnni`, `avx2`, `neon-dotprod`, `neon` or `portable`.
    public var name: String { String(cString: table.pointee.name) }

    /// Output channels that one block of packed weights holds.
    var lanes: Int { table.pointee.vector_lanes * table.pointee.lane_vectors }
}
