/// A state dictionary as `torch.save` writes it: a zip archive (PyTorch 1.6 and later), or one pickle behind the other.
///
/// Both have a pickle with the tensors' names and shapes, and the numbers beside it: in the archive as members
/// `data/KEY`, in the older format behind the pickles, each led by its number of elements.
struct TorchCheckpoint: CheckpointTensors, ~Copyable {
    let path: String
    private let file: MappedFile
    private let tensors: [String: TorchTensor]
    /// Where each storage's bytes lie in the file.
    private let storages: [String: Range<Int>]

    /// Names of all tensors.
    var names: some Collection<String> { tensors.keys }

    /// Largest file read: a gigabyte, a hundred times a published net's.
    private static let largest = 1 << 30

    init(path: String) throws(ImportError) {
        let file = try MappedFile(checkpoint: path)
        let bytes = file.bytes
        func invalid(_ reason: String) -> ImportError { ImportError(.invalid, path, reason) }
        guard bytes.count <= Self.largest else {
            throw invalid("at most \(Self.largest) bytes wanted, \(bytes.count) found")
        }
        let content: Content
        if ZipArchive.isArchive(bytes) {
            do throws(ZipArchive.Failure) { content = try Self.archive(bytes, invalid: invalid) } catch {
                throw invalid(error.reason)
            }
        } else if bytes.starts(with: Self.legacyStart) {
            content = try Self.legacy(bytes, invalid: invalid)
        } else {
            throw invalid("a PyTorch checkpoint wanted: neither a zip archive nor the older format")
        }
        self.path = path
        self.file = file
        tensors = content.tensors
        storages = content.storages
    }

    func shape(of name: String) -> [Int]? { tensors[name]?.shape }

    /// Whether a tensor holds numbers with a fraction, as weights do and counters don't.
    func isFractional(_ name: String) -> Bool {
        if case .whole? = tensors[name]?.storage.element { false } else { true }
    }

    func unchecked(_ name: String) throws(ImportError) -> [Float] {
        guard let tensor = tensors[name] else { throw invalid("\(name): missing") }
        let storage = tensor.storage
        guard let range = storages[storage.key] else { throw invalid("\(name): storage \(storage.key) is missing") }
        guard range.count % storage.element.size == 0, range.count / storage.element.size == storage.count else {
            throw invalid(
                "\(name): \(storage.count) elements of \(storage.element.size) bytes wanted, \(range.count) bytes found"
            )
        }
        let data = UnsafeRawBufferPointer(rebasing: file.bytes[range])
        var places = [tensor.offset]
        for (length, stride) in zip(tensor.shape, tensor.strides) {
            places = places.flatMap { place in (0..<length).map { place + $0 * stride } }
        }
        switch storage.element {
        case .float:
            return places.map { Float(bitPattern: data.number(UInt32.self, $0)) }
        case .double:
            return places.map { Float(Double(bitPattern: data.number(UInt64.self, $0))) }
        case .half:
            return places.map { Float(halfPrecision: data.number(UInt16.self, $0)) }
        case .brainFloat:
            return places.map { Float(bitPattern: UInt32(data.number(UInt16.self, $0)) << 16) }
        case .whole: throw invalid("\(name): floating-point numbers wanted, whole ones found")
        }
    }

    // MARK: The two formats

    private struct Content {
        let tensors: [String: TorchTensor]
        let storages: [String: Range<Int>]
    }

    private static func archive(
        _ bytes: UnsafeRawBufferPointer, invalid: (String) -> ImportError
    ) throws(ZipArchive.Failure) -> Content {
        let archive = try ZipArchive(bytes)
        let pickles = archive.names.filter { $0.hasSuffix("/data.pkl") }
        guard pickles.count == 1, let range = try archive.range(of: pickles[0], in: bytes) else {
            throw ZipArchive.Failure("an archive with one data.pkl wanted, \(pickles.count) found")
        }
        let folder = pickles[0].dropLast("data.pkl".count)
        if let order = try archive.range(of: folder + "byteorder", in: bytes) {
            guard bytes[order].elementsEqual("little".utf8) else {
                throw ZipArchive.Failure("\(folder)byteorder: little wanted")
            }
        }
        var reader = PickleReader(Array(bytes[range]), vocabulary: TorchVocabulary())
        let tensors: [String: TorchTensor]
        do throws(PickleFailure) { tensors = try stateDictionary(try reader.run(), reader.containers) } catch {
            throw ZipArchive.Failure("\(pickles[0]): byte \(reader.position): \(error.reason)")
        }
        var storages: [String: Range<Int>] = [:]
        for key in Set(tensors.values.map(\.storage.key)) {
            storages[key] = try archive.range(of: "\(folder)data/\(key)", in: bytes)
        }
        return Content(tensors: tensors, storages: storages)
    }

