import Core
import Glibc
import Streaming

/// Prints what the tagger says of files: the daemon's events, text for people, or a table.
struct TagPrinter {
    private let encoder: EventEncoder
    private let format: TagCommand.Format
    private let options: TagsOptions
    private let hasClassifier: Bool
    /// Whether text has the tags that are heard, by the model's thresholds, instead of what `options` choose.
    private let showsHeard: Bool
    /// [tags], [song tags]; empty where the model has none.
    private let thresholds: [Float]
    private let songThresholds: [Float]
    /// Samples between two lines.
    private let every: Int64
    private var path = ""
    private var last: Int64?
    private var line: [UInt8] = []
    private var hasHeader = false
    /// False when nobody reads any more.
    private(set) var isOpen = true
    /// Why nothing more can be written, where it isn't that nobody reads.
    private(set) var failure: String?

    /// - Parameters:
    ///   - hasClassifier: whether songs have more to say than the mean of their windows; a table then has columns of them.
    ///   - showsHeard: whether text has the tags that are heard, where the model says which are.
    init(
        encoder: EventEncoder, format: TagCommand.Format, options: TagsOptions, every: Double, hasClassifier: Bool,
        showsHeard: Bool = false
    ) {
        self.encoder = encoder
        self.showsHeard = showsHeard
        thresholds = encoder.thresholds
        songThresholds = encoder.songThresholds
        self.hasClassifier = hasClassifier
        self.format = format
        self.options = options
        self.every = Int64((every * Double(Model.sampleRate)).rounded())
    }

    /// A new file.
    mutating func begin(_ path: String) {
        self.path = path
        last = nil
        line.removeAll(keepingCapacity: true)
        switch format {
        case .json: encoder.hello(source: path, position: 0, into: &line)
        case .text: line.append(contentsOf: "\(path)\n".utf8)
        case .csv:
            guard !hasHeader else { return }
            hasHeader = true
            line.append("file,position,seconds")
            for tag in encoder.tags { line.append(contentsOf: ",\(Self.quoted(tag))".utf8) }
            if hasClassifier {
                for tag in encoder.songTags { line.append(contentsOf: ",\(Self.quoted("song:\(tag)"))".utf8) }
            }
            line.append("\n")
        }
        flush()
    }

    mutating func print(_ event: TaggerEvent) {
        guard isOpen else { return }
        line.removeAll(keepingCapacity: true)
        switch event {
        case .tags(let report):
            if let last, report.position - last < every { return }
            last = report.position
            switch format {
            case .json: encoder.tags(report, time: Self.time(of: report.position), options: options, into: &line)
            case .text:
                text(Self.clock(report.position), report.window, song: report.songWindows > 0 ? report.song : [])
            case .csv: row(report)
            }
        case .song(let song):
            switch format {
            case .json: encoder.song(song, options: options, into: &line)
            case .text: text("song \(Self.clock(song.start)) to \(Self.clock(song.end))", [], song: song.song ?? [])
            case .csv: return
            }
        }
        flush()
    }

    private mutating func flush() {
        guard isOpen, !line.isEmpty, !Output.write(line) else { return }
        isOpen = false
        if errno != EPIPE { failure = String(cString: strerror(errno)) }
    }

    /// A line: what windows say, and behind a bar what the song says so far.
    private mutating func text(_ head: String, _ window: [Float], song: [Float]) {
        line.append(contentsOf: head.utf8)
        append(window, encoder.tags, thresholds, options)
        if !window.isEmpty, !song.isEmpty { line.append("  | song") }
        append(song, encoder.songTags, songThresholds, options.ofSongs)
        line.append("\n")
    }

    /// - Parameter thresholds: a tag that has reached its own is marked, where others are shown too.
    private mutating func append(
        _ probabilities: [Float], _ tags: [String], _ thresholds: [Float], _ options: TagsOptions
    ) {
        guard !probabilities.isEmpty else { return }
        let showsHeard = showsHeard && !thresholds.isEmpty
        let marks = !showsHeard && !thresholds.isEmpty && options.threshold == nil
        func isHeard(_ tag: Int) -> Bool { probabilities[tag] >= thresholds[tag] }
        var options = options
        if showsHeard {
            options.tags = (options.tags ?? Array(tags.indices)).filter(isHeard)
            options.top = tags.count
        }
        let chosen = options.chosen(of: probabilities)
        if chosen.isEmpty, showsHeard { line.append("  -") }
        for tag in chosen {
            line.append(contentsOf: "  \(tags[tag])\(marks && isHeard(tag) ? "*" : "") ".utf8)
            line.append(probability: probabilities[tag], decimals: 2)
        }
    }

    private mutating func row(_ report: TagReport) {
        line.append(contentsOf: "\(Self.quoted(path)),\(report.position),".utf8)
        let milliseconds = report.position * 1000 / Int64(Model.sampleRate)
        line.append(decimal: milliseconds / 1000)
        line.append(contentsOf: ".\("\(1000 + milliseconds % 1000)".dropFirst())".utf8)
        for probability in report.window {
            line.append(",")
            line.append(probability: probability, decimals: 4)
        }
        if hasClassifier {
            for probability in report.song {
                line.append(",")
                if report.songWindows > 0 { line.append(probability: probability, decimals: 4) }
            }
        }
        line.append("\n")
    }

    /// A file has no capture clock: its first sample counts as captured when 1970 began.
    private static func time(of position: Int64) -> Int64 {
        let rate = Int64(Model.sampleRate)
        return position / rate * 1_000_000_000 + position % rate * 1_000_000_000 / rate
    }

    /// 01:02.345.
    static func clock(_ position: Int64) -> String {
        let milliseconds = position * 1000 / Int64(Model.sampleRate)
        func padded(_ value: Int64, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return
            "\(padded(milliseconds / 60_000, 2)):\(padded(milliseconds / 1000 % 60, 2)).\(padded(milliseconds % 1000, 3))"
    }

    /// RFC 4180: quoted where it must be.
    private static func quoted(_ field: String) -> String {
        guard field.contains(where: { ",\"\n\r".contains($0) }) else { return field }
        return "\"\(field.replacing("\"", with: "\"\""))\""
    }
}
