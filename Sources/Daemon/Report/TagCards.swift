import Core

/// Small multiples: every tag's precision–recall curve beside its calibration.
struct TagCards {
    private let figures: TagFigures

    private static let size = 150.0
    /// In the plots' square of side 1: half a pixel of a large screen.
    private static let tolerance = 0.003

    init(_ figures: TagFigures) { self.figures = figures }

    func write(to section: inout Markup) {
        section.element("div", ["class": "cards"]) { cards in
            card(
                "All tags", "calibration error \(fixed(figures.calibration.expectedError, 3))",
                [calibration(figures.calibration, of: "all tags")], to: &cards)
            for tag in figures.ranked {
                let metrics = figures.windows.tags[tag]
                let found = figures.predictions.calibration(tag: tag)
                card(
                    metrics.tag,
                    "\(metrics.positives) positive, AP \(fixed(metrics.averagePrecision, 2)), calibration error "
                        + fixed(found.expectedError, 3), [precisionRecall(tag), calibration(found, of: metrics.tag)],
                    to: &cards)
            }
        }
    }

    private func card(_ name: String, _ detail: String, _ plots: [Plot], to cards: inout Markup) {
        cards.element("figure") { figure in
            figure.element("figcaption") { caption in
                caption.element("strong", text: name)
                caption.empty("br")
                caption.element("span", text: detail)
            }
            figure.element("div", ["class": "pair"]) { pair in
                for plot in plots { pair.append(plot.svg()) }
            }
        }
    }

    private func square(_ title: String, x: String, y: String) -> Plot {
        var plot = Plot(
            title: title, width: Self.size, height: Self.size + 14,
            margins: .init(top: 18, right: 8, bottom: 30, left: 24), x: (0, 1), y: (0, 1))
        let ticks = [0, 0.5, 1].map { LinearScale.Tick(value: $0, text: fixed($0, $0 == 0.5 ? 1 : 0)) }
        plot.xAxis(ticks, label: x)
        plot.yAxis(ticks)
        plot.text(y, x: 0, y: 1, down: -6, .start)
        return plot
    }

    private func precisionRecall(_ tag: Int) -> Plot {
        let predictions = figures.predictions
        let metrics = figures.windows.tags[tag]
        let curve = ThresholdCurve(
            scores: predictions.scores.map { $0[tag] },
            positive: predictions.labels.map { $0[tag] >= figures.criteria.positiveFrom })
        var plot = square(
            "Precision over recall for \(metrics.tag); average precision \(fixed(metrics.averagePrecision, 3)).",
            x: "recall", y: "precision")
        plot.rule(y: Double(curve.positives) / Double(max(1, predictions.scores.count)), .dashed)
        plot.line(curve.precisionRecall.thinned(tolerance: Self.tolerance), .first)
        return plot
    }

    private func calibration(_ calibration: Calibration, of name: String) -> Plot {
        var plot = square(
            "Calibration for \(name); expected calibration error \(fixed(calibration.expectedError, 3)).",
            x: "probability", y: "share that has it")
        plot.segment(from: CurvePoint(x: 0, y: 0), to: CurvePoint(x: 1, y: 1), .dashed)
        plot.line(calibration.bins.map { CurvePoint(x: $0.probability, y: $0.label) }, .first)
        let most = Double(calibration.bins.map(\.count).max() ?? 1)
        for bin in calibration.bins {
            plot.dot(
                CurvePoint(x: bin.probability, y: bin.label),
                radius: 1.5 + 4 * (Double(bin.count) / most).squareRoot(), .first,
                title: "said \(fixed(bin.probability, 2)), is \(fixed(bin.label, 2)): \(bin.count) windows")
        }
        return plot
    }
}
