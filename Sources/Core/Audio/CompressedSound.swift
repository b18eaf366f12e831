import CSndfile

/// A short mono sound at the nets' rate in a format that browsers play: MP3, or Ogg Vorbis where libsndfile writes no MP3.
public struct CompressedSound: Sendable, Equatable {
    /// `audio/mpeg` or `audio/ogg`.
    public let mediaType: String
    public let bytes: [UInt8]

    /// - Parameters:
    ///   - samples: 22 050 Hz.
    ///   - compression: 0 is the largest and best, 1 the smallest.
    /// - Returns: nil where libsndfile writes neither format.
    public init?(_ samples: [Float], compression: Double = 0.6) {
        let formats: [(format: Int, mediaType: String)] = [
            (SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, "audio/mpeg"), (SF_FORMAT_OGG | SF_FORMAT_VORBIS, "audio/ogg"),
        ].map { (Int($0.0), $0.1) }
        for (format, mediaType) in formats {
            guard let bytes = Self.encoded(samples, Int32(format), compression) else { continue }
            self.mediaType = mediaType
            self.bytes = bytes
            return
        }
        return nil
    }

    private static func encoded(_ samples: [Float], _ format: Int32, _ compression: Double) -> [UInt8]? {
        var info = SF_INFO()
        info.samplerate = Int32(Model.sampleRate)
        info.channels = 1
        info.format = format
        guard sf_format_check(&info) != 0 else { return nil }
        var file = SF_VIRTUAL_IO(
            get_filelen: { sf_count_t(memory(of: $0).all.count) },
            seek: { offset, whence, user in
                let bytes = memory(of: user)
                // SEEK_SET, SEEK_CUR, SEEK_END.
                let base = whence == 0 ? 0 : whence == 1 ? bytes.place : bytes.all.count
                bytes.place = max(0, base + Int(offset))
                return sf_count_t(bytes.place)
            },
            read: { target, count, user in
                let bytes = memory(of: user)
                let taken = max(0, min(Int(count), bytes.all.count - bytes.place))
                bytes.all.withUnsafeBytes { all in
                    guard taken > 0 else { return }
                    target?.copyMemory(from: all.baseAddress! + bytes.place, byteCount: taken)
                }
                bytes.place += taken
                return sf_count_t(taken)
            },
            write: { source, count, user in
                let bytes = memory(of: user)
                let end = bytes.place + Int(count)
                if end > bytes.all.count { bytes.all += [UInt8](repeating: 0, count: end - bytes.all.count) }
                bytes.all.withUnsafeMutableBytes { all in
                    guard let source, count > 0 else { return }
                    (all.baseAddress! + bytes.place).copyMemory(from: source, byteCount: Int(count))
                }
                bytes.place = end
                return count
            },
            tell: { sf_count_t(memory(of: $0).place) })
        let bytes = Memory()
        return withExtendedLifetime(bytes) {
            let user = Unmanaged.passUnretained(bytes).toOpaque()
            guard let handle = sf_open_virtual(&file, Int32(SFM_WRITE), &info, user) else { return nil }
            var level = compression
            sf_command(
                handle, Int32(SFC_SET_COMPRESSION_LEVEL), &level, Int32(MemoryLayout<Double>.size))
            let written = samples.withUnsafeBufferPointer {
                sf_writef_float(handle, $0.baseAddress, sf_count_t(samples.count))
            }
            guard sf_close(handle) == 0, Int(written) == samples.count else { return nil }
            return bytes.all
        }
    }
}

/// A file in memory.
private final class Memory {
    var all: [UInt8] = []
    var place = 0
}

private func memory(of user: UnsafeMutableRawPointer?) -> Memory {
    Unmanaged<Memory>.fromOpaque(user!).takeUnretainedValue()
}
