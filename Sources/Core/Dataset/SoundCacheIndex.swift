import Glibc

/// What tells that a file is still the one that was read.
struct FileStamp: Hashable, Sendable {
    /// Which file.
    struct Identity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
    }

    let identity: Identity
    let size: Int64
    /// Nanoseconds.
    let modified: Int64
    /// Nanoseconds: programs that edit a file and put its time back don't put this one back. 0 for the cache's own
    /// files, whose times of use are kept in their inodes.
    let changed: Int64

    init(_ status: stat, ofEntry: Bool = false) {
        identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        size = Int64(status.st_size)
        modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
        changed = ofEntry ? 0 : Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
    }

    fileprivate init(_ words: [Int64]) {
        identity = Identity(device: UInt64(bitPattern: words[0]), inode: UInt64(bitPattern: words[1]))
        size = words[2]
        modified = words[3]
        changed = words[4]
    }

    fileprivate var words: [Int64] {
        [Int64(bitPattern: identity.device), Int64(bitPattern: identity.inode), size, modified, changed]
    }

    var isEntry: Bool { changed == 0 }
}

/// What files held when they were last read, so that they need not be read again: of a sound file its content's hash, of
/// a cached sound its key.
///
/// On disk: `magic`, records of 72 bytes, and SHA-256 of all before it. What isn't that counts as empty: then files are
/// read again.
struct SoundCacheIndex: Sendable {
    static let name = "index"
    private static let magic = Array("wavetag sound index 1\n".utf8)
    private static let recordSize = 5 * 8 + ContentHash.byteCount
    private var records: [FileStamp.Identity: (stamp: FileStamp, hash: ContentHash)] = [:]

    init() {}

    subscript(stamp: FileStamp) -> ContentHash? {
        get {
            guard let record = records[stamp.identity], record.stamp == stamp else { return nil }
            return record.hash
        }
        set { records[stamp.identity] = newValue.map { (stamp, $0) } }
    }

    /// Takes over what the other has; where both have something, its.
    mutating func merge(_ other: SoundCacheIndex) { records.merge(other.records) { $1 } }

    mutating func keep(where isWanted: (FileStamp, ContentHash) -> Bool) {
        records = records.filter { isWanted($0.value.stamp, $0.value.hash) }
    }

    init(bytes: [UInt8]) {
        let end = bytes.count - ContentHash.byteCount
        guard end >= Self.magic.count, (end - Self.magic.count) % Self.recordSize == 0,
            bytes.starts(with: Self.magic), ContentHash(of: Array(bytes[..<end])).bytes == Array(bytes[end...])
        else { return }
        bytes.withUnsafeBytes { raw in
            for place in stride(from: Self.magic.count, to: end, by: Self.recordSize) {
                let stamp = FileStamp(
                    (0..<5).map { raw.loadUnaligned(fromByteOffset: place + 8 * $0, as: Int64.self) })
                self[stamp] = ContentHash(
                    digest: UnsafeRawBufferPointer(rebasing: raw[(place + 40)..<(place + Self.recordSize)]))
            }
        }
    }

    var bytes: [UInt8] {
        var bytes = Self.magic
        bytes.reserveCapacity(bytes.count + records.count * Self.recordSize + ContentHash.byteCount)
        for record in records.values {
            for word in record.stamp.words { withUnsafeBytes(of: word) { bytes += $0 } }
            bytes += record.hash.bytes
        }
        return bytes + ContentHash(of: bytes).bytes
    }
}
