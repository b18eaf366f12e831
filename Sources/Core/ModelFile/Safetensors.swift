/// The safetensors container: named tensors behind a JSON header. All of the header is checked before any of it is used.
///
/// Layout: eight bytes, the header's length N, little-endian; N bytes of JSON, `{NAME: {"dtype", "shape",
/// "data_offsets": [begin, end]}, …, "__metadata__": {NAME: STRING}}`; the data, to which offsets are relative.
struct Safetensors: ~Copyable {
    /// Longest header read: 100 MB, the format's own bound.
    static let longestHeader = 100_000_000

    struct Entry {
        let type: String
        let shape: [Int]
        /// In the file.
        let bytes: Range<Int>
    }

    let path: String
    let file: MappedFile
    let metadata: [String: String]
    /// In the header's order.
    let names: [String]
    private let entries: [String: Entry]

    init(path: String) throws(ModelFileError) {
        // A daemon reads a model that may be being replaced: what is cut off under a mapping ends the program.
        let file = try MappedFile(copying: path)
        let header = try Self.header(file.bytes, path: path)
        self.path = path
        self.file = file
        metadata = header.metadata
        names = header.names
        entries = header.entries
    }

    private struct Header {
        var metadata: [String: String] = [:]
        var names: [String] = []
        var entries: [String: Entry] = [:]
    }

    private static func header(_ bytes: UnsafeRawBufferPointer, path: String) throws(ModelFileError) -> Header {
        func invalid(_ reason: String) -> ModelFileError { ModelFileError(.invalid, path, reason) }

        guard bytes.count >= 8 else { throw invalid("header: 8 bytes of length wanted, \(bytes.count) found") }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(Self.longestHeader) else {
            throw invalid("header: at most \(Self.longestHeader) bytes wanted, \(length) found")
        }
        guard length <= UInt64(bytes.count - 8) else {
            throw invalid("header: \(length) bytes wanted, \(bytes.count - 8) found")
        }
        let start = 8 + Int(length)
        let json: JSONValue
        do { json = try JSONValue(parsing: bytes[8..<start]) } catch { throw invalid("header: \(error)") }
        guard case .object(let members) = json else { throw invalid("header: an object wanted, \(json.kind) found") }

        var header = Header()
        for member in members {
            if member.name == "__metadata__" {
                header.metadata = try Self.metadata(member.value, path: path)
            } else {
                header.entries[member.name] = try Self.entry(
                    member, dataStart: start, fileSize: bytes.count, path: path)
                header.names.append(member.name)
            }
        }
        // Sorted by where they begin, neighbours are all that can overlap.
        let placed = header.entries.map { ($0.key, $0.value.bytes) }.filter { !$0.1.isEmpty }
            .sorted { $0.1.lowerBound < $1.1.lowerBound }
        for (former, latter) in zip(placed, placed.dropFirst()) where former.1.upperBound > latter.1.lowerBound {
            throw invalid("\(latter.0): its data overlaps that of \(former.0)")
        }
        return header
    }

    subscript(name: String) -> Entry? { entries[name] }

    /// A tensor's numbers, row-major; F16 is widened.
    ///
    /// - Parameter shape: what the net wants; nil: whatever the file has.
    func floats(_ name: String, shape: [Int]) throws(ModelFileError) -> [Float] {
        guard let entry = entries[name] else { throw ModelFileError(.invalid, path, "\(name): missing") }
        guard entry.shape == shape else {
            throw ModelFileError(.invalid, path, "\(name): shape \(shape) wanted, \(entry.shape) found")
        }
        return try floats(name)
    }