    /// The first pickle of the older format: one number, 0x1950A86A20F9469CFC6C.
    private static let legacyStart: [UInt8] = [
        0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]

    private static func legacy(
        _ bytes: UnsafeRawBufferPointer, invalid: (String) -> ImportError
    ) throws(ImportError) -> Content {
        let content = Array(bytes)
        var position = legacyStart.count
        var tensors: [String: TorchTensor] = [:]
        var described: [String: TorchStorage] = [:]
        var keys: [String] = []
        // The format's version, the machine that wrote it, the dictionary, the storages' keys.
        for part in 0..<4 {
            var reader = PickleReader(content, from: position, vocabulary: TorchVocabulary())
            do throws(PickleFailure) {
                let value = try reader.run()
                switch part {
                case 0:
                    guard case .integer(1001) = value else { throw PickleFailure("the format's version 1001 wanted") }
                case 1: try requireLittleEndian(value, reader.containers)
                case 2:
                    tensors = try stateDictionary(value, reader.containers)
                    described = reader.vocabulary.storages
                default: keys = try self.keys(value, reader.containers)
                }
            } catch { throw invalid("byte \(reader.position): \(error.reason)") }
            position = reader.position
        }
        var storages: [String: Range<Int>] = [:]
        for key in keys {
            guard let storage = described[key] else { throw invalid("storage \(key): the pickle doesn't know it") }
            guard bytes.count - position >= 8 else { throw invalid("storage \(key): missing: truncated?") }
            let count = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
            guard count == UInt64(storage.count) else {
                throw invalid("storage \(key): \(storage.count) elements wanted, \(count) found")
            }
            let (size, overflow) = storage.count.multipliedReportingOverflow(by: storage.element.size)
            guard !overflow, size <= bytes.count - position else {
                throw invalid("storage \(key): \(size) bytes wanted, \(bytes.count - position) found")
            }
            storages[key] = position..<(position + size)
            position += size
        }
        return Content(tensors: tensors, storages: storages)
    }

    private typealias Containers = TorchVocabulary.Containers

    /// The tensors of a dictionary, or of the one that stands in it as `model` or `state_dict`.
    private static func stateDictionary(
        _ root: TorchVocabulary.Value, _ containers: Containers
    ) throws(PickleFailure) -> [String: TorchTensor] {
        guard case .dictionary(let number) = root else { throw PickleFailure("a dictionary of tensors wanted") }
        var tensors: [String: TorchTensor] = [:]
        var inner: TorchVocabulary.Value?
        for (key, value) in containers.dictionaries[number] {
            guard case .string(let bytes) = key else { continue }
            let name = String(decoding: bytes, as: UTF8.self)
            switch value {
            case .object(.tensor(let tensor)): tensors[name] = tensor
            case .dictionary where name == "model" || name == "state_dict": inner = value
            default: continue
            }
        }
        guard tensors.isEmpty, case .dictionary(let number)? = inner else { return tensors }
        for (key, value) in containers.dictionaries[number] {
            guard case .string(let bytes) = key, case .object(.tensor(let tensor)) = value else { continue }
            tensors[String(decoding: bytes, as: UTF8.self)] = tensor
        }
        return tensors
    }

    private static func requireLittleEndian(
        _ value: TorchVocabulary.Value, _ containers: Containers
    ) throws(PickleFailure) {
        guard case .dictionary(let number) = value else { throw PickleFailure("the writing machine's sizes wanted") }
        for (key, value) in containers.dictionaries[number] {
            guard case .string(let name) = key, name.elementsEqual("little_endian".utf8) else { continue }
            guard case .boolean(true) = value else { throw PickleFailure("little-endian numbers wanted") }
        }
    }

    private static func keys(
        _ value: TorchVocabulary.Value, _ containers: Containers
    ) throws(PickleFailure) -> [String] {
        guard case .list(let number) = value else { throw PickleFailure("a list of storages wanted") }
        var keys: [String] = []
        for value in containers.lists[number] {
            guard case .string(let key) = value else { throw PickleFailure("a storage's key wanted") }
            keys.append(String(decoding: key, as: UTF8.self))
        }
        return keys
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func number<Bits: FixedWidthInteger>(_ type: Bits.Type, _ index: Int) -> Bits {
        Bits(littleEndian: loadUnaligned(fromByteOffset: index * MemoryLayout<Bits>.size, as: type))
    }
}
