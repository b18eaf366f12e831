import Core

/// What `wavetag evaluate` says: for people, or as JSON.
struct EvaluationReport {
    private let model: ModelFile
    private let split: Manifest.Split
    private let gain: Double
    private let seconds: Double
    private let windows: Predictions.Metrics
    private let songs: Predictions.Metrics
    /// The other model's, where there is one.
    private let otherWindows: Predictions.Metrics?
    private let otherSongs: Predictions.Metrics?
    private let fidelity: Fidelity?
    /// Calibration errors by window: of each tag, their mean over the tags that are counted, and all tags together.
    private let errors: (tags: [Double], mean: Double?, all: Double)
    /// Of each tag, where the model has thresholds.
    private let choices: [ThresholdChoice]?
    private let falseAlarms: FalseAlarms?
    /// Of ROC-AUC.
    private let intervals: (windows: Bootstrap, songs: Bootstrap)?
    /// Tags that only the model has, or only the manifest.
    private let leftOut: (model: [String], manifest: [String])

    /// - Parameters:
    ///   - seconds: what it took.
    ///   - sets: the model's predictions, and maybe another's.
    ///   - except: tags that are no false alarms; nil: false alarms are not counted.
    ///   - hasIntervals: whether songs are drawn anew for intervals.
    init(
        model: ModelFile, split: Manifest.Split, gain: Double, seconds: Double, sets: [Predictions],
        positiveFrom: Float, leastWindows: Int, leastSongs: Int, manifestTags: [String], except: Set<String>?,
        hasIntervals: Bool = false
    ) {
        self.model = model
        self.split = split
        self.gain = gain
        self.seconds = seconds
        func byWindow(_ set: Predictions) -> Predictions.Metrics {
            set.metrics(positiveFrom: positiveFrom, leastPositives: leastWindows)
        }
        func bySong(_ set: Predictions) -> Predictions.Metrics {
            set.bySong().metrics(positiveFrom: positiveFrom, leastPositives: leastSongs)
        }
        windows = byWindow(sets[0])
        songs = bySong(sets[0])
        let other = sets.dropFirst().first
        otherWindows = other.map(byWindow)
        otherSongs = other.map(bySong)
        fidelity = other.map { sets[0].fidelity(against: $0, gain: gain) }
        let (set, tags) = (sets[0], sets[0].tags)
        let metrics = windows.tags
        let ofTags = tags.indices.map { set.calibration(tag: $0).expectedError }
        let counted = tags.indices.filter {
            metrics[$0].positives >= max(1, leastWindows) && metrics[$0].rocAUC != nil
        }
        errors = (
            ofTags, counted.isEmpty ? nil : counted.reduce(0) { $0 + ofTags[$1] } / Double(counted.count),
            set.calibration().expectedError
        )
        let thresholds = model.model.thresholds
        let list = tags.map { thresholds[$0] ?? Model.usualThreshold }
        choices =
            thresholds.isEmpty
            ? nil
            : tags.indices.map { tag in
                ThresholdChoice(
                    list[tag], scores: set.scores.map { $0[tag] }, positive: set.labels.map { $0[tag] >= positiveFrom })
            }
        falseAlarms = except.map { FalseAlarms(set, thresholds: list, except: $0, positiveFrom: positiveFrom) }
        intervals =
            hasIntervals
            ? (
                set.rocAUCIntervals(
                    positiveFrom: positiveFrom, leastPositives: leastWindows, resamples: TrainingReport.resamples),
                set.bySong().rocAUCIntervals(
                    positiveFrom: positiveFrom, leastPositives: leastSongs, resamples: TrainingReport.resamples)
            ) : nil
        leftOut = (
            model.model.tags.filter { !manifestTags.contains($0) },
            manifestTags.filter { !model.model.tags.contains($0) }
        )
    }

    var text: String {
        var text = row("tag", ["windows", "ROC-AUC", "AP", "songs", "ROC-AUC", "AP"])
        for (window, song) in zip(windows.tags, songs.tags) where window.positives > 0 {
            text += row(
                window.tag,
                [
                    "\(window.positives)", fixed(window.rocAUC), fixed(window.averagePrecision), "\(song.positives)",
                    fixed(song.rocAUC), fixed(song.averagePrecision),
                ])
        }
        let silent = windows.tags.filter { $0.positives == 0 }.map(\.tag)
        if !silent.isEmpty { text += "without positives: \(silent.joined(separator: ", "))\n" }
        text += "\n"
        text += line("by window", windows, otherWindows, intervals?.windows)
        text += line("by song", songs, otherSongs, intervals?.songs)
        if model.model.output == .softmax {
            text += "accuracy: \(fixed(windows.accuracy)) of windows, \(fixed(songs.accuracy)) of songs\n"
        }
        text += "calibration error: \(fixed(errors.mean)), mean over \(windows.tagsCounted) tags; "
        text += "all together \(fixed(errors.all))\n"
        if let choices {
            let counted = zip(windows.tags, choices).filter { $0.0.positives > 0 }.map(\.1)
            func mean(_ value: (ThresholdChoice) -> Double?) -> Double? {
                counted.isEmpty ? nil : counted.reduce(0) { $0 + (value($1) ?? 0) } / Double(counted.count)
            }
            text +=
                "at the model's thresholds: precision \(fixed(mean(\.precision))), recall \(fixed(mean(\.recall))), "
            text += "F1 \(fixed(mean { $0.f() })), means over \(counted.count) tags\n"
        }
        if let falseAlarms {
            text += "false alarms: a tag is heard that isn't labelled in \(fixed(falseAlarms.any * 100, 2)) % "
            text += "of \(falseAlarms.windows) windows"
            let worst = zip(windows.tags, falseAlarms.byTag).filter { $1 > 0 }.sorted { $0.1 > $1.1 }.prefix(5)
            text += worst.isEmpty ? "\n" : "; "
            if !worst.isEmpty {
                text += worst.map { "\($0.tag) \(fixed($1 * 100, 2)) %" }.joined(separator: ", ") + "\n"
            }
        }
        if let fidelity {
            text += "probabilities apart: mean \(fixed(fidelity.mean, 5)), 99 % below \(fixed(fidelity.p99, 4)), "
            text += "largest \(fixed(fidelity.largest, 3))\n"
        }
        if !leftOut.model.isEmpty {
            let fate = falseAlarms == nil ? "not evaluated" : "taken for never there"
            text += "not in the manifest, \(fate): \(leftOut.model.joined(separator: ", "))\n"
        }
        if !leftOut.manifest.isEmpty {
            text += "not in the model, not evaluated: \(leftOut.manifest.joined(separator: ", "))\n"
        }
        return text + "\(Int(Double(windows.count) / max(seconds, 1e-9))) windows a second\n"
    }

