import Core

/// Which sounds to listen to: the surest mistakes.
struct MistakeTables {
    let windows: Predictions
    let songs: Predictions
    /// [songs]: their files.
    let names: [String]
    let output: OutputFunction
    let positiveFrom: Float

    private static let windowCount = 20
    private static let songCount = 10

    func write(to section: inout Markup) {
        tables(of: windows, Self.windowCount, isWindow: true, to: &section)
        section.details("Whole songs") { tables(of: songs, Self.songCount, isWindow: false, to: &$0) }
    }

    private func tables(of predictions: Predictions, _ count: Int, isWindow: Bool, to section: inout Markup) {
        if output == .softmax {
            list("Taken for another genre", predictions.confusions(count: count), predictions, isWindow, to: &section)
        } else {
            list(
                "Heard, but not labelled",
                predictions.falseAlarms(count: count, positiveFrom: positiveFrom), predictions, isWindow, to: &section)
            list(
                "Labelled, but not heard",
                predictions.misses(count: count, positiveFrom: positiveFrom), predictions, isWindow, to: &section)
        }
    }

    private func list(
        _ heading: String, _ mistakes: [Mistake], _ predictions: Predictions, _ isWindow: Bool, to section: inout Markup
    ) {
        section.element("h3", text: heading)
        guard !mistakes.isEmpty else {
            section.element("p", ["class": "note"], text: "None.")
            return
        }
        let isGenre = output == .softmax
        section.scrolling(heading) { region in
            region.element("table") { table in
                table.element("thead") { head in
                    head.element("tr") { row in
                        func column(_ name: String, _ style: String) {
                            row.element("th", ["scope": "col", "class": style], text: name)
                        }
                        column("sound", "sound")
                        if isWindow { column("at", "numbers") }
                        column(isGenre ? "taken for" : "tag", "words")
                        column("probability", "numbers")
                        column("label", isGenre ? "words" : "numbers")
                        if isWindow { column("windows alike", "numbers") }
                    }
                }
                table.element("tbody") { body in
                    for mistake in mistakes {
                        body.element("tr") { row in
                            sound(names.indices.contains(mistake.song) ? names[mistake.song] : "", in: &row)
                            if isWindow { row.element("td", ["class": "numbers"], text: clock(mistake.start)) }
                            row.element("td", ["class": "words"], text: predictions.tags[mistake.tag])
                            row.element("td", ["class": "numbers"], text: fixed(Double(mistake.probability), 3))
                            label(of: mistake, predictions, in: &row)
                            if isWindow { row.element("td", ["class": "numbers"], text: "\(mistake.alike + 1)") }
                        }
                    }
                }
            }
        }
    }

    private func label(of mistake: Mistake, _ predictions: Predictions, in row: inout Markup) {
        if output == .softmax {
            let labels = predictions.labels[mistake.index]
            let genre = labels.indices.max { labels[$0] < labels[$1] }
            row.element("td", ["class": "words"], text: genre.map { predictions.tags[$0] } ?? "")
        } else {
            let isWhole = mistake.label == mistake.label.rounded()
            row.element("td", ["class": "numbers"], text: fixed(Double(mistake.label), isWhole ? 0 : 2))
        }
    }

    /// The file's name, and its folder below.
    private func sound(_ path: String, in row: inout Markup) {
        let name = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
        row.element("th", ["scope": "row", "class": "sound"]) { cell in
            cell.text(String(name))
            if name.count < path.count { cell.element("span", text: String(path.dropLast(name.count))) }
        }
    }

    /// `1:05.3`.
    private func clock(_ seconds: Double) -> String {
        let tenths = Int((min(max(seconds, 0), 1e9) * 10).rounded())
        let rest = tenths % 600
        return "\(tenths / 600):\(rest < 100 ? "0" : "")\(fixed(Double(rest) / 10, 1))"
    }
}
