import Core

/// A `status` event as a person reads it.
struct StatusView: Equatable {
    private var values: [(name: String, value: String)]

    /// Nil for a line that is no `status` event.
    init?(parsing line: [UInt8]) {
        guard let json = try? JSONValue(parsing: line, depth: 16), json["type"] == .string("status"),
            case .object(let members) = json
        else { return nil }
        values = members.filter { $0.name != "type" }.map { ($0.name.shown, $0.value.text) }
    }

    static func == (left: StatusView, right: StatusView) -> Bool { left.plainLine == right.plainLine }

    /// For a pipe.
    var plainLine: String { "status: " + values.map { "\($0.name) \($0.value)" }.joined(separator: ", ") }

    /// A picture: a line a value, none wider than `width` characters.
    func lines(width: Int) -> [String] {
        let names = values.map(\.name.count).max() ?? 0
        return values.map { name, value in
            let line = name + String(repeating: " ", count: names - name.count) + "  " + value
            return line.count > width ? line.prefix(max(0, width - 1)) + "…" : line
        }
    }
}

extension JSONValue {
    fileprivate var text: String {
        switch self {
        case .null: "-"
        case .bool(let flag): flag ? "yes" : "no"
        case .integer(let number): "\(number)"
        case .number(let number): number.threeDecimals
        case .string(let text): text.shown
        case .array, .object: kind
        }
    }
}

extension Double {
    /// Three decimals are more than a person reads.
    fileprivate var threeDecimals: String {
        abs(self) < 1e12 ? "\((self * 1000).rounded() / 1000)" : "\(self)"
    }
}