    private func line(
        _ name: String, _ metrics: Predictions.Metrics, _ other: Predictions.Metrics?, _ intervals: Bootstrap?
    ) -> String {
        var line = "\(name): macro ROC-AUC \(fixed(metrics.rocAUC))"
        if let interval = intervals?.macro { line += " (\(fixed(interval.lower)) to \(fixed(interval.upper)))" }
        line += ", AP \(fixed(metrics.averagePrecision)) "
        line += "over \(metrics.tagsCounted) tags, \(metrics.count) in all"
        if let own = metrics.rocAUC, let others = other?.rocAUC {
            line += "; the other's \(fixed(others)), lost \(fixed(others - own))"
        }
        return line + "\n"
    }

    private func row(_ name: String, _ cells: [String]) -> String {
        name + String(repeating: " ", count: max(1, 16 - name.count))
            + cells.map { String(repeating: " ", count: max(1, 9 - $0.count)) + $0 }.joined() + "\n"
    }

    var json: String {
        var text: [UInt8] = []
        func raw(_ string: String) { text += Array(string.utf8) }
        func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "null" }
        func interval(_ interval: Bootstrap.Interval?) {
            raw(",\"roc_auc_interval\":" + (interval.map { "[\($0.lower),\($0.upper)]" } ?? "null"))
        }
        func metrics(_ name: String, _ metrics: Predictions.Metrics, _ intervals: Bootstrap? = nil) {
            raw(",\"\(name)\":{\"count\":\(metrics.count),\"tags_counted\":\(metrics.tagsCounted)")
            raw(",\"roc_auc\":\(number(metrics.rocAUC)),\"average_precision\":\(number(metrics.averagePrecision))")
            if let intervals { interval(intervals.macro) }
            raw(",\"accuracy\":\(number(metrics.accuracy)),\"tags\":[")
            for (index, tag) in metrics.tags.enumerated() {
                raw(index > 0 ? ",{\"tag\":" : "{\"tag\":")
                text.appendJSON(string: tag.tag)
                raw(",\"positives\":\(tag.positives),\"roc_auc\":\(number(tag.rocAUC))")
                raw(",\"average_precision\":\(number(tag.averagePrecision))")
                if let intervals { interval(intervals.tags[index]) }
                raw("}")
            }
            raw("]}")
        }
        raw("{\"model\":")
        text.appendJSON(string: model.name)
        raw(",\"sha256\":\"\(model.sha256)\",\"split\":\"\(split.rawValue)\",\"gain\":\(gain)")
        for (name, tags) in [("not_in_manifest", leftOut.model), ("not_in_model", leftOut.manifest)] {
            raw(",\"\(name)\":[")
            for (index, tag) in tags.enumerated() {
                if index > 0 { raw(",") }
                text.appendJSON(string: tag)
            }
            raw("]")
        }
        raw(",\"calibration\":{\"error\":\(number(errors.mean)),\"error_of_all\":\(errors.all),\"tags\":[")
        for (index, error) in errors.tags.enumerated() {
            raw(index > 0 ? ",{\"tag\":" : "{\"tag\":")
            text.appendJSON(string: windows.tags[index].tag)
            raw(",\"error\":\(error)")
            if let choice = choices?[index] {
                raw(",\"threshold\":\(choice.threshold),\"precision\":\(number(choice.precision))")
                raw(",\"recall\":\(number(choice.recall)),\"f1\":\(number(choice.f()))")
            }
            if let falseAlarms { raw(",\"false_alarms\":\(falseAlarms.byTag[index])") }
            raw("}")
        }
        raw("]}")
        if let falseAlarms { raw(",\"false_alarms\":\(falseAlarms.any)") }
        metrics("windows", windows, intervals?.windows)
        metrics("songs", songs, intervals?.songs)
        if let otherWindows { metrics("against_windows", otherWindows) }
        if let otherSongs { metrics("against_songs", otherSongs) }
        if let fidelity {
            raw(",\"difference\":{\"mean\":\(fidelity.mean),\"p99\":\(fidelity.p99),\"largest\":\(fidelity.largest)}")
        }
        raw(",\"windows_per_second\":\(Double(windows.count) / max(seconds, 1e-9))}\n")
        return String(decoding: text, as: UTF8.self)
    }
}
