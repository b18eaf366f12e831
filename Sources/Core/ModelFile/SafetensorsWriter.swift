import Glibc

/// Writes a safetensors file of F32 tensors piece by piece, so that what is larger than memory can be written too: beside,
/// flushed to disk, renamed. A reader sees the old file or the new one, whole.
public final class SafetensorsWriter {
    public struct Tensor: Sendable {
        public let name: String
        public let shape: [Int]

        public init(_ name: String, _ shape: [Int]) {
            self.name = name
            self.shape = shape
        }

        fileprivate var byteCount: Int { shape.reduce(4, *) }
    }

    private let path: String
    private var file: WholeFile?
    private var buffer: [UInt8] = []
    private var written = 0
    private let size: Int

    /// - Parameters:
    ///   - metadata: names and texts of `__metadata__`, in order.
    ///   - tensors: all that will be appended, in order.
    public init(
        path: String, metadata: [(name: String, text: String)], tensors: [Tensor]
    ) throws(ModelFileError) {
        self.path = path
        var header: [UInt8] = Array("{\"__metadata__\":{".utf8)
        for (index, entry) in metadata.enumerated() {
            if index > 0 { header.append(UInt8(ascii: ",")) }
            header.appendJSON(string: entry.name)
            header.append(UInt8(ascii: ":"))
            header.appendJSON(string: entry.text)
        }
        header.append(UInt8(ascii: "}"))
        var offset = 0
        for tensor in tensors {
            header.append(UInt8(ascii: ","))
            header.appendJSON(string: tensor.name)
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            let end = offset + tensor.byteCount
            header += Array(":{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}".utf8)
            offset = end
        }
        header.append(UInt8(ascii: "}"))
        // Spaces behind the header put the data on a multiple of eight bytes.
        while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
        guard header.count <= Safetensors.longestHeader else {
            throw ModelFileError(.invalid, path, "header: \(header.count) bytes are more than the format allows")
        }
        size = 8 + header.count + offset
        file = WholeFile(path, ending: ".writing")
        buffer = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
        try flush(atLeast: 1)
    }

    /// The next numbers of the tensors, in their order.
    public func append(_ values: some Sequence<Float>) throws(ModelFileError) {
        for value in values {
            withUnsafeBytes(of: value.bitPattern.littleEndian) { buffer.append(contentsOf: $0) }
        }
        try flush(atLeast: 1 << 20)
    }

    /// All has been appended: the file takes its place.
    public func finish() throws(ModelFileError) {
        try flush(atLeast: 1)
        precondition(written == size, "\(size) bytes announced, \(written) appended")
        try check(file.take()?.takePlace() ?? 0)
    }

    private func flush(atLeast count: Int) throws(ModelFileError) {
        guard buffer.count >= count else { return }
        buffer.withUnsafeBytes { file?.append($0) }
        try check(file?.error ?? 0)
        written += buffer.count
        buffer.removeAll(keepingCapacity: true)
    }

    private func check(_ error: Int32) throws(ModelFileError) {
        if error != 0 { throw ModelFileError(.unreadable, path, String(cString: strerror(error))) }
    }
}
