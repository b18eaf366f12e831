import Glibc
import Synchronization

/// What an extraction has come to so far: a record a song, appended as songs are finished, so that a run that was killed
/// goes on where it was.
///
/// Text with the recipe, a zero byte, then records of one length: the track's index, a checksum (both UInt64,
/// little-endian), and the song's numbers (Float32). A record that isn't whole, or isn't what was written, ends the file.
// Safe to share: all that changes is behind the lock.
public final class FeatureJournal: @unchecked Sendable {
    public let path: String
    private let file: Int32
    private let headBytes: Int
    private let nets: Int
    private let features: Int
    private let numbers: Int
    private let state = Mutex(State())

    private struct State {
        /// Where each finished track's record stands.
        var places: [Int: Int] = [:]
        var end = 0
    }

    /// Opens or begins a journal.
    ///
    /// - Parameters:
    ///   - recipe: everything that a song's numbers depend on; a journal of another one is refused.
    ///   - tracks: how many there are.
    /// - Throws: `ModelFileError`.
    public init(path: String, recipe: String, tracks: Int, nets: Int, features: Int, tags: Int) throws(ModelFileError) {
        self.path = path
        self.nets = nets
        self.features = features
        numbers = nets + features + nets * tags
        let head = Array(recipe.utf8) + [0]
        headBytes = head.count
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        // Whatever is thrown from here on, `deinit` closes the file: every property has its value.
        guard file >= 0 else { throw Self.failure(path) }
        // Where a file system has no locks, nobody can be asked.
        guard flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            throw ModelFileError(.unreadable, path, "another extraction is writing it")
        }
        try recover(head, tracks: tracks)
    }

    deinit {
        guard file >= 0 else { return }
        // Not left to the descriptor's end: a program that is just being started from this one has it until it runs.
        flock(file, LOCK_UN)
        close(file)
    }

    private static func failure(_ path: String) -> ModelFileError {
        ModelFileError(.unreadable, path, String(cString: strerror(errno)))
    }

    private var recordBytes: Int { 16 + 4 * numbers }

    private func recover(_ head: [UInt8], tracks: Int) throws(ModelFileError) {
        let size = Int(lseek(file, 0, SEEK_END))
        guard size >= 0 else { throw Self.failure(path) }
        var found = [UInt8](repeating: 0, count: min(size, head.count))
        guard read(&found, at: 0) else { throw Self.failure(path) }
        guard head.starts(with: found) else {
            throw ModelFileError(
                .invalid, path, "begun with other sound, nets or options; remove it, or write somewhere else")
        }
        var end = head.count
        if size < head.count {
            guard ftruncate(file, 0) == 0, write(head, at: 0) else { throw Self.failure(path) }
        }
        var record = [UInt8](repeating: 0, count: recordBytes)
        var places: [Int: Int] = [:]
        while end + recordBytes <= size, read(&record, at: end), let track = Self.track(of: record), track < tracks {
            places[track] = end
            end += recordBytes
        }
        guard ftruncate(file, off_t(end)) == 0 else { throw Self.failure(path) }
        let (found2, end2) = (places, end)
        state.withLock {
            $0.places = found2
            $0.end = end2
        }
    }

    /// Tracks that are finished.
    public var finished: Set<Int> { state.withLock { Set($0.places.keys) } }

    /// Keeps a song.
    public func append(_ song: FeatureExtractor.Song) throws(ModelFileError) {
        precondition(song.windows.count + song.features.count + song.probabilities.count == numbers)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(recordBytes)
        func add(_ number: UInt64) { withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) } }
        add(UInt64(song.track))
        add(0)
        for value in song.windows.map(Float.init) + song.features + song.probabilities {
            withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        }
        let sum = Checksum.of(bytes)
        withUnsafeBytes(of: sum.littleEndian) { bytes.replaceSubrange(8..<16, with: $0) }
        let record = bytes
        let isWritten = state.withLock { state in
            guard write(record, at: state.end) else { return false }
            state.places[song.track] = state.end
            state.end += recordBytes
            return true
        }
        guard isWritten else { throw Self.failure(path) }
    }

    /// A finished song.
    public func song(_ track: Int) throws(ModelFileError) -> FeatureExtractor.Song? {
        guard let place = state.withLock({ $0.places[track] }) else { return nil }
        var record = [UInt8](repeating: 0, count: recordBytes)
        guard read(&record, at: place) else { throw Self.failure(path) }
        let values = record.withUnsafeBytes { bytes in
            (0..<numbers).map {
                Float(
                    bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 16 + 4 * $0, as: UInt32.self)))
            }
        }
        return FeatureExtractor.Song(
            track: track, windows: values[..<nets].map { Int($0) },
            features: Array(values[nets..<(nets + features)]), probabilities: Array(values[(nets + features)...]))
    }

    /// The journal isn't needed any more.
    public func remove() { unlink(path) }

    /// The track of a whole record; nil where it isn't what was written.
    private static func track(of record: [UInt8]) -> Int? {
        var bytes = record
        func number(_ place: Int) -> UInt64 {
            record.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: UInt64.self)) }
        }
        for place in 8..<16 { bytes[place] = 0 }
        guard Checksum.of(bytes) == number(8) else { return nil }
        return Int(exactly: number(0))
    }

    private func read(_ bytes: inout [UInt8], at place: Int) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(file, $0.baseAddress! + done, $0.count - done, off_t(place + done))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }

    private func write(_ bytes: [UInt8], at place: Int) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(file, $0.baseAddress! + done, $0.count - done, off_t(place + done))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
}

/// Fowler, Noll and Vo's FNV-1a, 64 bits: tells other bytes from the same, nothing more.
enum Checksum {
    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return sum
    }
}
