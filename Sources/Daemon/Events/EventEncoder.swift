import Core
import Streaming

/// Writes events as the lines that clients read: one JSON object each, with a newline.
struct EventEncoder: Sendable {
    static let protocolVersion = 1

    /// `"guitar":`, quotes and escapes done once.
    private let tagKeys: [[UInt8]]
    private let songKeys: [[UInt8]]
    private let netKeys: [[UInt8]]
    private let model: ModelFacts
    private let precision: Precision

    /// What `hello` says of a model.
    struct ModelFacts: Sendable {
        let name: String
        let sha256: String
        let nets: [String]
        let tags: [String]
        let songTags: [String]
        /// From which probability on tags count as heard, windows' and songs'; empty where the model says nothing.
        let thresholds: [String: Float]
        let songThresholds: [String: Float]

        init(_ file: ModelFile) {
            name = file.name
            sha256 = file.sha256
            nets = file.model.nets.map(\.shape.name)
            tags = file.model.tags
            songTags = file.model.songTags
            thresholds = file.model.thresholds
            songThresholds = file.model.songThresholds
        }

        /// - Parameter songTags: nil: those of windows.
        init(
            name: String, sha256: String, nets: [String], tags: [String], songTags: [String]? = nil,
            thresholds: [String: Float] = [:], songThresholds: [String: Float]? = nil
        ) {
            self.name = name
            self.sha256 = sha256
            self.nets = nets
            self.tags = tags
            self.songTags = songTags ?? tags
            self.thresholds = thresholds
            self.songThresholds = songThresholds ?? thresholds
        }
    }

    init(model: ModelFacts, precision: Precision = .float) {
        func keys(_ names: [String]) -> [[UInt8]] {
            names.map { name in
                var key: [UInt8] = []
                key.appendJSON(string: name)
                key.append(UInt8(ascii: ":"))
                return key
            }
        }
        self.model = model
        self.precision = precision
        tagKeys = keys(model.tags)
        songKeys = keys(model.songTags)
        netKeys = keys(model.nets)
    }

    var tags: [String] { model.tags }
    var songTags: [String] { model.songTags }

    /// From which probability on each tag counts as heard, [tags]; empty where the model says nothing of any.
    var thresholds: [Float] { Self.list(model.thresholds, model.tags) }
    var songThresholds: [Float] { Self.list(model.songThresholds, model.songTags) }

    private static func list(_ thresholds: [String: Float], _ tags: [String]) -> [Float] {
        thresholds.isEmpty ? [] : tags.map { thresholds[$0] ?? Model.usualThreshold }
    }

    func hello(source: String, position: Int64, into line: inout [UInt8]) {
        line.append("{\"type\":\"hello\",\"protocol\":")
        line.append(decimal: Int64(Self.protocolVersion))
        line.append(",\"program\":\"wavetag\",\"version\":")
        line.appendJSON(string: Wavetag.version)
        line.append(",\"model\":{\"name\":")
        line.appendJSON(string: model.name)
        line.append(",\"sha256\":")
        line.appendJSON(string: model.sha256)
        line.append(",\"nets\":")
        append(strings: model.nets, to: &line)
        line.append(",\"precision\":")
        line.appendJSON(string: precision.rawValue)
        line.append(",\"tags\":")
        append(strings: model.tags, to: &line)
        if model.songTags != model.tags {
            line.append(",\"song_tags\":")
            append(strings: model.songTags, to: &line)
        }
        if !model.thresholds.isEmpty {
            line.append(",\"thresholds\":")
            line.appendJSON(thresholds: model.thresholds, of: model.tags)
        }
        if model.songThresholds != model.thresholds {
            line.append(",\"song_thresholds\":")
            line.appendJSON(thresholds: model.songThresholds, of: model.songTags)
        }
        line.append("},\"sample_rate\":")
        line.append(decimal: Int64(Model.sampleRate))
        line.append(",\"source\":")
        line.appendJSON(string: source)
        line.append(",\"position\":")
        line.append(decimal: position)
        line.append("}\n")
    }

    /// - Parameter time: when the sample at `report.position` was captured, nanoseconds since 1970.
    func tags(_ report: TagReport, time: Int64, options: TagsOptions, into line: inout [UInt8]) {
        line.append("{\"type\":\"tags\",\"position\":")
        line.append(decimal: report.position)
        line.append(",\"time\":")
        line.append(time: time)
        line.append(",\"window\":")
        append(report.window, options, to: &line)
        line.append(",\"song\":")
        append(song: report.songWindows > 0 ? report.song : [], options, to: &line)
        line.append(",\"song_start\":")
        line.append(decimal: report.songStart)
        if options.detailNets { append(nets: report.nets, options, to: &line) }
        line.append("}\n")
    }

    func song(_ report: SongReport, options: TagsOptions, into line: inout [UInt8]) {
        line.append("{\"type\":\"song\",\"start\":")
        line.append(decimal: report.start)
        line.append(",\"end\":")
        line.append(decimal: report.end)
        line.append(",\"song\":")
        append(song: report.song ?? [], options, to: &line)
        line.append("}\n")
    }

