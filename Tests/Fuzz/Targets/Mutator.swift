import Core

/// Seeded damage to inputs, for where libFuzzer isn't: the same seed gives the same inputs.
package struct Mutator {
    private var random: SplitMix64
    private let corpus: [[UInt8]]

    /// Longest input made.
    private static let longest = 1 << 17
    /// Numbers at which readers are wrong, where they are.
    private static let edges: [UInt64] = [
        0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF,
        0x8000_0000_0000_0000, .max,
    ]
    private static let texts = ["0", "-1", "1e999", "9223372036854775807", "nan", "[", "{", "\"", "\t", "\n", "\u{0}"]

    /// - Parameter corpus: at least one input.
    package init(seed: UInt64, corpus: [[UInt8]]) {
        random = SplitMix64(state: seed)
        self.corpus = corpus
    }

    package mutating func next() -> [UInt8] {
        var bytes = corpus.randomElement(using: &random)!
        for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes) }
        return Array(bytes.prefix(Self.longest))
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else {
            bytes = [UInt8.random(in: 0...255, using: &random)]
            return
        }
        // Formats have most of their own numbers where they begin.
        let reach = Bool.random(using: &random) ? bytes.count : min(bytes.count, 512)
        let place = Int.random(in: 0..<reach, using: &random)
        let length = min(bytes.count - place, 1 << Int.random(in: 0...8, using: &random))
        switch Int.random(in: 0..<9, using: &random) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.removeSubrange(place..<(place + length))
        case 3: bytes.insert(contentsOf: bytes[place..<(place + length)], at: place)
        case 4: bytes.removeSubrange(place...)
        case 5:
            let number = Self.edges.randomElement(using: &random)!
            let width = min(bytes.count - place, 1 << Int.random(in: 0...3, using: &random))
            for index in 0..<width { bytes[place + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index)) }
        case 6: bytes.insert(contentsOf: Self.texts.randomElement(using: &random)!.utf8, at: place)
        case 7:
            let other = corpus.randomElement(using: &random)!
            guard !other.isEmpty else { return }
            bytes.replaceSubrange(place..., with: other[Int.random(in: 0..<other.count, using: &random)...])
        default:
            let other = Int.random(in: 0..<bytes.count, using: &random)
            bytes.swapAt(place, other)
        }
    }
}
