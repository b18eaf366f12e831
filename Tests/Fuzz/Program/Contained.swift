import FuzzTargets
import Glibc

/// Fuzzes a target that is read in other processes, since libhdf5 crashes: damaged blindly, from a seed.
///
/// - Parameter arguments: a number of cases, or a time (`60s`), and a seed; or a file that is read once.
/// - Returns: an exit code; not 0 where a fault is wavetag's, which is then in the folder that this runs in.
func fuzz(contained target: FuzzTarget, _ arguments: [String]) -> Int32 {
    var reader = ContainedReader(target, library: "libhdf5")
    let first = arguments.first ?? "1000"
    let seconds = first.hasSuffix("s") ? Int(first.dropLast()) : nil
    guard let wanted = seconds == nil ? Int(first) : .max else {
        guard let bytes = contents(of: first) else { return 66 }
        guard let fault = reader.read([bytes]) else {
            print("\(reader.crashed) crashed in libhdf5, \(reader.hung) without an end")
            // With wide margins all is slower: that it came to no end acquits nobody.
            return reader.hung == 0 ? 0 : 75
        }
        print(fault.report)
        return 1
    }
    let end = seconds.map { ContinuousClock.now + .seconds($0) }
    var mutator = Mutator(seed: arguments.dropFirst().first.flatMap { UInt64($0) } ?? 1, corpus: Corpus.inputs(target))
    var elsewhere = 0
    while reader.read < wanted {
        if let end, ContinuousClock.now >= end { break }
        let batch = (0..<min(256, wanted - reader.read)).map { _ in mutator.next() }
        guard let fault = reader.read(batch) else { continue }
        let name = "crash-\(target.rawValue)-\(reader.read)"
        for (name, bytes) in [(name, fault.input), (name + ".txt", Array(fault.report.utf8))] {
            guard let bytes, let file = fopen(name, "we") else { continue }
            fwrite(bytes, 1, bytes.count, file)
            fclose(file)
        }
        if fault.input != nil, fault.report.contains("libhdf5"), !isFault(target, name) {
            elsewhere += 1
            // Kept, for who wants to look.
            for name in [name, name + ".txt"] { rename(name, "elsewhere" + name.dropFirst("crash".count)) }
            continue
        }
        print("a fault of wavetag's, not of libhdf5's: \(name)")
        return 1
    }
    let crashed = reader.crashed + elsewhere
    print("\(reader.read) cases, of which libhdf5 didn't survive \(crashed), \(reader.hung) without an end")
    return 0
}

/// Whether an input is still a fault of wavetag's when it is read alone, with narrow margins around all memory and with wide.
///
/// What libhdf5 reads far beyond memory of its own may be anybody's, and then looks like a fault of who had it: whose, margins
/// decide. A fault of wavetag's own is one with any.
private func isFault(_ target: FuzzTarget, _ name: String) -> Bool {
    let options = getenv("ASAN_OPTIONS").map { String(cString: $0) } ?? ""
    defer { setenv("ASAN_OPTIONS", options, 1) }
    return [16, 128, 512, 2048].allSatisfy { margin in
        setenv("ASAN_OPTIONS", "\(options):redzone=\(margin):max_redzone=2048", 1)
        let command = ["/proc/self/exe", target.rawValue, name]
        var arguments = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        let refusal = posix_spawn(&child, command[0], nil, nil, &arguments, environ)
        guard refusal == 0 else { fatalError("no process: \(String(cString: strerror(refusal)))") }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 { precondition(errno == EINTR) }
        return status != 0
    }
}

private func contents(of path: String) -> [UInt8]? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while true {
        let byte = getc(file)
        guard byte != EOF else { return bytes }
        bytes.append(UInt8(truncatingIfNeeded: byte))
    }
}
