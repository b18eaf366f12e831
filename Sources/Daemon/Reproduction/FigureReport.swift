import Core

/// Reproduced Figure 2: numbers for a terminal, pictures in a page.
struct FigureReport {
    let panels: [FigureReproduction.Panel]
    let net: String
    let model: ModelFile
    let figure: FigureOptions
    let positiveFrom: Float
    let seed: UInt64

    private var title: String { "Figure 2: songs of two tags by t-SNE, \(net)" }

    private var facts: [String] {
        ["model \(model.name): net \(net); features standardised over the songs shown"]
            + panels.map { panel in
                let groups = zip(panel.contrast.tags, panel.contrast.groups).map { "\($1.count) \($0)" }
                let (shown, all) = (panel.names.count, panel.available.reduce(0, +))
                return "\(panel.set): \(groups.joined(separator: ", ")), songs that have the tag and not the other; "
                    + (shown < all ? "\(shown) of \(all) drawn, seed \(seed); " : "")
                    + "\(panel.testSongs) of split test"
            } + [
                "tags \(figure.tags == nil ? "chosen: those whose smaller group has the most songs" : "as asked for"); a song has a tag from label \(positiveFrom) up",
                "silhouette: 1 where the two tags are tight and far apart, 0 where they lie in each other",
            ]
    }

    private static let headings = [
        "in features", "in the plane", "test, in features", "test, in the plane", "divergence",
    ]

    private func cells(_ map: ContrastMap) -> [String] {
        [map.all.features, map.all.plane, map.test.features, map.test.plane, map.divergence].map { fixed($0) }
    }

    var text: String {
        func line(_ name: String, _ cells: [String]) -> String {
            name + String(repeating: " ", count: max(1, 28 - name.count))
                + cells.map { String(repeating: " ", count: max(2, 20 - $0.count)) + $0 }.joined() + "\n"
        }
        var text = title + "\n\n" + line("silhouette", Self.headings)
        for panel in panels {
            for (level, map) in panel.maps { text += line("\(panel.set), level \(level)", cells(map)) }
        }
        return text + "\n" + facts.map { $0 + "\n" }.joined()
    }

    var html: String {
        var page = ReportPage(title: title, lead: facts)
        page.section(
            "How clustered", id: "silhouette",
            note:
                "Mean silhouettes of the two tags, over all songs shown and over those of split test alone: a net knows the songs that it was trained on. The divergence, in nats, is what t-SNE could not keep."
        ) { section in
            section.table(
                "Silhouette", [.words("level")] + Self.headings.map { .numbers($0) },
                panels.flatMap { panel in
                    panel.maps.map { ["\(panel.set), level \($0.level)"] + cells($0.map) }
                })
        }
        for panel in panels {
            page.section(
                panel.set, id: "set-\(panel.set)",
                note: "A dot is a song. Near songs have like features; directions and the size of gaps mean nothing."
            ) { section in
                for (level, map) in panel.maps {
                    let caption =
                        "Level \(level): silhouette \(fixed(map.all.features)) in features, \(fixed(map.all.plane)) in the plane"
                    section.figure(caption) { draw(panel, map, caption, width: $0) }
                }
            }
        }
        return page.html
    }

    private func draw(
        _ panel: FigureReproduction.Panel, _ map: ContrastMap, _ caption: String, width: Double
    ) -> Plot {
        let songs = panel.contrast.songs
        let points = songs.indices.map { CurvePoint(x: map.points[2 * $0], y: map.points[2 * $0 + 1]) }
        let height = width > 500 ? 500.0 : 340
        let margins = Plot.Margins(top: 24, right: 8, bottom: 8, left: 8)
        // As far up as across, or neighbours wouldn't look it.
        let room = (x: width - margins.left - margins.right, y: height - margins.top - margins.bottom)
        let (x, y) = (Self.extent(points.map(\.x)), Self.extent(points.map(\.y)))
        let unit = max(x.span / room.x, y.span / room.y) * 1.04
        var plot = Plot(
            title: "\(panel.contrast.tags.joined(separator: " and ")): \(songs.count) songs. \(caption).",
            width: width, height: height, margins: margins,
            x: (x.middle - unit * room.x / 2, x.middle + unit * room.x / 2),
            y: (y.middle - unit * room.y / 2, y.middle + unit * room.y / 2))
        for edge in [plot.x.domain.low, plot.x.domain.high] { plot.rule(x: edge, .grid) }
        for edge in [plot.y.domain.low, plot.y.domain.high] { plot.rule(y: edge, .grid) }
        legend(panel, &plot)
        let radius = songs.count > 600 ? 2.5 : width > 500 ? 4 : 3
        for (index, point) in points.enumerated() {
            let group = songs[index].group
            plot.dot(
                point, radius: radius, group == 0 ? .first : .second,
                title: width > 500 ? "\(panel.contrast.tags[group]): \(panel.names[index])" : nil, hollow: group == 1)
        }
        return plot
    }

    /// The tags in their colours, above the frame: the first on its left, the second on its right.
    private func legend(_ panel: FigureReproduction.Panel, _ plot: inout Plot) {
        let letters = plot.width > 500 ? 40 : 18
        let words = zip(panel.contrast.tags, panel.contrast.groups).map {
            "\(shortened($0, to: letters)) (\($1.count))"
        }
        plot.text("● " + words[0], x: plot.x.domain.low, y: plot.y.domain.high, down: -8, .start, .first)
        plot.text("○ " + words[1], x: plot.x.domain.high, y: plot.y.domain.high, down: -8, .end, .second)
    }

    private static func extent(_ values: [Double]) -> (middle: Double, span: Double) {
        let (low, high) = (values.min() ?? 0, values.max() ?? 1)
        return ((low + high) / 2, max(high - low, 1e-9))
    }
}
