import Core

/// How losses and ROC-AUC went, epoch by epoch.
struct LossFigures {
    private let epochs: [EpochRecord]
    /// Runs of epochs of one stage.
    private let stages: [ArraySlice<EpochRecord>]
    private let best: EpochRecord?

    init(_ epochs: [EpochRecord]) {
        self.epochs = epochs
        var stages: [ArraySlice<EpochRecord>] = []
        var begin = 0
        for index in epochs.indices
        where index + 1 == epochs.count || epochs[index + 1].stage != epochs[index].stage {
            stages.append(epochs[begin...index])
            begin = index + 1
        }
        self.stages = stages
        best = epochs.last { $0.isBest }
    }

    func write(to section: inout Markup) {
        section.figure("Loss by epoch") { loss(width: $0) }
        if epochs.contains(where: { $0.validROCAUC != nil }) {
            section.figure("ROC-AUC on the valid split, mean over tags, by epoch") { area(width: $0) }
        }
        section.details("All epochs as a table") { details in
            details.table(
                "Epochs",
                [
                    .numbers("epoch"), .numbers("learning rate"), .numbers("train loss"), .numbers("valid loss"),
                    .numbers("valid ROC-AUC"), .numbers("segments"), .numbers("seconds"), .words("best so far"),
                ],
                epochs.map { epoch in
                    [
                        "\(epoch.epoch)", short(epoch.learningRate), fixed(epoch.trainLoss, 5),
                        fixed(epoch.validLoss, 5),
                        fixed(epoch.validROCAUC), "\(epoch.segments)", fixed(epoch.seconds, 1),
                        epoch.isBest ? "yes" : "",
                    ]
                })
        }
    }

    private func loss(width: Double) -> Plot {
        var title = "Loss by epoch, \(epochs.count) epochs."
        if let best { title += " Lowest valid loss \(fixed(best.validLoss)) at epoch \(best.epoch)." }
        var plot = plot(title, width: width, height: 300, values: epochs.flatMap { [$0.trainLoss, $0.validLoss] })
        curve(&plot, "train", .second, \.trainLoss, away: \.validLoss)
        curve(&plot, "valid", .first, \.validLoss, away: \.trainLoss)
        if let best {
            plot.dot(
                CurvePoint(x: Double(best.epoch), y: best.validLoss), radius: 5, .first,
                title: "best: epoch \(best.epoch), valid loss \(fixed(best.validLoss))", hollow: true)
        }
        return plot
    }

    private func area(width: Double) -> Plot {
        let values = epochs.compactMap(\.validROCAUC)
        var title = "ROC-AUC by epoch, \(values.count) epochs."
        if let last = values.last { title += " At the end \(fixed(last, 3))." }
        var plot = plot(title, width: width, height: 200, values: values)
        plot.line(points { $0.validROCAUC ?? .nan }, .first)
        if let best, let value = best.validROCAUC {
            plot.dot(
                CurvePoint(x: Double(best.epoch), y: value), radius: 5, .first,
                title: "best: epoch \(best.epoch), ROC-AUC \(fixed(value, 3))", hollow: true)
        }
        return plot
    }

    /// Axes, and the stages' bands with their learning rates.
    private func plot(_ title: String, width: Double, height: Double, values: [Double]) -> Plot {
        let first = Double(epochs.first?.epoch ?? 1)
        let last = max(Double(epochs.map(\.epoch).max() ?? 1), first + 1)
        let range = LinearScale(covering: values, ticks: 5, from: 0, to: 1).domain
        var plot = Plot(
            title: title, width: width, height: height,
            margins: .init(top: 22, right: 44, bottom: 36, left: 44), x: (first - 0.5, last + 0.5),
            y: (range.low, range.high))
        for (index, stage) in stages.enumerated() {
            guard let begin = stage.first?.epoch, let end = stage.last?.epoch else { continue }
            let (from, to) = (Double(begin) - 0.5, Double(end) + 0.5)
            if index % 2 == 1 { plot.band(x: from, to: to, .faint) }
            if index > 0 { plot.rule(x: from, .dashed) }
        }
        plot.yAxis(plot.y.ticks(5))
        let ticks = plot.x.ticks(width > 500 ? 10 : 5).filter { $0.value == $0.value.rounded() }
        for tick in ticks { plot.text(fixed(tick.value, 0), x: tick.value, y: range.low, down: 15, .middle) }
        plot.text("epoch", x: plot.x.domain.high, y: range.low, down: 30, .end)
        labelStages(&plot)
        return plot
    }

    /// The learning rate above each band, where there is room.
    private func labelStages(_ plot: inout Plot) {
        var free = -Double.infinity
        for (index, stage) in stages.enumerated() {
            guard let begin = stage.first else { continue }
            let isConstant = stage.allSatisfy { $0.learningRate == begin.learningRate }
            let text =
                (index == 0 && plot.width > 500 ? "learning rate " : "") + short(begin.learningRate)
                + (isConstant ? "" : " …")
            let left = Double(begin.epoch) - 0.5
            guard plot.x(left) >= free else { continue }
            plot.text(text, x: left, y: plot.y.domain.high, right: 3, down: -7, .start)
            free = plot.x(left) + 6.4 * Double(text.count) + 8
        }
    }

    /// A line and its name behind its end, moved away from the other's.
    private func curve(
        _ plot: inout Plot, _ name: String, _ style: Plot.Style, _ value: KeyPath<EpochRecord, Double>,
        away other: KeyPath<EpochRecord, Double>
    ) {
        let points = points { $0[keyPath: value] }
        plot.line(points, style)
        guard let end = epochs.last(where: { $0[keyPath: value].isFinite }) else { return }
        let gap = plot.y(end[keyPath: value]) - plot.y(end[keyPath: other])
        let room = gap.isFinite && abs(gap) < 14 ? (14 - abs(gap)) / 2 : 0
        plot.text(
            name, x: Double(end.epoch), y: end[keyPath: value], right: 8,
            down: 4 + (gap > 0 || (gap == 0 && style == .second) ? room : -room), .start, style)
    }

    private func points(_ value: (EpochRecord) -> Double) -> [CurvePoint] {
        epochs.map { CurvePoint(x: Double($0.epoch), y: value($0)) }
    }
}

/// A learning rate in as few digits as tell it from others: 0.01, 0.00008, 1.6e-05.
private func short(_ rate: Double) -> String {
    guard rate.isFinite, rate > 0 else { return "-" }
    let digits = (2...6).first { abs((Double(fixed(rate, $0)) ?? 0) - rate) < rate * 0.005 }
    return digits.map { fixed(rate, $0) } ?? "\(rate)"
}
