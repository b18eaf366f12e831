import Core
import FoundationEssentials

/// One HTML page that needs nothing else: no network, style and drawings within, and no script but where one is given.
/// Light or dark as the reader's system is, and readable on a phone.
struct ReportPage: Sendable {
    private let title: String
    private let lead: [String]
    private var contents = Markup()
    private var headings: [(id: String, text: String)] = []
    /// The only one that a browser then runs.
    var script: String?
    /// Whether sounds stand in the page.
    var hasSound = false

    /// - Parameter lead: lines below the title: what this is about.
    init(title: String, lead: [String]) {
        self.title = title
        self.lead = lead
    }

    /// A figure at the page's head.
    struct Headline: Sendable {
        let name: String
        let value: String
        /// What belongs to it: an interval, a count.
        var detail = ""
    }

    mutating func headlines(_ headlines: [Headline]) {
        contents.element("dl", ["class": "headlines"]) { list in
            for headline in headlines {
                list.element("div") { item in
                    item.element("dt", text: headline.name)
                    item.element("dd", ["class": "value"], text: headline.value)
                    if !headline.detail.isEmpty { item.element("dd", text: headline.detail) }
                }
            }
        }
    }

    /// - Parameters:
    ///   - id: for links to it.
    ///   - note: how to read what follows.
    mutating func section(_ heading: String, id: String, note: String, _ body: (inout Markup) -> Void) {
        headings.append((id, heading))
        contents.element("section", ["id": id]) { section in
            section.element("h2", text: heading)
            if !note.isEmpty { section.element("p", ["class": "note"], text: note) }
            body(&section)
        }
    }

    private var policy: String {
        var policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        if hasSound { policy += "; media-src data:" }
        if let script {
            policy += "; script-src 'sha256-\(Data(sha256(of: Array(script.utf8))).base64EncodedString())'"
        }
        return policy
    }

    var html: String {
        var page = Markup()
        page.element("html", ["lang": "en"]) { html in
            html.element("head") { head in
                head.empty("meta", ["charset": "utf-8"])
                head.empty("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
                // A browser then refuses whatever a name in the data might try.
                head.empty(
                    "meta",
                    [
                        "http-equiv": "Content-Security-Policy",
                        "content": policy,
                    ])
                head.empty("link", ["rel": "icon", "href": "data:,"])
                head.element("title", text: title)
                head.style(Self.style)
            }
            html.element("body") { body in
                body.element("header") { header in
                    header.element("h1", text: title)
                    header.element("ul", ["class": "lead"]) { list in
                        for line in lead { list.element("li", text: line) }
                    }
                    guard headings.count > 1 else { return }
                    header.element("nav", ["aria-label": "Sections"]) { nav in
                        for heading in headings { nav.element("a", ["href": "#\(heading.id)"], text: heading.text) }
                    }
                }
                body.element("main") { $0.append(contents) }
                if let script { body.script(script) }
            }
        }
        return "<!DOCTYPE html>\n\(page.string)\n"
    }
}

extension Markup {
    /// Two drawings of one thing, for wide and for narrow pages: a wide one's letters would be too small on a phone.
    ///
    /// - Parameters:
    ///   - caption: stands above.
    ///   - draw: the drawing of so many pixels.
    mutating func figure(_ caption: String, _ draw: (_ width: Double) -> Plot) {
        element("figure") { figure in
            figure.element("figcaption", text: caption)
            figure.append(draw(760).svg(class: "plot wide"))
            figure.append(draw(360).svg(class: "plot narrow"))
        }
    }

    /// What is shown only when asked for.
    mutating func details(_ summary: String, _ body: (inout Markup) -> Void) {
        element("details") { details in
            details.element("summary", text: summary)
            body(&details)
        }
    }

    struct Column {
        enum Kind {
            case words, numbers
        }

        let name: String
        let kind: Kind

        static func words(_ name: String) -> Column { Column(name: name, kind: .words) }
        static func numbers(_ name: String) -> Column { Column(name: name, kind: .numbers) }
    }

    /// A table whose first column names its rows. It scrolls sideways where the page is too narrow.
    mutating func table(_ caption: String, _ columns: [Column], _ rows: [[String]]) {
        scrolling(caption) { region in
            region.element("table") { table in
                table.element("caption", text: caption)
                table.element("thead") { head in
                    head.element("tr") { row in
                        for column in columns {
                            row.element("th", ["scope": "col", "class": "\(column.kind)"], text: column.name)
                        }
                    }
                }
                table.element("tbody") { body in
                    for cells in rows {
                        body.element("tr") { row in
                            for (index, (cell, column)) in zip(cells, columns).enumerated() {
                                if index == 0 {
                                    row.element("th", ["scope": "row", "class": "\(column.kind)"], text: cell)
                                } else {
                                    row.element("td", ["class": "\(column.kind)"], text: cell)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// A box that scrolls sideways, also by keyboard.
    mutating func scrolling(_ name: String, _ body: (inout Markup) -> Void) {
        element("div", ["class": "scrolling", "role": "region", "aria-label": name, "tabindex": "0"], body)
    }
}
