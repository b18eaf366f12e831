/// Why a pickle can't be read; its reader knows where.
struct PickleFailure: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// A value of a pickle. Containers are referred to by number, so that one that holds itself, or a million in one
/// another, costs nothing when it goes.
enum PickleValue<Object> {
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case string([UInt8])
    case list(Int)
    case tuple(Int)
    case dictionary(Int)
    case object(Object)
}

/// A pickle's lists, tuples and dictionaries, each at its number.
struct PickleContainers<Object> {
    typealias Value = PickleValue<Object>

    fileprivate(set) var lists: [[Value]] = []
    fileprivate(set) var tuples: [[Value]] = []
    fileprivate(set) var dictionaries: [[(key: Value, value: Value)]] = []

    mutating func makeDictionary() -> Value {
        dictionaries.append([])
        return .dictionary(dictionaries.count - 1)
    }
}

/// The names of Python that a pickle may refer to. Nothing is looked up or run: each name stands for what the
/// vocabulary does itself, and a name that it hasn't is refused.
protocol PickleVocabulary {
    /// A name, or what comes of calling one.
    associatedtype Object
    typealias Value = PickleValue<Object>
    typealias Containers = PickleContainers<Object>

    func named(module: String, name: String) -> Object?

    /// What Python's `object(*arguments)` would give.
    mutating func call(
        _ object: Object, _ arguments: [Value], in containers: inout Containers
    ) throws(PickleFailure) -> Value

    /// What Python's `target.__setstate__(state)` would do.
    mutating func setState(of target: Value, to state: Value, in containers: Containers) throws(PickleFailure)

    /// What stands beside the pickle under an identifier.
    mutating func external(_ identifier: Value, in containers: Containers) throws(PickleFailure) -> Value
}

extension PickleVocabulary {
    func external(_ identifier: Value, in containers: Containers) throws(PickleFailure) -> Value {
        throw PickleFailure("something outside of the pickle is referred to")
    }
}

/// Runs a pickle's opcodes as far as plain data and a vocabulary's objects need them.
///
/// The opcodes are documented in Python's Lib/pickletools.py. Protocol 0 is lines of text, the later ones are binary;
/// the published files are of both kinds.
struct PickleReader<Vocabulary: PickleVocabulary> {
    typealias Failure = PickleFailure
    typealias Value = Vocabulary.Value

    private(set) var vocabulary: Vocabulary
    private(set) var containers = PickleContainers<Vocabulary.Object>()
    /// The next byte to read.
    var position: Int { input.position }

    private var input: PickleBytes
    private var stack: [Value] = []
    /// Heights of the stack at which a mark stands.
    private var marks: [Int] = []
    private var memo: [Int: Value] = [:]

    /// - Parameter position: where the pickle begins.
    init(_ bytes: [UInt8], from position: Int = 0, vocabulary: Vocabulary) {
        input = PickleBytes(bytes, from: position)
        self.vocabulary = vocabulary
    }

    mutating func run() throws(Failure) -> Value {
        while true {
            let opcode = try input.byte()
            if opcode == UInt8(ascii: ".") { return try pop() }
            if try !performText(opcode) { try performBinary(opcode) }
        }
    }

