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

    /// - Parameters:
    ///   - seconds: what it took.
    ///   - sets: the model's predictions, and maybe another's.
    init(
        model: ModelFile, split: Manifest.Split, gain: Double, seconds: Double, sets: [Predictions],
        positiveFrom: Float, leastWindows: Int, leastSongs: Int
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
        text += line("by window", windows, otherWindows)
        text += line("by song", songs, otherSongs)
        if model.model.output == .softmax {
            text += "accuracy: \(fixed(windows.accuracy)) of windows, \(fixed(songs.accuracy)) of songs\n"
        }
        if let fidelity {
            text += "probabilities apart: mean \(fixed(fidelity.mean, 5)), 99 % below \(fixed(fidelity.p99, 4)), "
            text += "largest \(fixed(fidelity.largest, 3))\n"
        }
        return text + "\(Int(Double(windows.count) / max(seconds, 1e-9))) windows a second\n"
    }

    private func line(_ name: String, _ metrics: Predictions.Metrics, _ other: Predictions.Metrics?) -> String {
        var line = "\(name): macro ROC-AUC \(fixed(metrics.rocAUC)), AP \(fixed(metrics.averagePrecision)) "
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
        func metrics(_ name: String, _ metrics: Predictions.Metrics) {
            raw(",\"\(name)\":{\"count\":\(metrics.count),\"tags_counted\":\(metrics.tagsCounted)")
            raw(",\"roc_auc\":\(number(metrics.rocAUC)),\"average_precision\":\(number(metrics.averagePrecision))")
            raw(",\"accuracy\":\(number(metrics.accuracy)),\"tags\":[")
            for (index, tag) in metrics.tags.enumerated() {
                raw(index > 0 ? ",{\"tag\":" : "{\"tag\":")
                text.appendJSON(string: tag.tag)
                raw(",\"positives\":\(tag.positives),\"roc_auc\":\(number(tag.rocAUC))")
                raw(",\"average_precision\":\(number(tag.averagePrecision))}")
            }
            raw("]}")
        }
        raw("{\"model\":")
        text.appendJSON(string: model.name)
        raw(",\"sha256\":\"\(model.sha256)\",\"split\":\"\(split.rawValue)\",\"gain\":\(gain)")
        metrics("windows", windows)
        metrics("songs", songs)
        if let otherWindows { metrics("against_windows", otherWindows) }
        if let otherSongs { metrics("against_songs", otherSongs) }
        if let fidelity {
            raw(",\"difference\":{\"mean\":\(fidelity.mean),\"p99\":\(fidelity.p99),\"largest\":\(fidelity.largest)}")
        }
        raw(",\"windows_per_second\":\(Double(windows.count) / max(seconds, 1e-9))}\n")
        return String(decoding: text, as: UTF8.self)
    }
}
