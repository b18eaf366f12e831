/// A data set's songs as vectors: a safetensors file that `wavetag extract` writes, and that NumPy reads as well.
///
/// `__metadata__`: `format` = `wavetag-features`, `version` = `1`, `config` (JSON: the recipe), `tracks` and `splits` (JSON
/// arrays of strings), `recipe` (text that tells whether an extraction would give the same). Tensors, F32: `features`
/// [tracks, d], `labels` [tracks, tags], and for each net `windows.NET` [tracks] and `probabilities.NET` [tracks, the
/// nets' tags]: how many windows were averaged, and the mean of what the net said of them.
public struct FeatureFile: Sendable {
    public let recipe: FeatureRecipe
    public let tracks: [String]
    public let splits: [Manifest.Split]
    /// [tracks, layout.count].
    public let features: [Float]
    /// [tracks, tags].
    public let labels: [Float]
    /// For each net [tracks, net tags].
    public let probabilities: [[Float]]

    /// Tells whether two files came of the same sound, nets and labels.
    public var digest: UInt64 {
        var bytes = Array(recipe.json.utf8)
        for track in tracks { bytes += Array("\(track)\n".utf8) }
        for split in splits { bytes += Array(split.rawValue.utf8) }
        for label in labels { withUnsafeBytes(of: label.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
        return Checksum.of(bytes)
    }

    /// Whether a file begins like safetensors, and not like a manifest.
    public static func isOne(_ path: String) -> Bool {
        guard let file = try? MappedFile(path: path), file.bytes.count > 8 else { return false }
        return file.bytes[8] == UInt8(ascii: "{")
    }

    /// The recipe's text of a file that is there and whole; nil otherwise.
    public static func recipeText(path: String) -> String? {
        guard let file = try? Safetensors(path: path), file.metadata["format"] == "wavetag-features" else { return nil }
        return file.metadata["recipe"]
    }

    /// - Throws: `ModelFileError` with one line that says what is wrong and where.
    public init(path: String) throws(ModelFileError) {
        let file = try Safetensors(path: path)
        func invalid(_ reason: String) -> ModelFileError { ModelFileError(.invalid, path, "__metadata__.\(reason)") }
        let metadata = file.metadata
        func text(_ name: String) throws(ModelFileError) -> String {
            guard let text = metadata[name] else { throw invalid("\(name): missing") }
            return text
        }
        func strings(_ name: String) throws(ModelFileError) -> [String] {
            guard case .array(let values)? = try? JSONValue(parsing: try text(name).utf8) else {
                throw invalid("\(name): an array of strings wanted")
            }
            var strings: [String] = []
            for value in values {
                guard case .string(let string) = value else { throw invalid("\(name): an array of strings wanted") }
                strings.append(string)
            }
            return strings
        }
        guard try text("format") == "wavetag-features" else { throw invalid("format: wavetag-features wanted") }
        guard try text("version") == "1" else { throw invalid("version: 1 wanted") }
        do throws(FeatureError) { recipe = try FeatureRecipe(parsing: metadata["config"] ?? "") } catch {
            throw invalid("config: \(error)")
        }
        tracks = try strings("tracks")
        var splits: [Manifest.Split] = []
        for name in try strings("splits") {
            guard let split = Manifest.Split(rawValue: name) else {
                throw invalid("splits: train, valid or test wanted, \(name) found")
            }
            splits.append(split)
        }
        self.splits = splits
        guard splits.count == tracks.count else {
            throw invalid("splits: \(tracks.count) wanted, \(splits.count) found")
        }
        features = try file.floats("features", shape: [tracks.count, recipe.layout.count])
        labels = try file.floats("labels", shape: [tracks.count, recipe.tags.count])
        var probabilities: [[Float]] = []
        for net in recipe.layout.nets {
            probabilities.append(
                try file.floats("probabilities.\(net)", shape: [tracks.count, recipe.netTags.count]))
        }
        self.probabilities = probabilities
    }

    /// Writes what a journal has, in the tracks' order.
    ///
    /// - Returns: paths of tracks that are left out since they are shorter than a net's window.
    public static func write(
        _ journal: FeatureJournal, recipe: FeatureRecipe, tracks: [Track], to path: String
    ) throws(ModelFileError) -> [String] {
        var kept: [Int] = []
        var short: [String] = []
        let nets = recipe.layout.nets
        var windows = nets.map { _ in [Float]() }
        var probabilities = nets.map { _ in [Float]() }
        for index in tracks.indices {
            guard let song = try journal.song(index) else { continue }
            guard song.windows.allSatisfy({ $0 > 0 }) else {
                short.append(tracks[index].path)
                continue
            }
            kept.append(index)
            for net in nets.indices {
                windows[net].append(Float(song.windows[net]))
                let count = recipe.netTags.count
                probabilities[net] += song.probabilities[(net * count)..<((net + 1) * count)]
            }
        }
        guard !kept.isEmpty else { throw ModelFileError(.invalid, path, "no track is a window long") }
        var tensors = [
            SafetensorsWriter.Tensor("features", [kept.count, recipe.layout.count]),
            SafetensorsWriter.Tensor("labels", [kept.count, recipe.tags.count]),
        ]
        for net in nets {
            tensors.append(.init("windows.\(net)", [kept.count]))
            tensors.append(.init("probabilities.\(net)", [kept.count, recipe.netTags.count]))
        }
        let writer = try SafetensorsWriter(
            path: path,
            metadata: [
                ("format", "wavetag-features"), ("version", "1"), ("config", recipe.json),
                ("tracks", jsonArray(kept.map { tracks[$0].path })),
                ("splits", jsonArray(kept.map { tracks[$0].split.rawValue })), ("recipe", recipe.text(for: tracks)),
            ], tensors: tensors)
        for index in kept {
            guard let song = try journal.song(index) else { continue }
            try writer.append(song.features)
        }
        for index in kept { try writer.append(tracks[index].labels) }
        for net in nets.indices {
            try writer.append(windows[net])
            try writer.append(probabilities[net])
        }
        try writer.finish()
        return short
    }

    private static func jsonArray(_ strings: [String]) -> String {
        var text: [UInt8] = [UInt8(ascii: "[")]
        for (index, string) in strings.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text.appendJSON(string: string)
        }
        text.append(UInt8(ascii: "]"))
        return String(decoding: text, as: UTF8.self)
    }
}