    /// The opcodes of protocol 0.
    ///
    /// - Returns: false when it is none of them.
    private mutating func performText(_ opcode: UInt8) throws(Failure) -> Bool {
        switch opcode {
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "0"): _ = try pop()
        case UInt8(ascii: "1"): _ = try popToMark()
        case UInt8(ascii: "N"): stack.append(.none)
        case UInt8(ascii: "I"):
            let line = try input.line()
            // Booleans are numbers with a zero before them.
            if line.elementsEqual("00".utf8) || line.elementsEqual("01".utf8) {
                stack.append(.boolean(line.last == UInt8(ascii: "1")))
            } else {
                stack.append(.integer(try PickleBytes.integer(line)))
            }
        case UInt8(ascii: "L"):
            let line = try input.line()
            stack.append(.integer(try PickleBytes.integer(line.last == UInt8(ascii: "L") ? line.dropLast() : line)))
        case UInt8(ascii: "F"):
            guard let number = Double(String(decoding: try input.line(), as: UTF8.self)) else {
                throw Failure("a number wanted")
            }
            stack.append(.float(number))
        case UInt8(ascii: "S"): stack.append(.string(try PickleBytes.unquoted(try input.line())))
        case UInt8(ascii: "V"): stack.append(.string(try PickleBytes.unescapedUnicode(try input.line())))
        case UInt8(ascii: "l"): try pushList(popToMark())
        case UInt8(ascii: "t"): try pushTuple(popToMark())
        case UInt8(ascii: "d"):
            let values = try popToMark()
            pushDictionary()
            try setItems(values)
        case UInt8(ascii: "a"): try append(popped(1))
        case UInt8(ascii: "s"): try setItems(popped(2))
        case UInt8(ascii: "p"): try memoise(PickleBytes.integer(try input.line()))
        case UInt8(ascii: "g"): try recall(PickleBytes.integer(try input.line()))
        case UInt8(ascii: "c"):
            let module = String(decoding: try input.line(), as: UTF8.self)
            try pushGlobal(module: module, name: String(decoding: try input.line(), as: UTF8.self))
        case UInt8(ascii: "R"): try call()
        case UInt8(ascii: "b"): try setState()
        case UInt8(ascii: "P"): try pushExternal(.string(Array(input.line())))
        default: return false
        }
        return true
    }

    /// The opcodes of protocols 1 to 5.
    private mutating func performBinary(_ opcode: UInt8) throws(Failure) {
        switch opcode {
        case 0x80: _ = try input.byte()  // PROTO
        case 0x95: _ = try input.number(8)  // FRAME
        case UInt8(ascii: "Q"): try pushExternal(pop())
        case UInt8(ascii: "2"):
            let value = try pop()
            stack += [value, value]
        case 0x88: stack.append(.boolean(true))
        case 0x89: stack.append(.boolean(false))
        case UInt8(ascii: "K"): stack.append(.integer(try input.number(1)))
        case UInt8(ascii: "M"): stack.append(.integer(try input.number(2)))
        case UInt8(ascii: "J"): stack.append(.integer(Int(Int32(truncatingIfNeeded: try input.number(4)))))
        case 0x8A: stack.append(.integer(try input.longInteger()))
        case UInt8(ascii: "G"): stack.append(.float(try input.double()))
        case UInt8(ascii: "U"), UInt8(ascii: "C"), 0x8C: stack.append(.string(try input.bytes(input.number(1))))
        case UInt8(ascii: "T"), UInt8(ascii: "B"), UInt8(ascii: "X"):
            stack.append(.string(try input.bytes(input.number(4))))
        case 0x8D, 0x8E: stack.append(.string(try input.bytes(input.number(8))))
        case UInt8(ascii: "]"): pushList([])
        case UInt8(ascii: ")"): pushTuple([])
        case UInt8(ascii: "}"): pushDictionary()
        case 0x85, 0x86, 0x87: try pushTuple(popped(Int(opcode) - 0x84))
        case UInt8(ascii: "e"): try append(popToMark())
        case UInt8(ascii: "u"): try setItems(popToMark())
        case UInt8(ascii: "q"): try memoise(input.number(1))
        case UInt8(ascii: "r"): try memoise(input.number(4))
        case 0x94: try memoise(memo.count)
        case UInt8(ascii: "h"): try recall(input.number(1))
        case UInt8(ascii: "j"): try recall(input.number(4))
        case 0x93:
            guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
                throw Failure("a global's two names wanted")
            }
            try pushGlobal(module: String(decoding: module, as: UTF8.self), name: String(decoding: name, as: UTF8.self))
        default: throw Failure("opcode \(opcode) is not one that lists and dictionaries need")
        }
    }

    // MARK: Objects

    private mutating func pushGlobal(module: String, name: String) throws(Failure) {
        guard let object = vocabulary.named(module: module, name: name) else {
            throw Failure("\(module).\(name) is refused: only data is read, nothing is called")
        }
        stack.append(.object(object))
    }

    private mutating func call() throws(Failure) {
        guard case .tuple(let number) = try pop(), case .object(let object) = try pop() else {
            throw Failure("a name and its arguments wanted")
        }
        stack.append(try vocabulary.call(object, containers.tuples[number], in: &containers))
    }

    private mutating func setState() throws(Failure) {
        let state = try pop()
        guard stack.count > marks.last ?? 0, let target = stack.last else {
            throw Failure("an object wanted before a state")
        }
        try vocabulary.setState(of: target, to: state, in: containers)
    }

    private mutating func pushExternal(_ identifier: Value) throws(Failure) {
        stack.append(try vocabulary.external(identifier, in: containers))
    }

    // MARK: Stack, memo and containers

    private mutating func pop() throws(Failure) -> Value {
        guard stack.count > marks.last ?? 0 else { throw Failure("a value wanted, none is left") }
        return stack.removeLast()
    }

    private mutating func popped(_ count: Int) throws(Failure) -> [Value] {
        guard stack.count - (marks.last ?? 0) >= count else { throw Failure("\(count) values wanted, fewer are left") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(Failure) -> [Value] {
        guard let mark = marks.popLast() else { throw Failure("a mark wanted, none is left") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func pushList(_ values: [Value]) {
        stack.append(.list(containers.lists.count))
        containers.lists.append(values)
    }

    private mutating func pushTuple(_ values: [Value]) {
        stack.append(.tuple(containers.tuples.count))
        containers.tuples.append(values)
    }

    private mutating func pushDictionary() {
        stack.append(containers.makeDictionary())
    }

    private mutating func append(_ values: [Value]) throws(Failure) {
        guard case .list(let number)? = stack.last else { throw Failure("a list to append to wanted") }
        containers.lists[number] += values
    }

    private mutating func setItems(_ values: [Value]) throws(Failure) {
        guard values.count.isMultiple(of: 2), case .dictionary(let number)? = stack.last else {
            throw Failure("a dictionary, keys and values wanted")
        }
        for index in stride(from: 0, to: values.count, by: 2) {
            containers.dictionaries[number].append((values[index], values[index + 1]))
        }
    }

    private mutating func memoise(_ key: Int) throws(Failure) {
        guard stack.count > marks.last ?? 0, let value = stack.last else {
            throw Failure("a value to remember wanted")
        }
        memo[key] = value
    }

    private mutating func recall(_ key: Int) throws(Failure) {
        guard let value = memo[key] else { throw Failure("nothing was remembered as \(key)") }
        stack.append(value)
    }
}
