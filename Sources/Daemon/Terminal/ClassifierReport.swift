import Core

/// What `wavetag train classifier` says: for people, or as JSON.
struct ClassifierReport {
    private let experiment: ClassifierExperiment
    private let repeats: [ClassifierExperiment.Repeat]
    private let best: ClassifierExperiment.Repeat
    private let baselines: [ClassifierExperiment.Baseline]
    private let seconds: Double

    init(
        _ experiment: ClassifierExperiment, repeats: [ClassifierExperiment.Repeat], best: ClassifierExperiment.Repeat,
        baselines: [ClassifierExperiment.Baseline], seconds: Double
    ) {
        self.experiment = experiment
        self.repeats = repeats
        self.best = best
        self.baselines = baselines
        self.seconds = seconds
    }

    private typealias Figures = ClassifierExperiment.Figures

    private static let measures: [(name: String, key: String, value: @Sendable (Figures) -> Double?)] = [
        ("ROC-AUC", "roc_auc", { $0.rocAUC }), ("AP", "average_precision", { $0.averagePrecision }),
        ("accuracy", "accuracy", { $0.accuracy }),
    ]

    /// Accuracy says something only where songs have one tag each.
    private var shown: ArraySlice<(name: String, key: String, value: @Sendable (Figures) -> Double?)> {
        Self.measures.prefix(experiment.output == .softmax ? 3 : 2)
    }

    var text: String {
        let layout = experiment.layout
        let counts = experiment.counts
        var text = "\(layout.count) features: nets \(layout.nets.joined(separator: ", ")), levels "
        text += "\(layout.levels.map(String.init).joined(separator: " "))\n"
        text +=
            "\(counts.train) train, \(counts.valid) valid, \(counts.test) test songs; \(experiment.tags.count) tags, "
        text += "\(experiment.output.rawValue); means over \(best.valid.tagsCounted) tags of valid, "
        text += "\(best.test.tagsCounted) of test\n\n"
        text += how
        text += row("", ["valid", "test"].flatMap { side in shown.map { "\(side) \($0.name)" } })
        for baseline in baselines {
            text += row(
                baseline.name, [baseline.valid, baseline.test].flatMap { side in shown.map { fixed($0.value(side)) } })
        }
        let hidden = experiment.training.hidden
        let name = hidden.isEmpty ? "no hidden layer" : "hidden \(hidden.map(String.init).joined(separator: " "))"
        for one in repeats {
            text += row(
                "\(name), seed \(one.seed)",
                [one.valid, one.test].flatMap { side in shown.map { fixed($0.value(side)) } })
        }
        text += row(
            "mean of \(repeats.count)",
            [repeats.map(\.valid), repeats.map(\.test)].flatMap { sides in
                shown.map { spread(Spread(sides.map($0.value))) }
            })
        text += "\nkept: seed \(best.seed), best on the validation songs, after \(best.epochs) epochs; "
        return text + "\(fixed(seconds, 1)) s\n"
    }

    /// What was done beside training on the training songs from random weights.
    private var how: String {
        let training = experiment.training
        var parts: [String] = []
        if experiment.startsWithNets { parts.append("starts with \(training.start) of the nets' output") }
        if experiment.isSharpened { parts.append("labels sharpened \(training.sharpness) times") }
        if training.refits {
            parts.append(
                "refit on train and valid songs: test and the model are the refit's, valid the first training's")
        }
        return parts.isEmpty ? "" : parts.joined(separator: "; ") + "\n\n"
    }

    private func spread(_ spread: Spread?) -> String {
        spread.map { "\(fixed($0.mean)) ± \(fixed($0.deviation))" } ?? "-"
    }

    private func row(_ name: String, _ cells: [String]) -> String {
        name + String(repeating: " ", count: max(1, 30 - name.count))
            + cells.map { String(repeating: " ", count: max(1, 18 - $0.count)) + $0 }.joined() + "\n"
    }

    var json: String {
        var text: [UInt8] = []
        func raw(_ string: String) { text += Array(string.utf8) }
        func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "null" }
        func figures(_ figures: Figures) -> String {
            "{" + Self.measures.map { "\"\($0.key)\":\(number($0.value(figures)))" }.joined(separator: ",")
                + ",\"tags_counted\":\(figures.tagsCounted)}"
        }
        let counts = experiment.counts
        raw("{\"features\":\(experiment.layout.count),\"nets\":[")
        for (index, net) in experiment.layout.nets.enumerated() {
            if index > 0 { raw(",") }
            text.appendJSON(string: net)
        }
        raw("],\"levels\":\(experiment.layout.levels),\"output\":\"\(experiment.output.rawValue)\"")
        raw(",\"songs\":{\"train\":\(counts.train),\"valid\":\(counts.valid),\"test\":\(counts.test)}")
        let training = experiment.training
        raw(",\"start\":\(experiment.startsWithNets ? training.start : 0)")
        raw(",\"sharpen\":\(experiment.isSharpened ? training.sharpness : 1),\"refit\":\(training.refits)")
        raw(",\"baselines\":[")
        for (index, baseline) in baselines.enumerated() {
            raw(index > 0 ? ",{\"name\":" : "{\"name\":")
            text.appendJSON(string: baseline.name)
            raw(",\"valid\":\(figures(baseline.valid)),\"test\":\(figures(baseline.test))}")
        }
        raw("],\"repeats\":[")
        for (index, one) in repeats.enumerated() {
            raw(index > 0 ? "," : "")
            raw("{\"seed\":\(one.seed),\"epochs\":\(one.epochs),\"valid_loss\":\(one.validLoss)")
            raw(",\"valid\":\(figures(one.valid)),\"test\":\(figures(one.test))}")
        }
        raw("],\"mean\":{")
        for (index, side) in [("valid", repeats.map(\.valid)), ("test", repeats.map(\.test))].enumerated() {
            raw(index > 0 ? "," : "")
            raw("\"\(side.0)\":{")
            for (place, measure) in Self.measures.enumerated() {
                let spread = Spread(side.1.map(measure.value))
                raw(place > 0 ? "," : "")
                raw(
                    "\"\(measure.key)\":\(number(spread?.mean)),\"\(measure.key)_deviation\":\(number(spread?.deviation))"
                )
            }
            raw("}")
        }
        raw("},\"kept\":\(best.seed),\"seconds\":\(seconds)}\n")
        return String(decoding: text, as: UTF8.self)
    }
}
