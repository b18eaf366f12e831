import Core

/// An event as `watch` shows it; what it doesn't know is passed over, so that a newer daemon can say more.
enum WatchEvent: Equatable {
    case hello(model: String, source: String, thresholds: Thresholds)
    case tags(time: String, window: [TagProbability], song: [TagProbability])
    case song(start: Int64, end: Int64, song: [TagProbability])
    case gap(lost: Int64, reason: String)
    case dropped(count: Int64)
    case error(message: String)

    /// From which probability on tags count as heard; empty where the model says nothing.
    struct Thresholds: Equatable {
        var window: [String: Double] = [:]
        var song: [String: Double] = [:]
    }

    /// Nil for a line that is no event, or one of a type that isn't shown.
    init?(parsing line: [UInt8]) {
        guard let json = try? JSONValue(parsing: line, depth: 16), case .string(let type)? = json.member("type") else {
            return nil
        }
        switch type {
        case "hello":
            let model = json.member("model")
            let window = model?.thresholds("thresholds") ?? [:]
            self = .hello(
                model: model?.member("name")?.shownText ?? "", source: json.member("source")?.shownText ?? "",
                thresholds: Thresholds(window: window, song: model?.thresholds("song_thresholds") ?? window))
        case "tags":
            self = .tags(
                time: json.member("time")?.shownText ?? "", window: json.probabilities("window"),
                song: json.probabilities("song"))
        case "song":
            self = .song(start: json.whole("start"), end: json.whole("end"), song: json.probabilities("song"))
        case "gap": self = .gap(lost: json.whole("lost"), reason: json.member("reason")?.shownText ?? "")
        case "dropped": self = .dropped(count: json.whole("count"))
        case "error": self = .error(message: json.member("message")?.shownText ?? "")
        default: return nil
        }
    }
}

/// Which tags are shown. The daemon is asked for them too, but what it sent before it had read that shows all.
struct WatchLimits: Equatable {
    /// nil: without `threshold` the tags that are heard, where the model says which are; otherwise `usualTop`.
    var top: Int?
    var threshold: Double?
    /// The model's.
    private var heard = WatchEvent.Thresholds()

    /// Bars that fit any terminal.
    static let usualTop = 5

    init(top: Int? = nil, threshold: Double? = nil) {
        self.top = top
        self.threshold = threshold
    }

    /// The likeliest first; equals stay in their order.
    private func apply(to tags: [TagProbability], _ thresholds: [String: Double]) -> [TagProbability] {
        func isHeard(_ tag: TagProbability) -> Bool {
            tag.probability >= thresholds[tag.tag] ?? Double(Model.usualThreshold)
        }
        let isFree = top == nil && threshold == nil && !thresholds.isEmpty
        let likely = tags.filter { isFree ? isHeard($0) : $0.probability >= threshold ?? 0 }
        let shown = likely.enumerated()
            .sorted { ($1.element.probability, $0.offset) < ($0.element.probability, $1.offset) }
            .map(\.element).prefix(isFree ? tags.count : top ?? Self.usualTop)
        // Where all that is shown is heard, nothing needs a mark.
        guard top != nil, threshold == nil, !thresholds.isEmpty else { return Array(shown) }
        return shown.map { TagProbability(tag: $0.tag, probability: $0.probability, isHeard: isHeard($0)) }
    }

    /// What is shown of an event; of a hello also what is from then on.
    mutating func apply(to event: WatchEvent) -> WatchEvent {
        switch event {
        case .hello(_, _, let thresholds):
            heard = thresholds
            return event
        case .tags(let time, let window, let song):
            return .tags(time: time, window: apply(to: window, heard.window), song: apply(to: song, heard.song))
        case .song(let start, let end, let song):
            return .song(start: start, end: end, song: apply(to: song, heard.song))
        default: return event
        }
    }
}

struct TagProbability: Equatable {
    var tag: String
    var probability: Double
    /// Whether it stands out as heard, among others that aren't.
    var isHeard = false
}

extension JSONValue {
    fileprivate func member(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    fileprivate func whole(_ name: String) -> Int64 {
        guard case .integer(let value)? = member(name) else { return 0 }
        return Int64(value)
    }

    fileprivate func probabilities(_ name: String) -> [TagProbability] {
        guard case .object(let members)? = member(name) else { return [] }
        return members.compactMap { member in
            member.value.double.map {
                TagProbability(tag: member.name.shown, probability: Swift.min(1, Swift.max(0, $0)))
            }
        }
    }

    fileprivate func thresholds(_ name: String) -> [String: Double]? {
        guard case .object(let members)? = member(name) else { return nil }
        return Dictionary(
            members.compactMap { member in member.value.double.map { (member.name.shown, $0) } }, uniquingKeysWith: max)
    }

    fileprivate var shownText: String? {
        guard case .string(let text) = self else { return nil }
        return text.shown
    }
}

extension String {
    /// Without control characters: a tag's name must not steer the terminal.
    var shown: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }
}