    func gap(position: Int64, lost: Int64, reason: GapReason, into line: inout [UInt8]) {
        line.append("{\"type\":\"gap\",\"position\":")
        line.append(decimal: position)
        line.append(",\"lost\":")
        line.append(decimal: lost)
        line.append(",\"reason\":\"")
        line.append(reason.name)
        line.append("\"}\n")
    }

    func dropped(_ count: Int, into line: inout [UInt8]) {
        line.append("{\"type\":\"dropped\",\"count\":")
        line.append(decimal: Int64(count))
        line.append("}\n")
    }

    func error(_ message: String, into line: inout [UInt8]) {
        line.append("{\"type\":\"error\",\"message\":")
        line.appendJSON(string: message)
        line.append("}\n")
    }

    func status(_ values: [(name: String, value: StatusValue)], into line: inout [UInt8]) {
        line.append("{\"type\":\"status\"")
        for (name, value) in values {
            line.append(UInt8(ascii: ","))
            line.appendJSON(string: name)
            line.append(UInt8(ascii: ":"))
            switch value {
            case .count(let count): line.append(decimal: Int64(count))
            case .number(let number): line.append(contentsOf: "\(number.isFinite ? number : 0)".utf8)
            case .text(let text): line.appendJSON(string: text)
            case .flag(let flag): line.append(flag ? "true" : "false")
            }
        }
        line.append("}\n")
    }

    /// - Parameter text: in Prometheus' text format.
    func metrics(_ text: String, into line: inout [UInt8]) {
        line.append("{\"type\":\"metrics\",\"text\":")
        line.appendJSON(string: text)
        line.append("}\n")
    }

    /// What metrics say of the program and the model.
    var facts: KeyValuePairs<String, [(label: String, value: String)]> {
        [
            "build": [("version", Wavetag.version)],
            "model": [
                ("name", model.name), ("sha256", model.sha256), ("nets", model.nets.joined(separator: ",")),
                ("precision", precision.rawValue),
            ],
        ]
    }

    // MARK: Parts

    private func append(strings: [String], to line: inout [UInt8]) {
        line.append(UInt8(ascii: "["))
        for (index, string) in strings.enumerated() {
            if index > 0 { line.append(UInt8(ascii: ",")) }
            line.appendJSON(string: string)
        }
        line.append(UInt8(ascii: "]"))
    }

    private func append(song probabilities: [Float], _ options: TagsOptions, to line: inout [UInt8]) {
        append(probabilities, options.ofSongs, keys: songKeys, to: &line)
    }

    /// `{"piano":0.9000,…}`; empty where there are no probabilities.
    ///
    /// - Parameter keys: nil: those of windows.
    private func append(
        _ probabilities: [Float], _ options: TagsOptions, keys: [[UInt8]]? = nil, decimals: Int = 4,
        to line: inout [UInt8]
    ) {
        let keys = keys ?? tagKeys
        line.append(UInt8(ascii: "{"))
        var isFirst = true
        func append(_ tag: Int) {
            if !isFirst { line.append(UInt8(ascii: ",")) }
            isFirst = false
            line.append(contentsOf: keys[tag])
            line.append(probability: probabilities[tag], decimals: decimals)
        }
        if !probabilities.isEmpty {
            if options.showsAll {
                for tag in probabilities.indices { append(tag) }
            } else {
                for tag in options.chosen(of: probabilities) { append(tag) }
            }
        }
        line.append(UInt8(ascii: "}"))
    }

    private func append(nets: [NetReport], _ options: TagsOptions, to line: inout [UInt8]) {
        line.append(",\"nets\":{")
        var isFirst = true
        for (index, net) in nets.enumerated() where net.end > 0 {
            if !isFirst { line.append(UInt8(ascii: ",")) }
            isFirst = false
            line.append(contentsOf: netKeys[index])
            line.append("{\"end\":")
            line.append(decimal: net.end)
            line.append(",\"tags\":")
            append(net.probabilities, options, decimals: 6, to: &line)
            line.append(UInt8(ascii: "}"))
        }
        line.append(UInt8(ascii: "}"))
    }
}

/// A gauge or counter of a `status` event.
enum StatusValue: Sendable, Equatable {
    case count(Int)
    case number(Double)
    case text(String)
    case flag(Bool)
}

extension TagsOptions {
    /// The same for songs: their own tags.
    var ofSongs: TagsOptions {
        guard let songTags else { return self }
        var options = self
        options.tags = songTags
        return options
    }

    /// Whether all tags are shown, in the model's order.
    var showsAll: Bool { top == nil && threshold == nil && tags == nil }

    /// The tags to show, as indices, in the order to show them.
    func chosen(of probabilities: [Float]) -> [Int] {
        var chosen = tags ?? Array(probabilities.indices)
        if let threshold { chosen.removeAll { probabilities[$0] < threshold } }
        if let top {
            // Equal probabilities stay in the model's order.
            chosen.sort { (probabilities[$1], $0) < (probabilities[$0], $1) }
            chosen = Array(chosen.prefix(top))
        }
        return chosen
    }
}
