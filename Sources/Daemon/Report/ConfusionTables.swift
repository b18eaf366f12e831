import Core

/// What genres were taken for: a table whose cells are coloured, by song and by window.
struct ConfusionTables {
    let windows: Predictions
    let songs: Predictions

    func write(to section: inout Markup) {
        table("By song", songs.confusionMatrix, to: &section)
        section.details("By window") { table("By window", windows.confusionMatrix, to: &$0) }
    }

    /// Genres that are there, as labels or as what was heard.
    private func table(_ caption: String, _ matrix: ConfusionMatrix, to section: inout Markup) {
        let shown = matrix.tags.indices.filter { matrix.support($0) > 0 || matrix.precision($0) != nil }
        section.scrolling("Confusion matrix, \(caption.lowercased())") { region in
            region.element("table", ["class": "confusion"]) { table in
                let right =
                    matrix.accuracy.map { "\(fixed($0 * 100, 1)) % of \(matrix.total) right" } ?? "nothing labelled"
                table.element("caption", text: "\(caption): \(right)")
                table.element("thead") { head in
                    head.element("tr") { row in
                        row.element("th", ["scope": "col"], text: "label, taken for")
                        for tag in shown.map({ matrix.tags[$0] }) {
                            row.element("th", ["scope": "col", "title": tag], text: shortened(tag, to: 9))
                        }
                        row.element("th", ["scope": "col"], text: "found")
                    }
                }
                table.element("tbody") { body in
                    for label in shown {
                        body.element("tr") { row in
                            row.element("th", ["scope": "row"], text: matrix.tags[label])
                            for prediction in shown { cell(matrix, label, prediction, in: &row) }
                            row.element(
                                "td", ["class": "found"],
                                text: matrix.recall(label).map { "\(fixed($0 * 100, 0)) %" } ?? "-")
                        }
                    }
                }
            }
        }
    }

    private func cell(_ matrix: ConfusionMatrix, _ label: Int, _ prediction: Int, in row: inout Markup) {
        let count = matrix.counts[label][prediction]
        let share = matrix.support(label) > 0 ? Double(count) / Double(matrix.support(label)) : 0
        var style = share > 0.5 ? "strong" : ""
        if label == prediction { style += " right" }
        row.element(
            "td",
            [
                "class": style, "style": "--share:\(fixed(share, 2))",
                "title": "\(matrix.tags[label]) taken for \(matrix.tags[prediction]): \(fixed(share * 100, 0)) %",
            ], text: count > 0 ? "\(count)" : "")
    }
}
