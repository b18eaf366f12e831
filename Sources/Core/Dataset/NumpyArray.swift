/// An element's type in an array of NumPy: `b1`, `u1`, `i8`, `f4` and their like, little-endian.
struct NumpyElement {
    private enum Kind {
        case boolean, unsigned, signed, float
    }

    private let kind: Kind
    /// Bytes.
    let size: Int

    /// - Parameter name: as NumPy's `dtype` takes it.
    /// - Returns: nil for what isn't a number of at most eight bytes.
    init?(name: String) {
        switch name.drop(while: { $0 == "|" || $0 == "<" }) {
        case "b1", "bool": (kind, size) = (.boolean, 1)
        case "u1": (kind, size) = (.unsigned, 1)
        case "u2": (kind, size) = (.unsigned, 2)
        case "u4": (kind, size) = (.unsigned, 4)
        case "u8": (kind, size) = (.unsigned, 8)
        case "i1": (kind, size) = (.signed, 1)
        case "i2": (kind, size) = (.signed, 2)
        case "i4": (kind, size) = (.signed, 4)
        case "i8": (kind, size) = (.signed, 8)
        case "f2": (kind, size) = (.float, 2)
        case "f4": (kind, size) = (.float, 4)
        case "f8": (kind, size) = (.float, 8)
        default: return nil
        }
    }

    /// - Parameter bytes: `size` of them.
    func value(_ bytes: ArraySlice<UInt8>) -> Float {
        let bits = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        switch kind {
        case .boolean: return bits == 0 ? 0 : 1
        case .unsigned: return Float(bits)
        case .signed:
            let shift = UInt64(64 - 8 * size)
            return Float(Int64(bitPattern: bits << shift) >> Int64(shift))
        case .float where size == 8: return Float(Double(bitPattern: bits))
        case .float where size == 4: return Float(bitPattern: UInt32(truncatingIfNeeded: bits))
        case .float: return Float(halfPrecision: UInt16(truncatingIfNeeded: bits))
        }
    }
}

/// An array as its pickle describes it: first made empty, then given its state.
struct NumpyArray {
    /// Row-major.
    var values: [Float] = []

    init() {}

    /// - Returns: nil unless `bytes` are a row-major array's, of just this shape.
    init?(shape: [Int], element: NumpyElement, isFortranOrder: Bool, bytes: [UInt8]) {
        // An array of one axis is the same in both orders.
        guard !isFortranOrder || shape.count <= 1 else { return nil }
        var size = element.size
        for length in shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: length)
            guard length >= 0, !overflow else { return nil }
            size = product
        }
        guard size == bytes.count else { return nil }
        values = stride(from: 0, to: size, by: element.size).map { element.value(bytes[$0..<($0 + element.size)]) }
    }
}
