import Core

/// A model on its way: calibrated, then with thresholds.
struct Calibrated {
    private(set) var model: Model
    /// Of the tags that were heard.
    let windows: ModelCalibration
    /// The song-level classifier's.
    let songs: ModelCalibration?
    /// By tag; empty for tags that were not heard.
    private(set) var thresholds: [String: Float] = [:]
    private(set) var songThresholds: [String: Float]?

    /// - Parameter isFitted: false leaves probabilities as they are.
    init(
        _ heard: CalibrationListening.Heard, model: Model, labels: ModelCalibration.Labels, isFitted: Bool
    ) {
        func calibration(_ logits: [Predictions], _ output: OutputFunction) -> ModelCalibration {
            isFitted
                ? ModelCalibration(fitting: logits, output: output, labels: labels)
                : ModelCalibration(nets: logits.count, tags: logits[0].tags.count, output: output)
        }
        windows = calibration(heard.windows, heard.output)
        songs = heard.songs.map { calibration([$0], heard.songOutput) }
        /// Tags that were not heard stay as they are.
        func spread(_ scalings: [LogitScaling], of tags: [String], over all: [String]) -> [LogitScaling] {
            all.map { tag in tags.firstIndex(of: tag).map { scalings[$0] } ?? .none }
        }
        self.model = model.taking(windows.scalings.map { spread($0, of: heard.tags, over: model.tags) })
        if let songs, let tags = heard.songs?.tags {
            self.model = self.model.taking(songs: spread(songs.scalings[0], of: tags, over: model.songTags))
        }
        self.model.thresholds = [:]
        self.model.classifier?.configuration.thresholds = nil
    }

    /// Of each tag the threshold of the best F; of one with too few positives the usual.
    mutating func chooseThresholds(
        _ heard: CalibrationListening.Heard, positiveFrom: Float, least: Int, beta: Double
    ) {
        func chosen(_ predictions: Predictions) -> [String: Float] {
            var thresholds: [String: Float] = [:]
            for (index, tag) in predictions.tags.enumerated() {
                let positive = predictions.labels.map { $0[index] >= positiveFrom }
                let best =
                    positive.count { $0 } >= least
                    ? ThresholdChoice.best(scores: predictions.scores.map { $0[index] }, positive: positive, beta: beta)
                    : nil
                thresholds[tag] = best?.threshold ?? Model.usualThreshold
            }
            return thresholds
        }
        thresholds = chosen(windows.probabilities(of: heard.windows))
        if let songs, let logits = heard.songs { songThresholds = chosen(songs.probabilities(of: [logits])) }
        store()
    }

    /// - Parameter quiet: of all the model's tags.
    mutating func raiseThresholds(
        _ quiet: Predictions, share: Double, except: Set<String>, positiveFrom: Float
    ) {
        let before = model.tags.map { thresholds[$0] ?? Model.usualThreshold }
        let raised = FalseAlarms.raised(
            before, over: quiet, share: share, except: except, positiveFrom: positiveFrom)
        for (tag, (old, new)) in zip(model.tags, zip(before, raised)) where new != old { thresholds[tag] = new }
        store()
    }

    private mutating func store() {
        model.thresholds = thresholds
        model.classifier?.configuration.thresholds = songThresholds
    }
}
