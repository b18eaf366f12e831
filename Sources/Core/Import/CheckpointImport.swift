/// Published weights of sample-level nets, turned into a model.
public struct CheckpointImport: Sendable {
    /// Whose files are read; docs/import.md describes each.
    public enum Layout: String, Sendable, CaseIterable {
        case sotaMusicTaggingModels = "sota-music-tagging-models"
        case keras1, keras2
    }

    public var layout: Layout
    /// The tags' names, in the order of the net's outputs; nil: `tag 1`, `tag 2`, ….
    public var tags: [String]?
    /// nil: what the checkpoint says, sigmoid where it says nothing.
    public var output: OutputFunction?
    /// nil: what the checkpoint says, the layout's own where it says nothing.
    public var batchNormEpsilon: Double?
    /// Keras only. nil: what the checkpoint says, Theano for Keras 1 and TensorFlow for Keras 2 where it says nothing.
    public var backend: KerasBackend?
    /// Keras only: a file with the JSON of `model.to_json()`.
    public var architecture: String?

    public init(layout: Layout) { self.layout = layout }

    /// Reads a checkpoint; nothing in it is run, and all of it is checked.
    ///
    /// - Throws: `ImportError` with one line that says what is wrong and where.
    public func model(path: String) throws(ImportError) -> Model {
        switch layout {
        case .sotaMusicTaggingModels:
            let net = try SotaMusicTaggingModels(path: path).net()
            return try model(net, path: path, output: nil, epsilon: SotaMusicTaggingModels.batchNormEpsilon)
        case .keras1: return try model(path: path, keras: .one)
        case .keras2: return try model(path: path, keras: .two)
        }
    }

    private func model(path: String, keras version: KerasCheckpoint.Version) throws(ImportError) -> Model {
        let checkpoint = try KerasCheckpoint(
            path: path, version: version, architecture: try publishedArchitecture(), backend: backend)
        return try model(
            try checkpoint.net(), path: path, output: checkpoint.architecture?.output,
            epsilon: checkpoint.architecture?.batchNormEpsilon ?? version.batchNormEpsilon)
    }

    private func publishedArchitecture() throws(ImportError) -> KerasArchitecture? {
        guard let architecture else { return nil }
        let file = try MappedFile(checkpoint: architecture)
        do throws(KerasArchitecture.Failure) { return try KerasArchitecture(file.bytes) } catch {
            throw ImportError(.invalid, architecture, error.reason)
        }
    }

    private func model(
        _ net: NetParameters, path: String, output said: OutputFunction?, epsilon: Double
    ) throws(ImportError) -> Model {
        let count = net.output.outputs
        let names = tags ?? (0..<count).map { "tag \($0 + 1)" }
        guard names.count == count else {
            throw ImportError(.invalid, path, "the net has \(count) outputs, \(names.count) tags are named")
        }
        let model = Model(
            tags: names, output: output ?? said ?? .sigmoid, batchNormEpsilon: batchNormEpsilon ?? epsilon, nets: [net],
            classifier: nil)
        // What can be read can be written: a reader's rules for tags and ε hold here too.
        do throws(ConfigurationError) { _ = try ModelConfiguration(parsing: ModelConfiguration(model).json) } catch {
            throw ImportError(.invalid, path, "\(error)")
        }
        return model
    }

    /// Tags' names from a text file, one a line.
    public static func tags(path: String) throws(ImportError) -> [String] {
        let file = try MappedFile(checkpoint: path)
        guard file.bytes.count <= 1 << 20, let text = String(validating: file.bytes, as: UTF8.self) else {
            throw ImportError(.invalid, path, "at most a megabyte of UTF-8 wanted, a tag a line")
        }
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
        while lines.last?.isEmpty == true { lines.removeLast() }
        var seen: [String: Int] = [:]
        for (index, line) in lines.enumerated() {
            guard !line.isEmpty else { throw ImportError(.invalid, "\(path):\(index + 1)", "a tag wanted") }
            if let former = seen.updateValue(index + 1, forKey: line) {
                throw ImportError(.invalid, "\(path):\(index + 1)", "\(line) stands in line \(former) already")
            }
        }
        guard !lines.isEmpty else { throw ImportError(.invalid, path, "a tag a line wanted, nothing found") }
        return lines
    }
}
