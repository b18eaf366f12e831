import Glibc

/// Inputs that stand in Tests/Fuzz/Corpus: valid ones, odd ones, and every one that once was a fault.
package enum Corpus {
    /// A target's inputs, in the order of their files' names; the other tests' fixtures behind its own.
    package static func inputs(_ target: FuzzTarget) -> [[UInt8]] {
        var files = files(in: "Fuzz/Corpus/\(target.rawValue)", ending: "")
        switch target {
        case .model: files += self.files(in: "Fixtures/nets", ending: "-padding0.safetensors")
        case .torch: files += self.files(in: "Fixtures/checkpoints", ending: ".pth")
        case .keras: files += self.files(in: "Fixtures/checkpoints", ending: ".h5")
        case .architecture: files += self.files(in: "Fixtures/checkpoints", ending: ".json")
        default: break
        }
        return files.map { contents($0) }
    }

    private static func files(in folder: String, ending: String) -> [String] {
        let tests = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return names(inFolder: "\(tests)/\(folder)").filter { $0.hasSuffix(ending) }.map { "\(tests)/\(folder)/\($0)" }
    }

    private static func contents(_ path: String) -> [UInt8] {
        guard let file = fopen(path, "re") else { return [] }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
        return bytes
    }
}
