/// A published list or dictionary, as Python's pickle wrote it (any protocol): strings, numbers, lists, tuples,
/// dictionaries and NumPy's arrays of numbers. No code is run, and whatever else a pickle may ask for is refused.
struct PickledData {
    private let path: String
    private let reader: PickleReader<NumpyVocabulary>
    private let root: NumpyVocabulary.Value

    init(path: String) throws(DatasetError) { try self.init(try datasetBytes(path), path: path) }

    /// - Parameter path: for messages.
    init(_ bytes: [UInt8], path: String) throws(DatasetError) {
        var reader = PickleReader(bytes, vocabulary: NumpyVocabulary())
        do throws(PickleFailure) { root = try reader.run() } catch {
            throw DatasetError(.invalid, path, "byte \(reader.position): \(error.reason)")
        }
        self.path = path
        self.reader = reader
    }

    /// A list of strings.
    func strings() throws(DatasetError) -> [String] {
        guard case .list(let number) = root else { throw DatasetError(.invalid, path, "a list of strings wanted") }
        var strings: [String] = []
        for value in reader.containers.lists[number] {
            guard let text = text(value) else { throw .invalid(path, entry: strings.count + 1, "a string wanted") }
            strings.append(text)
        }
        return strings
    }

    /// A dictionary from strings to strings; whole numbers on either side count as their digits.
    func stringDictionary() throws(DatasetError) -> [String: String] {
        try dictionary("a string") { text($0) }
    }

    /// A dictionary from strings to vectors: lists, tuples, or arrays of any shape, whose elements count row by row.
    func vectors() throws(DatasetError) -> [String: [Float]] {
        try dictionary("numbers") { vector($0) }
    }

    private func dictionary<Element>(
        _ wanted: String, _ convert: (NumpyVocabulary.Value) -> Element?
    ) throws(DatasetError) -> [String: Element] {
        guard case .dictionary(let number) = root else { throw DatasetError(.invalid, path, "a dictionary wanted") }
        var dictionary: [String: Element] = [:]
        for (index, member) in reader.containers.dictionaries[number].enumerated() {
            guard let key = text(member.key) else { throw .invalid(path, entry: index + 1, "a string as key wanted") }
            guard let value = convert(member.value) else {
                throw DatasetError(.invalid, path, "\(key): \(wanted) wanted")
            }
            dictionary[key] = value
        }
        return dictionary
    }

    private func text(_ value: NumpyVocabulary.Value) -> String? {
        switch value {
        case .string(let bytes): String(validating: bytes, as: UTF8.self)
        case .integer(let number): String(number)
        default: nil
        }
    }

    private func vector(_ value: NumpyVocabulary.Value) -> [Float]? {
        let values: [NumpyVocabulary.Value]
        switch value {
        case .list(let number): values = reader.containers.lists[number]
        case .tuple(let number): values = reader.containers.tuples[number]
        case .object(.array(let number)): return reader.vocabulary.arrays[number].values
        default: return nil
        }
        var vector: [Float] = []
        for value in values {
            switch value {
            case .integer(let number): vector.append(Float(number))
            case .float(let number): vector.append(Float(number))
            case .boolean(let flag): vector.append(flag ? 1 : 0)
            default: return nil
            }
        }
        return vector
    }
}
