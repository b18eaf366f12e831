/// Markup that is well-formed, HTML and SVG alike: every element ends, all text is escaped. A page of it is XML too,
/// and can be checked by any parser.
struct Markup: Sendable {
    private(set) var string = ""

    /// - Parameter body: adds what stands in the element.
    mutating func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ body: (inout Markup) -> Void
    ) {
        open(name, attributes)
        string += ">"
        body(&self)
        string += "</\(name)>"
    }

    mutating func element(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], text: String) {
        element(name, attributes) { $0.text(text) }
    }

    /// An element that has nothing in it. Of HTML's only those that never have: `meta`, `link`.
    mutating func empty(_ name: String, _ attributes: KeyValuePairs<String, String> = [:]) {
        open(name, attributes)
        string += "/>"
    }

    mutating func text(_ text: String) { string += Self.escaped(text) }

    mutating func append(_ other: Markup) { string += other.string }

    /// A style sheet: HTML reads it as it stands, so it can't be escaped.
    mutating func style(_ css: String) {
        precondition(!css.contains { "<&".contains($0) })
        string += "<style>\(css)</style>"
    }

    /// A script, in the same way.
    mutating func script(_ text: String) {
        precondition(!text.contains { "<&".contains($0) })
        string += "<script>\(text)</script>"
    }

    private mutating func open(_ name: String, _ attributes: KeyValuePairs<String, String>) {
        string += "<\(name)"
        for (key, value) in attributes { string += " \(key)=\"\(Self.escaped(value))\"" }
    }

    /// What a file's name may hold and XML may not becomes U+FFFD.
    private static func escaped(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result.append(contentsOf: "&amp;".unicodeScalars)
            case "<": result.append(contentsOf: "&lt;".unicodeScalars)
            case ">": result.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
            case "\t", "\n": result.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": result.append("\u{FFFD}")
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
