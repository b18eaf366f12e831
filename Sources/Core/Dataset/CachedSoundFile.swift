import Glibc

/// A sound in the cache: its key, and how long it is.
struct CachedSound: Sendable, Equatable {
    let key: ContentHash
    /// Samples at 22 050 Hz.
    let count: Int

    /// Bytes on disk.
    var size: Int { CachedSoundFile.size(samples: count) }
}

/// How a cached sound lies on disk: a header, and 16-bit samples in this machine's order.
///
/// The header, 80 bytes: `magic`; the number of samples, 8 bytes; the key; SHA-256 of the samples. A file is one of ours
/// if its magic and its key are right, its length is what it says, and its samples give that hash. What isn't is made anew.
enum CachedSoundFile {
    /// Eight bytes; the last is the version. On a machine of the other byte order they come out reversed.
    private static let magic: UInt64 = 0x5754_736f_756e_6401
    static let headerSize = 16 + 2 * ContentHash.byteCount
    static func size(samples: Int) -> Int { headerSize + 2 * samples }

    static func name(_ key: ContentHash) -> String { key.hexadecimal + suffix }

    /// The key of a file that is called like one of ours.
    static func key(ofName name: String) -> ContentHash? {
        name.hasSuffix(suffix) ? ContentHash(hexadecimal: name.dropLast(suffix.count)) : nil
    }

    private static let suffix = ".sound"

    static func header(_ sound: CachedSound, samples: ContentHash) -> [UInt8] {
        var bytes = withUnsafeBytes(of: magic) { Array($0) }
        bytes += withUnsafeBytes(of: UInt64(sound.count)) { Array($0) }
        return bytes + sound.key.bytes + samples.bytes
    }

    /// What an open file holds; nil if it isn't whole, or isn't the sound of that key.
    ///
    /// - Parameter trusted: its samples need not be read.
    static func check(_ file: Int32, size: Int, key: ContentHash, trusted: Bool) -> CachedSound? {
        var header = [UInt8](repeating: 0, count: headerSize)
        guard size >= headerSize, pread(file, &header, headerSize, 0) == headerSize else { return nil }
        let (magic, count) = header.withUnsafeBytes {
            ($0.load(as: UInt64.self), $0.load(fromByteOffset: 8, as: UInt64.self))
        }
        guard magic == self.magic, count == UInt64(size - headerSize) / 2, size % 2 == 0,
            Array(header[16..<48]) == key.bytes
        else { return nil }
        if !trusted {
            let hasher = ContentHasher()
            guard hasher.add(file: file, from: headerSize), hasher.finish().bytes == Array(header[48...]) else {
                return nil
            }
        }
        return CachedSound(key: key, count: Int(count))
    }

    /// Reads samples as floats in [-1, 1).
    ///
    /// - Parameters:
    ///   - file: an open sound.
    ///   - start: the first sample.
    ///   - target: `count` samples.
    /// - Returns: false where the file is shorter, or the system refused.
    static func read(_ file: Int32, from start: Int, count: Int, into target: UnsafeMutablePointer<Float>) -> Bool {
        // The 16-bit samples go to the target's second half; a float never overtakes the sample it is made from.
        let raw = UnsafeMutableRawPointer(target)
        let integers = raw + 2 * count
        var done = 0
        while done < 2 * count {
            let got = pread(file, integers + done, 2 * count - done, off_t(headerSize + 2 * start + done))
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { return false }
            done += got
        }
        let scale: Float = 1 / 32_768
        var index = 0
        while index + 8 <= count {
            let samples = integers.loadUnaligned(fromByteOffset: 2 * index, as: SIMD8<Int16>.self)
            raw.storeBytes(of: SIMD8<Float>(samples) * scale, toByteOffset: 4 * index, as: SIMD8<Float>.self)
            index += 8
        }
        while index < count {
            let sample = integers.load(fromByteOffset: 2 * index, as: Int16.self)
            raw.storeBytes(of: Float(sample) * scale, toByteOffset: 4 * index, as: Float.self)
            index += 1
        }
        return true
    }
}

