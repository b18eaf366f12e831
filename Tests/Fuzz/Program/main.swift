import CFuzzer
import FuzzTargets
import Glibc

/// Writes a fault to the folder that this runs in: its input, and what was said of it.
func keep(_ fault: ContainedReader.Fault, as name: String) {
    for (name, bytes) in [(name, fault.input), (name + ".txt", Array(fault.report.utf8))] {
        guard let bytes, let file = fopen(name, "we") else { continue }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
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
    var mutator = Mutator(seed: numbers.dropFirst().first ?? 1, corpus: Corpus.inputs(target))
    var reader = ContainedReader(target, library: "libhdf5")
    let wanted = end == nil ? Int(numbers.first ?? 1000) : .max
    while reader.read < wanted {
        if let end, ContinuousClock.now >= end { break }
        let batch = (0..<min(256, wanted - reader.read)).map { _ in mutator.next() }
        guard let fault = reader.read(batch) else { continue }
        keep(fault, as: "crash-\(target.rawValue)-\(reader.read)")
        exit(1)
    }
    print("\(reader.read) cases, of which libhdf5 didn't survive \(reader.crashed), \(reader.hung) without an end")
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
