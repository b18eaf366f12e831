import CKernels

/// One instruction set's arithmetic, chosen once when a program starts.
public struct Kernel: @unchecked Sendable {
    // A constant table of the C target, never written to: safe to share between threads.
    private let table: UnsafePointer<wavetag_kernel>

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
        inputs: UnsafePointer<UnsafePointer<Float>?>, outputs: UnsafePointer<UnsafeMutablePointer<Float>?>
    ) {
        table.pointee.convolve(layer, columns, inputs, outputs)
    }
}
