import Core

/// What a client may ask, one JSON object a line.
package enum ClientRequest: Equatable {
    case subscribe(Subscription)
    case status
    case metrics

    /// Objects within objects that a line may have.
    private static let depth = 8

    /// - Throws: `ClientRequestError` with the message for the client.
    ///
    /// - Parameter songTags: tags of songs; nil: those of windows.
    package init(parsing line: [UInt8], tags: [String], songTags: [String]? = nil) throws(ClientRequestError) {
        let json: JSONValue
        do { json = try JSONValue(parsing: line, depth: Self.depth) } catch {
            throw ClientRequestError(message: "not JSON: \(error)")
        }
        guard case .object(let members) = json else {
            throw ClientRequestError(message: "an object wanted, \(json.kind) found")
        }
        guard let member = members.first, members.count == 1 else {
            throw ClientRequestError(message: "one member wanted, \(members.count) found")
        }
        switch member.name {
        case "status":
            guard member.value == .bool(true) else { throw ClientRequestError(message: "status: true wanted") }
            self = .status
        case "metrics":
            guard member.value == .bool(true) else { throw ClientRequestError(message: "metrics: true wanted") }
            self = .metrics
        case "subscribe": self = .subscribe(try Subscription(member.value, tags: tags, songTags: songTags ?? tags))
        default: throw ClientRequestError(message: "\(member.name): unknown request")
        }
    }
}

/// What a client wants to hear, in place of everything.
package struct Subscription: Equatable, Sendable {
    var options = TagsOptions()
    /// The names behind `options.tags` and `options.songTags`; nil: all.
    var names: [String]?
    /// Seconds between two `tags` events, at least.
    var every: Double = 0

    init() {}

    fileprivate init(_ json: JSONValue, tags: [String], songTags: [String]) throws(ClientRequestError) {
        func wanted(_ what: String, _ name: String, _ found: JSONValue) -> ClientRequestError {
            ClientRequestError(message: "subscribe.\(name): \(what) wanted, \(found.kind) found")
        }
        guard case .object(let members) = json else {
            throw ClientRequestError(message: "subscribe: an object wanted, \(json.kind) found")
        }
        for member in members {
            switch member.name {
            case "top":
                guard case .integer(let top) = member.value, top >= 0 else {
                    throw wanted("a whole number of 0 or more", "top", member.value)
                }
                options.top = top
            case "threshold":
                guard let threshold = member.value.double, (0...1).contains(threshold) else {
                    throw wanted("a number from 0 to 1", "threshold", member.value)
                }
                options.threshold = Float(threshold)
            case "every":
                guard let every = member.value.double, (0...86_400).contains(every) else {
                    throw wanted("seconds from 0 to 86400", "every", member.value)
                }
                self.every = every
            case "tags":
                // A name may be one of windows, of songs, or of both.
                names = try Self.names(member.value, known: Set(tags + songTags))
                choose(of: tags, songTags: songTags)
            case "detail":
                guard member.value == .string("nets") else { throw wanted("\"nets\"", "detail", member.value) }
                options.detailNets = true
            default: throw ClientRequestError(message: "subscribe.\(member.name): unknown")
            }
        }
    }

    /// Looks the names up where other tags have come: what the model doesn't know is passed over, and not forgotten.
    mutating func choose(of tags: [String], songTags: [String]) {
        guard let names else { return }
        options.tags = names.compactMap { tags.firstIndex(of: $0) }
        options.songTags = songTags == tags ? nil : names.compactMap { songTags.firstIndex(of: $0) }
    }

    /// Names of tags, each once.
    private static func names(_ json: JSONValue, known: Set<String>) throws(ClientRequestError) -> [String] {
        guard case .array(let values) = json else {
            throw ClientRequestError(message: "subscribe.tags: an array wanted, \(json.kind) found")
        }
        var names: [String] = []
        for value in values {
            guard case .string(let name) = value, known.contains(name) else {
                throw ClientRequestError(message: "subscribe.tags: the names of tags wanted, \(value.text) is none")
            }
            if !names.contains(name) { names.append(name) }
        }
        return names
    }
}

/// A line that was not understood.
package struct ClientRequestError: Error, Equatable {
    package let message: String
}

extension JSONValue {
    /// A string as it stands, anything else by its kind.
    fileprivate var text: String {
        if case .string(let text) = self { text } else { kind }
    }
}
