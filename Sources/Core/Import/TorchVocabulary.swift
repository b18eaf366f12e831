/// An element's type in a storage of PyTorch.
enum TorchElement {
    case float, double, half, brainFloat
    /// Whole numbers and truth values, of so many bytes; no weight is one.
    case whole(size: Int)

    /// - Parameter storage: the storage's class, for example `FloatStorage`.
    init?(storage: String) {
        switch storage {
        case "FloatStorage": self = .float
        case "DoubleStorage": self = .double
        case "HalfStorage": self = .half
        case "BFloat16Storage": self = .brainFloat
        case "LongStorage": self = .whole(size: 8)
        case "IntStorage": self = .whole(size: 4)
        case "ShortStorage": self = .whole(size: 2)
        case "CharStorage", "ByteStorage", "BoolStorage": self = .whole(size: 1)
        default: return nil
        }
    }

    /// Bytes.
    var size: Int {
        switch self {
        case .float: 4
        case .double: 8
        case .half, .brainFloat: 2
        case .whole(let size): size
        }
    }
}

/// Numbers that stand beside the pickle under a key.
struct TorchStorage {
    let key: String
    let element: TorchElement
    /// Elements.
    let count: Int
}

/// A view of a storage: element [i, j, …] lies at offset + i · strides[0] + j · strides[1] + ….
struct TorchTensor {
    let storage: TorchStorage
    let offset: Int
    let shape: [Int]
    let strides: [Int]
}

/// The names that a state dictionary of PyTorch refers to: tensors, and the ordered dictionary around them.
struct TorchVocabulary: PickleVocabulary {
    enum Object {
        /// `collections.OrderedDict`.
        case orderedDictionary
        /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`, which has a gradient's flag and hooks behind it.
        case makeTensor
        /// `torch._utils._rebuild_parameter`: a tensor, and what only training needs.
        case makeParameter
        case storageType(TorchElement)
        case storage(TorchStorage)
        case tensor(TorchTensor)
    }

    /// All storages that the pickle refers to, by key.
    private(set) var storages: [String: TorchStorage] = [:]

    func named(module: String, name: String) -> Object? {
        switch (module, name) {
        case ("collections", "OrderedDict"): .orderedDictionary
        case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"): .makeTensor
        case ("torch._utils", "_rebuild_parameter"): .makeParameter
        case ("torch", _), ("torch.cuda", _): TorchElement(storage: name).map { .storageType($0) }
        default: nil
        }
    }

    func call(
        _ object: Object, _ arguments: [Value], in containers: inout Containers
    ) throws(PickleFailure) -> Value {
        switch object {
        case .orderedDictionary:
            guard arguments.isEmpty else { throw PickleFailure("collections.OrderedDict: no arguments wanted") }
            return containers.makeDictionary()
        case .makeTensor:
            guard arguments.count >= 4, case .object(.storage(let storage)) = arguments[0],
                case .integer(let offset) = arguments[1], let shape = lengths(arguments[2], in: containers),
                let strides = lengths(arguments[3], in: containers)
            else { throw PickleFailure("a tensor's storage, offset, shape and strides wanted") }
            return .object(.tensor(try tensor(storage, offset: offset, shape: shape, strides: strides)))
        case .makeParameter:
            guard case .object(.tensor(let tensor))? = arguments.first else {
                throw PickleFailure("a parameter's tensor wanted")
            }
            return .object(.tensor(tensor))
        case .storageType, .storage, .tensor: throw PickleFailure("a name and its arguments wanted")
        }
    }

    /// All elements lie within the storage.
    private func tensor(
        _ storage: TorchStorage, offset: Int, shape: [Int], strides: [Int]
    ) throws(PickleFailure) -> TorchTensor {
        guard shape.count == strides.count, shape.count <= 8, offset >= 0 else {
            throw PickleFailure("a tensor: as many strides as lengths wanted, \(strides) and \(shape) found")
        }
        if !shape.contains(0) {
            var last = offset
            for (length, stride) in zip(shape, strides) {
                let (reach, tooFar) = (length - 1).multipliedReportingOverflow(by: stride)
                let (sum, overflow) = last.addingReportingOverflow(reach)
                guard !tooFar, !overflow else { throw PickleFailure("a tensor of shape \(shape) is too large") }
                last = sum
            }
            guard last < storage.count else {
                throw PickleFailure(
                    "a tensor of shape \(shape) reaches element \(last) of a storage of \(storage.count)")
            }
        }
        return TorchTensor(storage: storage, offset: offset, shape: shape, strides: strides)
    }

    private func lengths(_ value: Value, in containers: Containers) -> [Int]? {
        guard case .tuple(let number) = value else { return nil }
        var lengths: [Int] = []
        for value in containers.tuples[number] {
            guard case .integer(let length) = value, length >= 0 else { return nil }
            lengths.append(length)
        }
        return lengths
    }

    /// A state dictionary carries its modules' versions as an attribute: nothing that a net computes with.
    func setState(of target: Value, to state: Value, in containers: Containers) throws(PickleFailure) {
        guard case .dictionary = target, case .dictionary = state else {
            throw PickleFailure("a dictionary's attributes wanted as a state")
        }
    }

    /// A storage: `("storage", class, key, device, elements)`, in the older format with a view of another one, or None.
    mutating func external(_ identifier: Value, in containers: Containers) throws(PickleFailure) -> Value {
        guard case .tuple(let number) = identifier else { throw PickleFailure("a storage's five parts wanted") }
        let parts = containers.tuples[number]
        guard (5...6).contains(parts.count), case .string(let kind) = parts[0], kind.elementsEqual("storage".utf8),
            case .object(.storageType(let element)) = parts[1], case .string(let key) = parts[2],
            case .integer(let count) = parts[4], count >= 0
        else { throw PickleFailure("a storage's class, key and number of elements wanted") }
        if parts.count == 6 {
            guard case .none = parts[5] else { throw PickleFailure("a storage that is part of another isn't read") }
        }
        let storage = TorchStorage(key: String(decoding: key, as: UTF8.self), element: element, count: count)
        storages[storage.key] = storage
        return .object(.storage(storage))
    }
}
