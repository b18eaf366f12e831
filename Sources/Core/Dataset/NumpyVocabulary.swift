/// The names that pickled arrays of NumPy refer to.
struct NumpyVocabulary: PickleVocabulary {
    enum Object {
        /// `numpy.core.multiarray._reconstruct`: an array that has no state yet.
        case makeArray
        /// `numpy.ndarray`, which `makeArray` is given.
        case arrayType
        /// `numpy.dtype`.
        case elementType
        /// `_codecs.encode`: how Python 3 writes bytes in the old protocols.
        case encode
        /// One of `arrays`.
        case array(Int)
        case element(NumpyElement)
    }

    private(set) var arrays: [NumpyArray] = []

    func named(module: String, name: String) -> Object? {
        switch (module, name) {
        case ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"): .makeArray
        case ("numpy", "ndarray"): .arrayType
        case ("numpy", "dtype"): .elementType
        case ("_codecs", "encode"): .encode
        default: nil
        }
    }

    mutating func call(
        _ object: Object, _ arguments: [Value], in containers: inout Containers
    ) throws(PickleFailure) -> Value {
        switch object {
        case .makeArray:
            arrays.append(NumpyArray())
            return .object(.array(arrays.count - 1))
        case .elementType:
            guard case .string(let bytes)? = arguments.first,
                let element = NumpyElement(name: String(decoding: bytes, as: UTF8.self))
            else { throw PickleFailure("numpy.dtype: a number's type wanted") }
            return .object(.element(element))
        case .encode:
            guard arguments.count == 2, case .string(let text) = arguments[0], case .string(let codec) = arguments[1],
                codec.elementsEqual("latin1".utf8), let decoded = String(validating: text, as: UTF8.self),
                decoded.unicodeScalars.allSatisfy({ $0.value < 256 })
            else { throw PickleFailure("_codecs.encode: a string and latin1 wanted") }
            return .string(decoded.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
        case .arrayType: throw PickleFailure("numpy.ndarray is called, which isn't read")
        case .array, .element: throw PickleFailure("a name and its arguments wanted")
        }
    }

    mutating func setState(of target: Value, to state: Value, in containers: Containers) throws(PickleFailure) {
        guard case .tuple(let number) = state else { throw PickleFailure("a state in a tuple wanted") }
        let state = containers.tuples[number]
        switch target {
        case .object(.array(let array)):
            // Version, shape, element's type, whether in Fortran's order, bytes.
            guard state.count == 5, case .tuple(let shapeNumber) = state[1],
                case .object(.element(let element)) = state[2], let isFortranOrder = flag(state[3]),
                case .string(let bytes) = state[4]
            else { throw PickleFailure("numpy.ndarray: a shape, a type, an order and bytes wanted") }
            var shape: [Int] = []
            for length in containers.tuples[shapeNumber] {
                guard case .integer(let length) = length else { throw PickleFailure("numpy.ndarray: a shape wanted") }
                shape.append(length)
            }
            guard
                let filled = NumpyArray(shape: shape, element: element, isFortranOrder: isFortranOrder, bytes: bytes)
            else {
                throw PickleFailure("numpy.ndarray: \(bytes.count) bytes aren't an array of shape \(shape), row by row")
            }
            arrays[array] = filled
        case .object(.element):
            // Version, byte order, and what only structures have.
            guard state.count >= 2, case .string(let order) = state[1],
                order.elementsEqual("<".utf8) || order.elementsEqual("|".utf8)
            else { throw PickleFailure("numpy.dtype: little-endian numbers wanted") }
        default: throw PickleFailure("an array or its type wanted before a state")
        }
    }

    private func flag(_ value: Value) -> Bool? {
        switch value {
        case .boolean(let flag): flag
        case .integer(let number): number != 0
        default: nil
        }
    }
}
