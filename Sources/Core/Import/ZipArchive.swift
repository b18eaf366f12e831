/// A zip archive whose members aren't compressed, as PyTorch writes its checkpoints.
///
/// Format: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (central directory) and 4.3.16 (its end).
struct ZipArchive {
    /// Names in the directory's order.
    let names: [String]
    private let members: [String: Member]

    private struct Member {
        let header: Int
        let size: Int
        let checksum: UInt32
    }

    struct Failure: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    static func isArchive(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) }

    init(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        let end = try Self.endOfDirectory(bytes)
        let count = Int(bytes.word(at: end + 10))
        var position = Int(bytes.long(at: end + 16))
        let size = Int(bytes.long(at: end + 12))
        // All ones say that the number stands in a zip64 record: no net is as large.
        guard count < 0xFFFF, position <= end, size <= end - position else {
            throw Failure("the archive's directory reaches past its end")
        }
        var names: [String] = []
        var members: [String: Member] = [:]
        for _ in 0..<count {
            guard end - position >= 46, bytes.long(at: position) == 0x0201_4B50 else {
                throw Failure("the archive's directory: \(count) members wanted, \(names.count) found")
            }
            let nameLength = Int(bytes.word(at: position + 28))
            let next =
                position + 46 + nameLength + Int(bytes.word(at: position + 30)) + Int(bytes.word(at: position + 32))
            guard next <= end,
                let name = String(validating: bytes[(position + 46)...].prefix(nameLength), as: UTF8.self)
            else { throw Failure("the archive's directory: a member's name reaches past its end") }
            guard bytes.word(at: position + 10) == 0, bytes.long(at: position + 20) == bytes.long(at: position + 24)
            else {
                throw Failure("\(name): compressed, which PyTorch doesn't do")
            }
            let member = Member(
                header: Int(bytes.long(at: position + 42)), size: Int(bytes.long(at: position + 24)),
                checksum: bytes.long(at: position + 16))
            guard members.updateValue(member, forKey: name) == nil else { throw Failure("\(name): stands twice") }
            names.append(name)
            position = next
        }
        self.names = names
        self.members = members
    }

    /// Where a member's bytes lie; nil where there is no such member.
    ///
    /// - Throws: where they reach past the end, or aren't those that were written.
    func range(of name: String, in bytes: UnsafeRawBufferPointer) throws(Failure) -> Range<Int>? {
        guard let member = members[name] else { return nil }
        guard bytes.count >= 30, member.header <= bytes.count - 30, bytes.long(at: member.header) == 0x0403_4B50 else {
            throw Failure("\(name): its header isn't where the directory says")
        }
        let start =
            member.header + 30 + Int(bytes.word(at: member.header + 26)) + Int(bytes.word(at: member.header + 28))
        guard start <= bytes.count, member.size <= bytes.count - start else {
            throw Failure("\(name): \(member.size) bytes wanted, \(max(0, bytes.count - start)) found")
        }
        let range = start..<(start + member.size)
        guard Self.checksum(UnsafeRawBufferPointer(rebasing: bytes[range])) == member.checksum else {
            throw Failure("\(name): damaged: its checksum is another")
        }
        return range
    }

    /// The directory's end is the last thing in a file, but for a comment of at most 65 535 bytes.
    private static func endOfDirectory(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Int {
        let earliest = max(0, bytes.count - 22 - 0xFFFF)
        var position = bytes.count - 22
        while position >= earliest {
            if bytes.long(at: position) == 0x0605_4B50 { return position }
            position -= 1
        }
        throw Failure("an archive without its directory: truncated?")
    }

    /// CRC-32 as zip and PNG have it, polynomial 0xEDB88320.
    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { rest, _ in rest & 1 == 0 ? rest >> 1 : rest >> 1 ^ 0xEDB8_8320 }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func word(at offset: Int) -> UInt16 {
        UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    fileprivate func long(at offset: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
