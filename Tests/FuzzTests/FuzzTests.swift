import FuzzTargets
import Glibc
import Testing

/// A taste of `make fuzz` in every run of the tests: the committed inputs, and seeded damage to them.
@Suite("Fuzzing")
struct FuzzTests {
    /// HDF5 is damaged in `ImportCommandTests`, through the program: libhdf5 would take this process with it.
    private static let targets = FuzzTarget.allCases.filter { !$0.isContained }

    @Test("Committed inputs are read, and some of them are right", arguments: targets)
    func corpus(_ target: FuzzTarget) {
        let reader = FuzzReader(target)
        let inputs = Corpus.inputs(target)
        for bytes in inputs { bytes.withUnsafeBytes { reader.read($0) } }
        #expect(reader.accepted > 0)
        #expect(reader.refused > 0)
        #expect(reader.accepted + reader.refused == inputs.count)
    }

    @Test("Damaged inputs are read or refused", arguments: targets)
    func damage(_ target: FuzzTarget) throws {
        // The larger ones take their time, and are for `make fuzz`.
        let corpus = Corpus.inputs(target).filter { $0.count < 1 << 15 }
        try #require(!corpus.isEmpty)
        var mutator = Mutator(seed: 9, corpus: corpus)
        let reader = FuzzReader(target)
        for number in 0..<1000 {
            let bytes = mutator.next()
            // What a crash leaves behind.
            keep(bytes, number, target)
            bytes.withUnsafeBytes { reader.read($0) }
        }
        #expect(reader.refused > 0)
        unlink(Self.path(target))
    }

    private static func path(_ target: FuzzTarget) -> String { "/tmp/wavetag-fuzz-last-\(target.rawValue)" }

    private func keep(_ bytes: [UInt8], _ number: Int, _ target: FuzzTarget) {
        guard let file = fopen(Self.path(target), "we") else { return }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
}