    /// A tensor's numbers in whatever shape it has.
    func floats(_ name: String) throws(ModelFileError) -> [Float] {
        guard let entry = entries[name] else { throw ModelFileError(.invalid, path, "\(name): missing") }
        let data = UnsafeRawBufferPointer(rebasing: file.bytes[entry.bytes])
        var values: [Float]
        switch entry.type {
        case "F32":
            values = (0..<(data.count / 4)).map {
                Float(bitPattern: UInt32(littleEndian: data.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
            }
        case "F16":
            values = (0..<(data.count / 2)).map {
                Float(halfPrecision: UInt16(littleEndian: data.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self)))
            }
        default: throw ModelFileError(.invalid, path, "\(name): dtype F32 or F16 wanted, \(entry.type) found")
        }
        if let bad = values.firstIndex(where: { !$0.isFinite }) {
            throw ModelFileError(.invalid, path, "\(name): a finite number wanted, \(values[bad]) found at \(bad)")
        }
        return values
    }

    /// A tensor of 8-bit integers, row-major.
    func bytes(_ name: String, shape: [Int]) throws(ModelFileError) -> [Int8] {
        guard let entry = entries[name] else { throw ModelFileError(.invalid, path, "\(name): missing") }
        guard entry.type == "I8" else {
            throw ModelFileError(.invalid, path, "\(name): dtype I8 wanted, \(entry.type) found")
        }
        guard entry.shape == shape else {
            throw ModelFileError(.invalid, path, "\(name): shape \(shape) wanted, \(entry.shape) found")
        }
        return file.bytes[entry.bytes].map { Int8(bitPattern: $0) }
    }

    private static func metadata(_ value: JSONValue, path: String) throws(ModelFileError) -> [String: String] {
        guard case .object(let members) = value else {
            throw ModelFileError(.invalid, path, "__metadata__: an object wanted, \(value.kind) found")
        }
        var metadata: [String: String] = [:]
        for member in members {
            guard case .string(let text) = member.value else {
                throw ModelFileError(
                    .invalid, path, "__metadata__.\(member.name): a string wanted, \(member.value.kind) found")
            }
            metadata[member.name] = text
        }
        return metadata
    }

    private static let sizes = [
        "BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4, "U32": 4, "F32": 4, "F64": 8,
        "I64": 8, "U64": 8, "F8_E5M2": 1, "F8_E4M3": 1,
    ]

    private static func entry(
        _ member: JSONValue.Member, dataStart: Int, fileSize: Int, path: String
    ) throws(ModelFileError) -> Entry {
        func invalid(_ reason: String) -> ModelFileError { ModelFileError(.invalid, path, "\(member.name): \(reason)") }
        guard case .object = member.value else { throw invalid("an object wanted, \(member.value.kind) found") }
        guard case .string(let type)? = member.value["dtype"] else { throw invalid("dtype: a string wanted") }
        guard let itemSize = sizes[type] else { throw invalid("dtype: \(type) is unknown") }
        guard let shape = wholeNumbers(member.value["shape"]) else {
            throw invalid("shape: an array of whole numbers wanted")
        }
        guard let offsets = wholeNumbers(member.value["data_offsets"]), offsets.count == 2 else {
            throw invalid("data_offsets: two whole numbers wanted")
        }
        guard offsets[0] <= offsets[1], offsets[1] <= fileSize - dataStart else {
            throw invalid("data_offsets: 0 to \(fileSize - dataStart) wanted, \(offsets) found")
        }
        var size = itemSize
        for length in shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: length)
            guard !overflow else { throw invalid("shape: \(shape) has more elements than a file can hold") }
            size = product
        }
        guard size == offsets[1] - offsets[0] else {
            throw invalid("data_offsets: \(size) bytes wanted for \(type) \(shape), \(offsets[1] - offsets[0]) found")
        }
        return Entry(type: type, shape: shape, bytes: (dataStart + offsets[0])..<(dataStart + offsets[1]))
    }

    private static func wholeNumbers(_ value: JSONValue?) -> [Int]? {
        guard case .array(let values)? = value else { return nil }
        var numbers: [Int] = []
        for value in values {
            guard case .integer(let number) = value, number >= 0 else { return nil }
            numbers.append(number)
        }
        return numbers
    }
}

extension Float {
    /// IEEE 754 half precision; Swift's `Float16` doesn't exist on every machine wavetag runs on.
    init(halfPrecision bits: UInt16) {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int(bits >> 10 & 31)
        let fraction = Float(bits & 0x3FF)
        switch exponent {
        case 0: self = sign * fraction * 0x1p-24
        case 31: self = fraction == 0 ? sign * .infinity : .nan
        default: self = sign * (1024 + fraction) * Float(sign: .plus, exponent: exponent - 25, significand: 1)
        }
    }
}
