/// What stands where in a vector of a song's features: the model's nets one behind the other, of each its levels from
/// −3 up. All three levels of all eight published nets are 10 240 numbers.
///
/// Lee and Nam, "Multi-level and multi-scale feature aggregation", IEEE SPL 2017, section II-B.
public struct FeatureLayout: Sendable, Equatable {
    /// One level of one net.
    public struct Part: Sendable, Equatable {
        public let net: String
        /// −3, −2 or −1: layer n − 1, n or n + 1.
        public let level: Int
        /// Numbers it has.
        public let width: Int

        public init(net: String, level: Int, width: Int) {
            self.net = net
            self.level = level
            self.width = width
        }
    }

    public let parts: [Part]

    public init(parts: [Part]) { self.parts = parts }

    /// - Parameters:
    ///   - shapes: the model's nets.
    ///   - names: nets to take, in any order; nil: all.
    ///   - levels: levels to take, in any order.
    /// - Throws: `FeatureError` for a net that the model hasn't, a level that isn't one, or none at all.
    public init(_ shapes: [NetShape], names: [String]? = nil, levels: [Int] = [-3, -2, -1]) throws(FeatureError) {
        for name in names ?? [] where !shapes.contains(where: { $0.name == name }) {
            let known = shapes.map(\.name).joined(separator: ", ")
            throw FeatureError("nets: \(name) is not one of the model's nets: \(known)")
        }
        for level in levels where !(-3 ... -1).contains(level) {
            throw FeatureError("levels: -3, -2 or -1 wanted, \(level) found")
        }
        let chosen = shapes.filter { names?.contains($0.name) ?? true }
        let ordered = Set(levels).sorted()
        guard !chosen.isEmpty, !ordered.isEmpty else { throw FeatureError("nets, levels: one or more wanted") }
        parts = chosen.flatMap { shape in
            ordered.map { Part(net: shape.name, level: $0, width: shape.widths[shape.layerCount + $0]) }
        }
    }

    /// Numbers in a vector.
    public var count: Int { parts.reduce(0) { $0 + $1.width } }

    /// Names of the nets, in order.
    public var nets: [String] {
        var names: [String] = []
        for part in parts where names.last != part.net { names.append(part.net) }
        return names
    }

    /// Levels, in order; the same of every net.
    public var levels: [Int] { Set(parts.map(\.level)).sorted() }

    /// Where the parts of a smaller layout stand in this one's vectors; runs that touch are one.
    ///
    /// - Throws: `FeatureError` for a part that isn't here.
    public func runs(of other: FeatureLayout) throws(FeatureError) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for wanted in other.parts {
            var start = 0
            var found: Range<Int>?
            for part in parts {
                if part == wanted { found = start..<(start + part.width) }
                start += part.width
            }
            guard let found else {
                throw FeatureError("no features of \(wanted.net), level \(wanted.level), width \(wanted.width)")
            }
            if let last = runs.last, last.upperBound == found.lowerBound {
                runs[runs.count - 1] = last.lowerBound..<found.upperBound
            } else {
                runs.append(found)
            }
        }
        return runs
    }
}

/// Why features can't be had; one line.
public struct FeatureError: Error, Equatable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
