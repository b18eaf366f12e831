import Core

/// What a training run, or an evaluation, came to: one page.
struct TrainingReport: Sendable {
    let title: String
    /// About the model and the data, a line each.
    let summary: [String]
    /// Empty where only an evaluation is told of.
    let epochs: [EpochRecord]
    let split: Manifest.Split
    /// Of the split's windows.
    let predictions: Predictions
    /// [songs]: their files.
    let songs: [String]
    let output: OutputFunction
    /// How `Predictions.metrics` was asked.
    let criteria: Criteria

    struct Criteria: Sendable {
        /// A label this large or larger is a positive.
        var positiveFrom: Float = 0.5
        /// Tags with fewer positives are left out of means.
        var leastWindows = 1
        var leastSongs = 1
    }

    /// Draws of the bootstrap.
    static let resamples = 1000

    /// The page; the same input gives the same bytes.
    var html: String {
        let figures = TagFigures(predictions, criteria)
        var page = ReportPage(title: title, lead: summary)
        page.headlines(headlines(figures))
        if !epochs.isEmpty {
            page.section(
                "Training", id: "training",
                note: "Mean loss of the segments trained on and of the valid split’s. Bands are the learning rates of "
                    + "the schedule; the ring is the epoch whose weights were kept."
            ) { LossFigures(epochs).write(to: &$0) }
        }
        page.section(
            "Tags", id: "tags",
            note: "Area under the ROC curve by window: how likely a window that has the tag gets a higher probability "
                + "than one that hasn’t. 0.5 is chance. Bars are 95 % intervals: the \(split.rawValue) split’s songs "
                + "drawn anew \(Self.resamples) times, each with all its windows."
        ) { TagDotPlot(figures).write(to: &$0) }
        page.section(
            "Precision, recall and calibration", id: "curves",
            note: "Left, precision over recall at every threshold; dashed, what guessing gives. Right, what share of "
                + "windows has the tag, over the probability that the model gave; on the dashed diagonal, "
                + "probabilities mean what they say. Larger dots are more windows."
        ) { TagCards(figures).write(to: &$0) }
        if output == .softmax {
            page.section(
                "Genres", id: "genres",
                note: "Rows are labels, columns what the model took them for; darker is a larger share of the row."
            ) { ConfusionTables(windows: predictions, songs: figures.songPredictions).write(to: &$0) }
        }
        page.section(
            "Worst mistakes", id: "mistakes",
            note: "Where the model is surest, and wrong by the labels. A song stands once for a tag, with its worst "
                + "window. Listen before you believe either: some of these are the labels’ mistakes."
        ) {
            MistakeTables(
                windows: predictions, songs: figures.songPredictions, names: songs, output: output,
                positiveFrom: criteria.positiveFrom
            ).write(to: &$0)
        }
        return page.html
    }

    private func headlines(_ figures: TagFigures) -> [ReportPage.Headline] {
        let (windows, songs) = (figures.windows, figures.songs)
        var headlines = [
            ReportPage.Headline(
                name: "ROC-AUC by window", value: fixed(windows.rocAUC, 3),
                detail: interval(figures.windowIntervals.macro)),
            ReportPage.Headline(
                name: "ROC-AUC by song", value: fixed(songs.rocAUC, 3), detail: interval(figures.songIntervals.macro)),
        ]
        if output == .softmax {
            headlines.append(
                .init(
                    name: "Accuracy", value: percent(songs.accuracy),
                    detail: "of songs; \(percent(windows.accuracy)) of windows"))
        }
        headlines += [
            .init(
                name: "Average precision", value: fixed(windows.averagePrecision, 3),
                detail: "by window; \(fixed(songs.averagePrecision, 3)) by song"),
            .init(
                name: "Calibration error", value: fixed(figures.calibration.expectedError, 3),
                detail: "all windows and tags"),
            .init(
                name: "Heard", value: "\(windows.count)",
                detail:
                    "windows of \(songs.count) songs; means over \(windows.tagsCounted) of \(windows.tags.count) tags"),
        ]
        return headlines
    }
}

/// `95 %: 0.851 to 0.893`.
private func interval(_ interval: Bootstrap.Interval?) -> String {
    interval.map { "95 %: \(fixed($0.lower, 3)) to \(fixed($0.upper, 3))" } ?? "too few songs for an interval"
}

private func percent(_ share: Double?) -> String { share.map { fixed($0 * 100, 1) + " %" } ?? "-" }

/// What is known of each tag, worked out once for all parts of the report.
struct TagFigures: Sendable {
    let predictions: Predictions
    let songPredictions: Predictions
    let criteria: TrainingReport.Criteria
    let windows: Predictions.Metrics
    let songs: Predictions.Metrics
    let windowIntervals: Bootstrap
    let songIntervals: Bootstrap
    /// All tags' together.
    let calibration: Calibration
    /// Tags that have a ROC-AUC by window, the highest first.
    let ranked: [Int]

    init(_ predictions: Predictions, _ criteria: TrainingReport.Criteria) {
        self.predictions = predictions
        self.criteria = criteria
        songPredictions = predictions.bySong()
        let (positive, resamples) = (criteria.positiveFrom, TrainingReport.resamples)
        windows = predictions.metrics(positiveFrom: positive, leastPositives: criteria.leastWindows)
        songs = songPredictions.metrics(positiveFrom: positive, leastPositives: criteria.leastSongs)
        windowIntervals = predictions.rocAUCIntervals(
            positiveFrom: positive, leastPositives: criteria.leastWindows, resamples: resamples)
        songIntervals = songPredictions.rocAUCIntervals(
            positiveFrom: positive, leastPositives: criteria.leastSongs, resamples: resamples)
        calibration = predictions.calibration()
        let areas = windows.tags.map { $0.rocAUC }
        ranked = areas.indices.filter { areas[$0] != nil }.sorted {
            (areas[$1] ?? 0, $0) < (areas[$0] ?? 0, $1)
        }
    }

    /// Whether the tag belongs to the means.
    func counts(_ tag: Int) -> Bool { windows.tags[tag].positives >= max(1, criteria.leastWindows) }
}
