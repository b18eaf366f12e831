import Core

/// A reproduced table: for a terminal, and as a page.
struct ReproductionReport {
    let table: ReproductionTable
    let columns: [Reproduction.Column]
    let published: PublishedFigures
    let model: ModelFile
    let options: ClassifierOptions

    private static let unpublished =
        "No published numbers stand beside these: none could be checked against the papers; --published reads them from a file."

    private var facts: [String] {
        var facts = [
            "model \(model.name): nets \(model.model.nets.map(\.shape.name).joined(separator: ", "))",
            "mean and standard deviation of \(options.repeats) trainings, on the test songs",
        ]
        let training = options.training
        if training.start > 0 {
            facts.append(
                "classifiers that read level -1 of nets that know the tags start with \(training.start) of their output"
            )
        }
        if training.sharpness != 1 { facts.append("labels between 0 and 1 sharpened \(training.sharpness) times") }
        if training.refits { facts.append("each trained once more on the training and the validation songs") }
        for column in columns {
            let songs = column.songs
            facts.append(
                "\(column.set): \(songs.train) train, \(songs.valid) valid, \(songs.test) test songs; \(column.measure)"
                    + (column.output == .sigmoid ? " over \(column.tagsCounted) tags" : ""))
        }
        facts += table.missing.map { "left out: \($0)" }
        if published.isEmpty { facts.append(Self.unpublished) }
        return facts
    }

    private func ours(_ column: Reproduction.Column, _ row: Int) -> String {
        column.cells[row].spread(column.output).map { "\(fixed($0.mean)) ± \(fixed($0.deviation))" } ?? "-"
    }

    private func theirs(_ column: Reproduction.Column, _ row: Int) -> String {
        fixed(published[column.set, table.rows[row].name])
    }

    /// For each set what we found, what was published where anything was, and what the nets say without a classifier.
    private var headings: [String] {
        columns.flatMap { column in
            [column.set] + (published.isEmpty ? [] : ["\(column.set), published"])
                + (column.windows.contains { $0 != nil } ? ["\(column.set), windows' mean"] : [])
        }
    }

    private func cells(_ row: Int) -> [String] {
        columns.flatMap { column in
            [ours(column, row)] + (published.isEmpty ? [] : [theirs(column, row)])
                + (column.windows.contains { $0 != nil } ? [fixed(column.windows[row])] : [])
        }
    }

    var text: String {
        func line(_ name: String, _ cells: [String]) -> String {
            name + String(repeating: " ", count: max(1, 28 - name.count))
                + cells.map { String(repeating: " ", count: max(2, 24 - $0.count)) + $0 }.joined() + "\n"
        }
        var text = table.title + "\n\n" + line("", headings)
        for (index, row) in table.rows.enumerated() { text += line(row.name, cells(index)) }
        return text + "\n" + facts.map { $0 + "\n" }.joined()
    }

    var html: String {
        var page = ReportPage(title: table.title, lead: facts)
        page.section(
            "Results", id: "results",
            note: "ours: mean ± standard deviation; windows' mean: what the nets say without a classifier"
        ) { section in
            section.table(
                table.title, [.words("features")] + headings.map { .numbers($0) },
                table.rows.indices.map { [table.rows[$0].name] + cells($0) })
        }
        for column in columns {
            page.section(column.set, id: "set-\(column.set)", note: "every training is a dot; the bar is their mean") {
                draw(column, into: &$0)
            }
        }
        return page.html
    }

    private func draw(_ column: Reproduction.Column, into section: inout Markup) {
        let values = column.cells.map { cell in
            cell.results.compactMap { column.output == .softmax ? $0.test.accuracy : $0.test.rocAUC }
        }
        let known = values.flatMap { $0 } + column.windows.compactMap { $0 }
        guard !known.isEmpty else { return }
        section.figure("\(column.measure) by row") { width in
            let rows = Double(table.rows.count)
            var margins = Plot.Margins()
            margins.left = width > 500 ? 200 : 110
            let scale = LinearScale(covering: known, ticks: 5, from: 0, to: 1)
            var plot = Plot(
                title: "\(column.measure) of \(column.set), a row of dots for each row of the table", width: width,
                height: 30 + 26 * rows, margins: margins, x: scale.domain, y: (low: rows, high: 0))
            plot.xAxis(plot.x.ticks(width > 500 ? 6 : 3))
            for (index, row) in table.rows.enumerated() {
                let y = Double(index) + 0.5
                let name = width > 500 || row.name.count < 18 ? row.name : "\(row.nets.count) nets"
                plot.text(name, x: plot.x.domain.low, y: y, right: -6, down: 4, .end)
                if let windows = column.windows[index] {
                    plot.dot(CurvePoint(x: windows, y: y), radius: 4, .second, title: "windows' mean", hollow: true)
                }
                for value in values[index] { plot.dot(CurvePoint(x: value, y: y), radius: 3, .first) }
                if let spread = Spread(values[index].map { $0 }) {
                    plot.segment(
                        from: CurvePoint(x: spread.mean, y: y - 0.35), to: CurvePoint(x: spread.mean, y: y + 0.35),
                        .first)
                }
            }
            return plot
        }
    }
}
