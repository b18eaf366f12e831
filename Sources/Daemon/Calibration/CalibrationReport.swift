import Core

/// What `wavetag calibrate` says: for people, or as JSON.
struct CalibrationReport {
    private let model: ModelFile
    private let out: String
    private let calibrated: Calibrated
    private let dropped: [String]
    private let labels: ModelCalibration.Labels
    private let positiveFrom: Float
    private let least: Int
    private let sets: [Set]
    /// Tags that the manifest lacks, and tags of the manifest that the model lacks.
    private let unheard: [String]
    private let unknown: [String]

    private struct Set {
        let split: Manifest.Split
        let windows: CalibrationFigures
        let songs: CalibrationFigures?
        /// In sounds that aren't music.
        let falseAlarms: FalseAlarms?
    }

    /// - Parameters:
    ///   - sets: the split that was calibrated on, then others.
    ///   - notMusic: tags that are no false alarms.
    init(
        model: ModelFile, out: String, calibrated: Calibrated, dropped: [String], labels: ModelCalibration.Labels,
        positiveFrom: Float, least: Int, notMusic: Swift.Set<String>,
        sets: [(split: Manifest.Split, heard: CalibrationListening.Heard, quiet: Predictions?)]
    ) {
        self.model = model
        self.out = out
        self.calibrated = calibrated
        self.dropped = dropped
        self.labels = labels
        self.positiveFrom = positiveFrom
        self.least = least
        let heard = sets[0].heard
        unheard = calibrated.model.tags.filter { !heard.tags.contains($0) }
        unknown = heard.unknown
        let tags = calibrated.model.tags
        self.sets = sets.map { split, heard, quiet in
            let alarms = quiet.map { quiet in
                FalseAlarms(
                    quiet, thresholds: tags.map { calibrated.thresholds[$0] ?? Model.usualThreshold }, except: notMusic,
                    positiveFrom: positiveFrom)
            }
            let windows = CalibrationFigures(
                heard.windows, calibrated.windows, thresholds: calibrated.thresholds, labels: labels,
                positiveFrom: positiveFrom, least: least,
                falseAlarms: alarms.map { Dictionary(uniqueKeysWithValues: zip(tags, $0.byTag)) } ?? [:])
            var songs: CalibrationFigures?
            if let calibration = calibrated.songs, let logits = heard.songs {
                songs = CalibrationFigures(
                    [logits], calibration, thresholds: calibrated.model.songThresholds, labels: labels,
                    positiveFrom: positiveFrom, least: least)
            }
            return Set(split: split, windows: windows, songs: songs, falseAlarms: alarms)
        }
    }

    // MARK: For people

    var text: String {
        var text = ""
        for set in sets {
            text += table(
                "\(set.split.rawValue), \(set.windows.count) windows", set.windows, isFirst: set.split == sets[0].split)
            if let alarms = set.falseAlarms {
                text += "false alarms: a tag is heard in \(fixed(alarms.any * 100, 2)) % of \(alarms.windows) windows "
                text += "that aren't music\n"
            }
            if let songs = set.songs {
                text += "\n" + table("\(set.split.rawValue), \(songs.count) songs", songs, isFirst: false)
            }
            text += "\n"
        }
        func list(_ what: String, _ tags: [String]) {
            if !tags.isEmpty { text += "\(what): \(tags.joined(separator: ", "))\n" }
        }
        list("left out of the model", dropped)
        list("not in the manifest, so left as they are", unheard)
        list("only in the manifest", unknown)
        return text + "\(out): \(calibrated.model.tags.count) tags\n"
    }

    private func table(_ caption: String, _ figures: CalibrationFigures, isFirst: Bool) -> String {
        let hasAlarms = figures.tags.contains { $0.falseAlarms != nil }
        let scaled = isFirst && calibrated.windows.scalings.count == 1
        var columns = ["positive", "ROC-AUC"] + (scaled ? ["scale", "shift"] : [])
        columns += ["error", "calibrated", "threshold", "precision", "recall", "F1"]
        var text = row(caption, columns + (hasAlarms ? ["alarms"] : []))
        for (index, tag) in figures.tags.enumerated() {
            var cells = ["\(tag.positives)", fixed(tag.rocAUC, 3)]
            if scaled {
                let scaling = calibrated.windows.scalings[0][index]
                cells += [fixed(scaling.scale, 2), fixed(scaling.shift, 2)]
            }
            cells += [
                fixed(tag.before, 3), fixed(tag.after, 3), fixed(Double(tag.choice.threshold), 3),
                fixed(tag.choice.precision, 3), fixed(tag.choice.recall, 3), fixed(tag.choice.f(), 3),
            ]
            if hasAlarms { cells.append(tag.falseAlarms.map { fixed($0 * 100, 2) + " %" } ?? "-") }
            text += row("  " + tag.name, cells)
        }
        text += "calibration error: \(fixed(figures.mean(\.before))) before, \(fixed(figures.mean(\.after))) after, "
        text += "mean over \(figures.counted.count) tags; all together \(fixed(figures.before)) before, "
        text += "\(fixed(figures.after)) after; macro ROC-AUC \(fixed(figures.mean(\.rocAUC)))\n"
        guard let otherwise = figures.otherwise else { return text }
        let reading = labels == .shares ? "positives from \(positiveFrom) on" : "shares"
        text += "with labels as \(reading): \(fixed(otherwise.before)) before, \(fixed(otherwise.after)) after, "
        return text + "mean over tags\n"
    }

