import ArgumentParser
import Core

/// A table on data sets that are at hand: features of every set, then every row trained as often as asked for. All of it
/// is kept in a folder, and none of it is done twice.
struct Reproduction {
    let features: ReproductionFeatures
    let sets: [NamedManifest]
    let table: ReproductionTable
    let options: ClassifierOptions

    private var model: ModelFile { features.model }
    private var threads: Int { features.threads }

    /// What one set gives in one row.
    struct Cell {
        let results: [ReproductionResults.Result]

        /// The set's measure on the test songs.
        func spread(_ output: OutputFunction) -> Spread? {
            Spread(results.map { output == .softmax ? $0.test.accuracy : $0.test.rocAUC })
        }
    }

    /// One data set, all rows.
    struct Column {
        let set: String
        let output: OutputFunction
        let songs: (train: Int, valid: Int, test: Int)
        let tagsCounted: Int
        /// One for each row of the table.
        var cells: [Cell] = []
        /// Of each row, what its nets say without a classifier; nil where they know none of the set's tags.
        var windows: [Double?] = []

        var measure: String { output == .softmax ? "accuracy" : "ROC-AUC" }
    }

    /// - Returns: nil where it was interrupted.
    func run(_ interruption: Interruption) async throws -> [Column]? {
        var results = ReproductionResults(path: "\(features.folder)/results.tsv")
        var columns: [Column] = []
        for set in sets {
            let wanted = Set(table.rows.flatMap(\.nets))
            guard let file = try await features.file(of: set, nets: Array(wanted), interruption) else { return nil }
            var column: Column?
            for row in table.rows {
                let experiment = try experiment(row, file, set)
                let key = key(set.name, row, file)
                let seeds = options.seeds
                let done = Set(results.known(key, seeds: seeds).map(\.seed))
                let missing = seeds.filter { !done.contains($0) }
                // As many as there are threads at a time: what is done is written down.
                for start in stride(from: 0, to: missing.count, by: threads) {
                    let some = Array(missing[start..<min(missing.count, start + threads)])
                    let progress = WorkProgress("\(set.name), \(row.name): \(done.count + start) of \(seeds.count)")
                    let repeats = await experiment.repeats(
                        seeds: some, threads: threads, isCancelled: { interruption.isRequested },
                        progress: { progress.show($0) })
                    progress.clear()
                    let new = repeats.map {
                        ReproductionResults.Result(seed: $0.seed, valid: $0.valid, test: $0.test)
                    }
                    guard results.add(new, key: key) else {
                        throw ExitCode.because(.ioError, "\(results.path): can't be written")
                    }
                    guard !interruption.isRequested else { return nil }
                }
                let cell = Cell(results: results.known(key, seeds: seeds))
                var current =
                    column
                    ?? Column(
                        set: set.name, output: experiment.output, songs: experiment.counts,
                        tagsCounted: cell.results.first?.test.tagsCounted ?? 0)
                current.cells.append(cell)
                current.windows.append(
                    experiment.windows.map { current.output == .softmax ? $0.accuracy : $0.rocAUC } ?? nil)
                column = current
            }
            if let column { columns.append(column) }
        }
        return columns
    }

    private func experiment(
        _ row: ReproductionTable.Row, _ file: FeatureFile, _ set: NamedManifest
    ) throws -> ClassifierExperiment {
        do throws(FeatureError) {
            let layout = try FeatureLayout(model.model.nets.map(\.shape), names: row.nets, levels: row.levels)
            return try ClassifierExperiment(
                file, layout: layout, training: options.training, model: model.model, measure: options.measure)
        } catch { throw ExitCode.because(.badData, "\(set.path): \(error)") }
    }

    /// Everything that a result depends on.
    private func key(_ set: String, _ row: ReproductionTable.Row, _ file: FeatureFile) -> String {
        let training = options.training
        return [
            set, row.nets.joined(separator: ","), row.levels.map(String.init).joined(separator: ","),
            String(file.digest, radix: 16), training.hidden.map(String.init).joined(separator: ","),
            "\(training.dropout)", "\(training.learningRate)", "\(training.weightDecay)", "\(training.batch)",
            "\(training.epochs)", "\(training.patience)", "\(training.start)", "\(training.sharpness)",
            "\(training.refits)",
            "\(options.measure.positiveFrom)",
            "\(options.measure.leastPositives)",
        ].joined(separator: " ")
    }
}
