import Core

/// Every tag's ROC-AUC with its interval, the highest first, and the table behind it.
struct TagDotPlot {
    private let figures: TagFigures

    init(_ figures: TagFigures) { self.figures = figures }

    func write(to section: inout Markup) {
        let windows = figures.windows
        if figures.ranked.isEmpty {
            section.element("p", text: "No tag has both windows that have it and windows that haven’t.")
        } else {
            let left = figures.ranked.contains { !figures.counts($0) }
            section.figure(
                "ROC-AUC by window; the line is the mean, \(fixed(windows.rocAUC, 3))"
                    + (left
                        ? ". Grey: fewer than \(figures.criteria.leastWindows) positive windows, not in the mean." : "")
            ) { plot(width: $0) }
        }
        let silent = windows.tags.filter { $0.rocAUC == nil }.map(\.tag)
        if !silent.isEmpty {
            section.element(
                "p", ["class": "note"],
                text: "Only positives or only negatives, so without a figure: \(silent.joined(separator: ", ")).")
        }
        section.details("All tags as a table") { details in
            details.table(
                "By window and by song, with 95 % intervals",
                [
                    .words("tag"), .numbers("windows"), .numbers("ROC-AUC"), .numbers("interval"), .numbers("AP"),
                    .numbers("calibration error"), .numbers("songs"), .numbers("ROC-AUC"), .numbers("interval"),
                    .numbers("AP"),
                ],
                figures.ranked.map { tag in
                    let (window, song) = (windows.tags[tag], figures.songs.tags[tag])
                    return [
                        window.tag, "\(window.positives)", fixed(window.rocAUC, 3),
                        span(figures.windowIntervals.tags[tag]), fixed(window.averagePrecision, 3),
                        fixed(figures.predictions.calibration(tag: tag).expectedError, 3), "\(song.positives)",
                        fixed(song.rocAUC, 3), span(figures.songIntervals.tags[tag]),
                        fixed(song.averagePrecision, 3),
                    ]
                })
        }
    }

    private func span(_ interval: Bootstrap.Interval?) -> String {
        interval.map { "\(fixed($0.lower, 3))–\(fixed($0.upper, 3))" } ?? "-"
    }

    private func plot(width: Double) -> Plot {
        let isWide = width > 500
        let tags = figures.ranked
        let row = 21.0
        let lowest = tags.flatMap { tag in
            [figures.windows.tags[tag].rocAUC, figures.windowIntervals.tags[tag]?.lower].compactMap(\.self)
        }.min()
        var plot = Plot(
            title: "ROC-AUC of \(tags.count) tags, from the highest to the lowest; the table below has the numbers.",
            width: width, height: Double(tags.count) * row + 44,
            margins: .init(top: 22, right: isWide ? 170 : 44, bottom: 22, left: isWide ? 150 : 104),
            x: (min(0.9, ((lowest ?? 0) * 10).rounded(.down) / 10), 1), y: (Double(tags.count), 0))
        let ticks = plot.x.ticks(isWide ? 8 : 4)
        for tick in ticks {
            plot.rule(x: tick.value, tick.value == 0.5 ? .dashed : .grid)
            for (place, down) in [(0.0, -8.0), (Double(tags.count), 16.0)] {
                plot.text(tick.text, x: tick.value, y: place, down: down, .middle)
            }
        }
        if let mean = figures.windows.rocAUC { plot.rule(x: mean, .muted) }
        if isWide { plot.text("positive windows", x: 1, y: 0, right: 166, down: -8, .end) }
        for (place, tag) in tags.enumerated() { mark(tag, at: Double(place) + 0.5, on: &plot, isWide) }
        return plot
    }

    private func mark(_ tag: Int, at place: Double, on plot: inout Plot, _ isWide: Bool) {
        let metrics = figures.windows.tags[tag]
        let area = metrics.rocAUC ?? .nan
        let counts = figures.counts(tag)
        let interval = figures.windowIntervals.tags[tag]
        if let interval {
            plot.segment(
                from: CurvePoint(x: interval.lower, y: place), to: CurvePoint(x: interval.upper, y: place),
                counts ? .faint : .grid)
        }
        plot.dot(
            CurvePoint(x: area, y: place), radius: 4.5, counts ? .first : .muted,
            title: "\(metrics.tag): \(fixed(area, 3))\(interval == nil ? "" : ", \(span(interval))")")
        plot.text(
            shortened(metrics.tag, to: isWide ? 20 : 14), x: plot.x.domain.low, y: place, right: -10, down: 4, .end,
            counts ? nil : .muted)
        plot.text(fixed(area, 3), x: 1, y: place, right: 40, down: 4, .end)
        if isWide { plot.text("\(metrics.positives)", x: 1, y: place, right: 166, down: 4, .end) }
    }
}

/// A text that has room for so many letters.
func shortened(_ text: String, to count: Int) -> String {
    text.count > count ? text.prefix(count - 1) + "…" : text
}
