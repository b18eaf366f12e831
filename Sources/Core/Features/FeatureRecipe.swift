/// Everything that a feature file's numbers depend on.
public struct FeatureRecipe: Sendable, Equatable {
    /// The model's name, and the SHA-256 of its file; of several files, of each.
    public let model: String
    public let sha256: String
    public let precision: Precision
    /// Samples between two windows; nil: each net's window, so that none overlap.
    public let hop: Int?
    public let layout: FeatureLayout
    /// Tags of the data set's labels.
    public let tags: [String]
    /// Tags that the nets give probabilities of.
    public let netTags: [String]

    public init(
        model: String, sha256: String, precision: Precision, hop: Int?, layout: FeatureLayout, tags: [String],
        netTags: [String]
    ) {
        self.model = model
        self.sha256 = sha256
        self.precision = precision
        self.hop = hop
        self.layout = layout
        self.tags = tags
        self.netTags = netTags
    }

    /// One JSON object.
    var json: String {
        var text: [UInt8] = []
        func raw(_ string: String) { text += Array(string.utf8) }
        func list<T>(_ values: [T], _ write: (T) -> Void) {
            raw("[")
            for (index, value) in values.enumerated() {
                if index > 0 { raw(",") }
                write(value)
            }
            raw("]")
        }
        raw("{\"model\":")
        text.appendJSON(string: model)
        raw(",\"sha256\":")
        text.appendJSON(string: sha256)
        raw(",\"precision\":\"\(precision.rawValue)\",\"hop\":\(hop.map(String.init) ?? "null"),\"parts\":")
        list(layout.parts) { part in
            raw("{\"net\":")
            text.appendJSON(string: part.net)
            raw(",\"level\":\(part.level),\"width\":\(part.width)}")
        }
        raw(",\"tags\":")
        list(tags) { text.appendJSON(string: $0) }
        raw(",\"net_tags\":")
        list(netTags) { text.appendJSON(string: $0) }
        raw("}")
        return String(decoding: text, as: UTF8.self)
    }

    /// - Throws: `FeatureError` with what was wanted and found.
    init(parsing text: String) throws(FeatureError) {
        let json: JSONValue
        do { json = try JSONValue(parsing: text.utf8) } catch { throw FeatureError("\(error)") }
        func string(_ name: String, _ json: JSONValue) throws(FeatureError) -> String {
            guard case .string(let value)? = json[name] else { throw FeatureError("\(name): a string wanted") }
            return value
        }
        func strings(_ name: String) throws(FeatureError) -> [String] {
            guard case .array(let values)? = json[name] else { throw FeatureError("\(name): an array wanted") }
            var strings: [String] = []
            for value in values {
                guard case .string(let text) = value else { throw FeatureError("\(name): an array of strings wanted") }
                strings.append(text)
            }
            return strings
        }
        model = try string("model", json)
        sha256 = try string("sha256", json)
        guard let precision = Precision(rawValue: try string("precision", json)) else {
            throw FeatureError("precision: float or int8 wanted")
        }
        self.precision = precision
        if case .integer(let hop)? = json["hop"] { self.hop = hop } else { hop = nil }
        tags = try strings("tags")
        netTags = try strings("net_tags")
        guard case .array(let values)? = json["parts"], !values.isEmpty else {
            throw FeatureError("parts: an array wanted")
        }
        var parts: [FeatureLayout.Part] = []
        for value in values {
            guard case .integer(let level)? = value["level"], (-3 ... -1).contains(level),
                case .integer(let width)? = value["width"], (1...8192).contains(width)
            else { throw FeatureError("parts: a level from -3 to -1 and a width from 1 to 8192 wanted") }
            parts.append(FeatureLayout.Part(net: try string("net", value), level: level, width: width))
        }
        layout = FeatureLayout(parts: parts)
    }

    /// The recipe with a digest of the tracks, their sides and their spans.
    public func text(for tracks: [Track]) -> String {
        var bytes: [UInt8] = []
        for track in tracks {
            bytes += Array("\(track.path)\t\(track.split.rawValue)".utf8)
            for span in track.spans { bytes += Array("\t\(span.start) \(span.length ?? -1)".utf8) }
            bytes.append(UInt8(ascii: "\n"))
        }
        return "\(json) \(tracks.count) \(Checksum.of(bytes))"
    }
}
