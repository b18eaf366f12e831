import CCrypto
import Glibc

/// SHA-256 of some bytes.
struct ContentHash: Hashable, Sendable {
    static let byteCount = 32
    private let words: SIMD4<UInt64>

    /// - Parameter bytes: a digest, `byteCount` bytes.
    init(digest bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == Self.byteCount)
        words = bytes.loadUnaligned(as: SIMD4<UInt64>.self)
    }

    /// Of bytes in memory.
    init(of bytes: [UInt8]) {
        let hasher = ContentHasher()
        bytes.withUnsafeBytes { hasher.add($0) }
        self = hasher.finish()
    }

    /// 64 hexadecimal digits.
    init?(hexadecimal text: Substring) {
        guard text.utf8.count == 2 * Self.byteCount else { return nil }
        var bytes: [UInt8] = []
        for pair in stride(from: 0, to: 2 * Self.byteCount, by: 2) {
            let digits = text.utf8.dropFirst(pair).prefix(2).compactMap { Self.digits.firstIndex(of: $0) }
            guard digits.count == 2 else { return nil }
            bytes.append(UInt8(digits[0] << 4 | digits[1]))
        }
        self = bytes.withUnsafeBytes { ContentHash(digest: $0) }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    /// 64 hexadecimal digits.
    var hexadecimal: String {
        String(decoding: bytes.flatMap { [Self.digits[Int($0 >> 4)], Self.digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }
}

/// SHA-256 of bytes that come piece by piece.
final class ContentHasher {
    private let context: OpaquePointer

    init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("libcrypto has no SHA-256, or memory ran out")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    func add(_ bytes: UnsafeRawBufferPointer) { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }

    /// To be called once.
    func finish() -> ContentHash {
        var digest = [UInt8](repeating: 0, count: ContentHash.byteCount)
        EVP_DigestFinal_ex(context, &digest, nil)
        return digest.withUnsafeBytes { ContentHash(digest: $0) }
    }

    /// Adds what is in a file from `offset` to its end.
    ///
    /// - Returns: false where the system refused; `errno` says why.
    func add(file: Int32, from offset: Int) -> Bool {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 64)
        defer { buffer.deallocate() }
        var place = offset
        while true {
            let count = pread(file, buffer.baseAddress, buffer.count, off_t(place))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return false }
            guard count > 0 else { return true }
            add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            place += count
        }
    }
}

/// SHA-256 of some bytes, 32 bytes.
public func sha256(of bytes: [UInt8]) -> [UInt8] { ContentHash(of: bytes).bytes }
