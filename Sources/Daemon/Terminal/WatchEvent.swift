import Core

/// An event as `watch` shows it; what it doesn't know is passed over, so that a newer daemon can say more.
enum WatchEvent: Equatable {
    case hello(model: String, source: String)
    case tags(time: String, window: [TagProbability], song: [TagProbability])
    case song(start: Int64, end: Int64, song: [TagProbability])
    case gap(lost: Int64, reason: String)
    case dropped(count: Int64)
    case error(message: String)

    /// Nil for a line that is no event, or one of a type that isn't shown.
    init?(parsing line: [UInt8]) {
        guard let json = try? JSONValue(parsing: line, depth: 16), case .string(let type)? = json.member("type") else {
            return nil
        }
        switch type {
        case "hello":
            self = .hello(
                model: json.member("model")?.member("name")?.shownText ?? "",
                source: json.member("source")?.shownText ?? "")
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
    var top: Int
    var threshold: Double?

    /// The likeliest first; equals stay in their order.
    func apply(to tags: [TagProbability]) -> [TagProbability] {
        let likely = tags.filter { $0.probability >= threshold ?? 0 }
        return Array(
            likely.enumerated()
                .sorted { ($1.element.probability, $0.offset) < ($0.element.probability, $1.offset) }
                .map(\.element).prefix(top))
    }

    func apply(to event: WatchEvent) -> WatchEvent {
        switch event {
        case .tags(let time, let window, let song): .tags(time: time, window: apply(to: window), song: apply(to: song))
        case .song(let start, let end, let song): .song(start: start, end: end, song: apply(to: song))
        default: event
        }
    }
}

struct TagProbability: Equatable {
    var tag: String
    var probability: Double
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

    fileprivate var shownText: String? {
        guard case .string(let text) = self else { return nil }
        return text.shown
    }
}

extension String {
    /// Without control characters: a tag's name must not steer the terminal.
    fileprivate var shown: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }
}
