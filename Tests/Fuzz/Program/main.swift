import CFuzzer
import FuzzTargets
import Glibc

/// Writes an input that was a fault to the folder that this runs in.
func keep(_ input: [UInt8], as name: String) {
    guard let file = fopen(name, "we") else { return }
    fwrite(input, 1, input.count, file)
    fclose(file)
    print("a fault of wavetag's, not of libhdf5's: \(name)")
}

// fuzz TARGET [libFuzzer's options and folders]; for contained targets: fuzz TARGET CASES [SEED], or fuzz TARGET SECONDSs.
guard CommandLine.arguments.count > 1, let target = FuzzTarget(rawValue: CommandLine.arguments[1]) else {
    print("a target wanted: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: " "))")
    exit(64)
}
guard !target.isContained else {
    let numbers = CommandLine.arguments.dropFirst(2).compactMap { UInt64($0) }
    let seconds = CommandLine.arguments.dropFirst(2).first.flatMap { $0.hasSuffix("s") ? Int($0.dropLast()) : nil }
    let end = seconds.map { ContinuousClock.now + .seconds($0) }
    let corpus = Corpus.inputs(target)
    var mutator = Mutator(seed: numbers.dropFirst().first ?? 1, corpus: corpus)
    var reader = ContainedReader(target)
    for _ in 0..<(end == nil ? numbers.first ?? 1000 : .max) {
        if let end, ContinuousClock.now >= end { break }
        let input = mutator.next()
        guard reader.read(input) else {
            keep(input, as: "crash-\(target.rawValue)-\(reader.read)")
            exit(1)
        }
    }
    print("\(reader.read) cases, of which libhdf5 didn't survive \(reader.crashed)")
    exit(0)
}

nonisolated(unsafe) let reader = FuzzReader(target)
var count = CommandLine.argc - 1
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
exit(
    LLVMFuzzerRunDriver(&count, &arguments) { data, size in
        reader.read(UnsafeRawBufferPointer(start: data, count: size))
        return 0
    })
