/// How a device's samples stand in memory, little-endian. All are scaled to [−1, 1) as libsndfile scales a file's, so that a device and a file that hold the same samples give the same floats.
public enum SampleFormat: UInt8, Sendable, CaseIterable {
    /// 16-bit signed.
    case s16
    /// 24-bit signed in three bytes.
    case s24packed
    /// 24-bit signed in the low bytes of four.
    case s24
    /// 32-bit signed.
    case s32
    /// IEEE 754 single.
    case float32

    public var bytes: Int {
        switch self {
        case .s16: 2
        case .s24packed: 3
        case .s24, .s32, .float32: 4
        }
    }

    /// Converts samples; what isn't a finite number becomes 0.
    ///
    /// - Parameters:
    ///   - raw: `floats.count` samples.
    public func decode(_ raw: UnsafeRawBufferPointer, into floats: UnsafeMutableBufferPointer<Float>) {
        precondition(raw.count >= floats.count * bytes)
        switch self {
        case .s16:
            for index in floats.indices {
                let value = Int16(littleEndian: raw.loadUnaligned(fromByteOffset: index * 2, as: Int16.self))
                floats[index] = Float(value) * 0x1p-15
            }
        case .s24packed:
            for index in floats.indices {
                let low = Int32(raw[index * 3]) | Int32(raw[index * 3 + 1]) << 8
                let high = Int32(Int8(bitPattern: raw[index * 3 + 2]))
                floats[index] = Float(low | high << 16) * 0x1p-23
            }
        case .s24:
            for index in floats.indices {
                let value = Int32(littleEndian: raw.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
                floats[index] = Float((value << 8) >> 8) * 0x1p-23
            }
        case .s32:
            for index in floats.indices {
                let value = Int32(littleEndian: raw.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
                floats[index] = Float(value) * 0x1p-31
            }
        case .float32:
            for index in floats.indices {
                let bits = UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
                let value = Float(bitPattern: bits)
                floats[index] = value.isFinite ? value : 0
            }
        }
    }
}