/// Writes a sound beside its place, and puts it there when it is whole.
final class CachedSoundWriter {
    private let directory: Int32
    private let place: String
    private let file: Int32
    private let partial: String
    private let hasher = ContentHasher()
    private var count = 0
    private var buffered = 0
    private let buffer = UnsafeMutableBufferPointer<Int16>.allocate(capacity: 1 << 15)
    /// Of the first write that failed.
    private var failure: Int32?

    /// - Parameters:
    ///   - directory: the cache's.
    ///   - folder: its name, for messages.
    init(directory: Int32, folder: String) throws(SoundCacheError) {
        self.directory = directory
        place = folder
        while true {
            let (name, file) = try Self.partial(directory, folder)
            // Held as long as it is written. Who clears the cache takes away only what nobody holds, and may have done
            // so just before. Where there are no locks, nobody gets one and nothing is taken away.
            while flock(file, LOCK_EX) != 0 && errno == EINTR {}
            var status = stat()
            if fstat(file, &status) == 0, status.st_nlink == 1 {
                self.file = file
                partial = name
                break
            }
            close(file)
        }
        var header = [UInt8](repeating: 0, count: CachedSoundFile.headerSize)
        write(&header, header.count)
    }

    /// A file that wasn't there.
    private static func partial(_ directory: Int32, _ folder: String) throws(SoundCacheError) -> (String, Int32) {
        while true {
            let name = "\(SoundCache.partialPrefix)\(String(UInt64.random(in: 0...UInt64.max), radix: 16))"
            let file = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
            if file >= 0 { return (name, file) }
            guard errno == EEXIST || errno == EINTR else { throw .system(folder) }
        }
    }

    deinit {
        // Nothing any more if it has been renamed.
        unlinkat(directory, partial, 0)
        close(file)
        buffer.deallocate()
    }

    /// Samples beyond [-1, 1) are clipped.
    func add(_ samples: UnsafeBufferPointer<Float>) {
        for sample in samples {
            if buffered == buffer.count { flush() }
            let scaled = (sample * 32_768).rounded(.toNearestOrEven)
            buffer[buffered] = Int16(scaled < 32_767 ? (scaled > -32_768 ? scaled : -32_768) : 32_767)
            buffered += 1
        }
    }

    /// - Returns: the sound, and where it lies now.
    func finish(_ key: ContentHash) throws(SoundCacheError) -> (sound: CachedSound, stamp: FileStamp) {
        flush()
        let sound = CachedSound(key: key, count: count)
        let header = CachedSoundFile.header(sound, samples: hasher.finish())
        if failure == nil, pwrite(file, header, header.count, 0) != header.count { failure = errno }
        if failure == nil, fsync(file) != 0 { failure = errno }
        var status = stat()
        if failure == nil, fstat(file, &status) != 0 { failure = errno }
        if failure == nil, renameat(directory, partial, directory, CachedSoundFile.name(key)) != 0 { failure = errno }
        if let failure { throw SoundCacheError(.unusable, place, String(cString: strerror(failure))) }
        return (sound, FileStamp(status, ofEntry: true))
    }

    /// No room or no disk: what comes need not be decoded.
    var hasFailed: Bool { failure != nil }

    private func flush() {
        hasher.add(UnsafeRawBufferPointer(start: buffer.baseAddress, count: 2 * buffered))
        write(buffer.baseAddress!, 2 * buffered)
        count += buffered
        buffered = 0
    }

    private func write(_ bytes: UnsafeRawPointer, _ count: Int) {
        var written = 0
        while failure == nil, written < count {
            let step = Glibc.write(file, bytes + written, count - written)
            if step < 0 && errno == EINTR { continue }
            if step > 0 { written += step } else { failure = step == 0 ? ENOSPC : errno }
        }
    }
}