    private func row(_ name: String, _ cells: [String]) -> String {
        name + String(repeating: " ", count: max(1, 24 - name.count))
            + cells.map { String(repeating: " ", count: max(1, 11 - $0.count)) + $0 }.joined() + "\n"
    }

    // MARK: For programs

    var json: String {
        var text: [UInt8] = []
        func raw(_ string: String) { text += Array(string.utf8) }
        func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "null" }
        func list<Element>(_ elements: [Element], _ write: (Element) -> Void) {
            raw("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { raw(",") }
                write(element)
            }
            raw("]")
        }
        func names(_ name: String, _ tags: [String]) {
            raw(",\"\(name)\":")
            list(tags) { text.appendJSON(string: $0) }
        }
        func figures(_ figures: CalibrationFigures) {
            raw("{\"count\":\(figures.count),\"tags_counted\":\(figures.counted.count)")
            raw(",\"roc_auc\":\(number(figures.mean(\.rocAUC)))")
            raw(",\"error_before\":\(number(figures.mean(\.before))),\"error\":\(number(figures.mean(\.after)))")
            raw(",\"error_otherwise_before\":\(number(figures.otherwise?.before))")
            raw(",\"error_otherwise\":\(number(figures.otherwise?.after))")
            raw(",\"error_of_all_before\":\(figures.before),\"error_of_all\":\(figures.after),\"tags\":")
            list(figures.tags) { tag in
                raw("{\"tag\":")
                text.appendJSON(string: tag.name)
                raw(",\"positives\":\(tag.positives),\"roc_auc\":\(number(tag.rocAUC))")
                raw(",\"error_before\":\(tag.before),\"error\":\(tag.after),\"threshold\":\(tag.choice.threshold)")
                raw(",\"precision\":\(number(tag.choice.precision)),\"recall\":\(number(tag.choice.recall))")
                raw(",\"f1\":\(number(tag.choice.f())),\"false_alarms\":\(number(tag.falseAlarms))}")
            }
            raw("}")
        }
        func scalings(_ name: String, _ tags: [String], _ calibration: ModelCalibration) {
            raw(",\"\(name)\":")
            list(Array(tags.enumerated())) { index, tag in
                raw("{\"tag\":")
                text.appendJSON(string: tag)
                raw(",\"scale\":\(calibration.scalings.map { $0[index].scale })")
                raw(",\"shift\":\(calibration.scalings.map { $0[index].shift })}")
            }
        }
        raw("{\"model\":")
        text.appendJSON(string: model.name)
        raw(",\"sha256\":\"\(model.sha256)\",\"labels\":\"\(labels == .shares ? "shares" : "positives")\"")
        raw(",\"positive\":\(positiveFrom),\"least\":\(least)")
        names("kept", calibrated.model.tags)
        names("left_out", dropped)
        names("not_in_manifest", unheard)
        names("only_in_manifest", unknown)
        scalings("scalings", sets[0].windows.tags.map(\.name), calibrated.windows)
        if let songs = calibrated.songs, let tags = sets[0].songs?.tags.map(\.name) {
            scalings("song_scalings", tags, songs)
        }
        raw(",\"splits\":")
        list(sets) { set in
            raw("{\"split\":\"\(set.split.rawValue)\",\"windows\":")
            figures(set.windows)
            if let songs = set.songs {
                raw(",\"songs\":")
                figures(songs)
            }
            if let alarms = set.falseAlarms {
                raw(",\"quiet\":{\"windows\":\(alarms.windows),\"false_alarms\":\(alarms.any),\"tags\":[")
                for (index, tag) in calibrated.model.tags.enumerated() {
                    raw(index > 0 ? ",{\"tag\":" : "{\"tag\":")
                    text.appendJSON(string: tag)
                    raw(",\"false_alarms\":\(alarms.byTag[index])}")
                }
                raw("]}")
            }
            raw("}")
        }
        raw("}\n")
        return String(decoding: text, as: UTF8.self)
    }
}
