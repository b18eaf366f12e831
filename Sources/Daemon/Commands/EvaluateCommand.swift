import ArgumentParser
import Core
import Glibc

struct EvaluateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "How well a model ranks a data set's tags.",
        discussion: """
            ROC-AUC and average precision, by window and by song (the mean of its windows), for each tag and over the \
            tags that have enough positives. With --against also how far two models, or two precisions of one, are \
            apart: that is how 8 bits are measured against float.

            EXAMPLES
              wavetag evaluate --model mine.safetensors --data manifest.tsv
              wavetag evaluate --model int8.safetensors --against float.safetensors --gain -30 --data manifest.tsv
              wavetag evaluate --data manifest.tsv --json | jq .windows.roc_auc
              wavetag evaluate --model mine.safetensors --data manifest.tsv --report report.html
            """
    )

    @OptionGroup var dataOptions: DataOptions
    @OptionGroup var cacheOptions: CacheOptions
    @Option(help: ArgumentHelp("Model file. Default: the one that is installed or bundled.", valueName: "file"))
    var model: String?
    @Option(help: "Arithmetic. Default: float where the model has float weights.")
    var precision: Precision?
    @Option(help: ArgumentHelp("Another model of the same tags, to compare with.", valueName: "file"))
    var against: String?
    @Option(help: "train, valid or test.")
    var split = Manifest.Split.test
    @Option(parsing: .unconditional, help: ArgumentHelp("Turn the sound up by so much.", valueName: "dB"))
    var gain = 0.0
    @Option(help: ArgumentHelp("A label this large is a positive.", valueName: "probability"))
    var positive: Float = 0.5
    @Option(help: ArgumentHelp("Tags with fewer positive windows are left out of means.", valueName: "count"))
    var least = 1
    @Option(help: ArgumentHelp("Tags with fewer positive songs are left out of means.", valueName: "count"))
    var leastSongs = 1
    @Option(help: ArgumentHelp("Also write a page with curves, intervals and the worst mistakes.", valueName: "html"))
    var report: String?
    @Option(help: ArgumentHelp("For --report: the log of the model's training, for its curves.", valueName: "ndjson"))
    var log: String?
    @Flag(help: "Also the range in which 95 % of 1000 resamples of the songs fall.")
    var intervals = false
    @Flag(help: "Also how often a tag is heard that isn't labelled, of all the model's tags.")
    var falseAlarms = false
    @Option(help: ArgumentHelp("Tags that are no false alarms.", valueName: "tags"))
    var notMusic = CommaList(["silence", "speech", "noise"])
    @Flag(help: "Work with the files that can be read, however few.")
    var keepGoing = false
    @Flag(help: "One JSON object.")
    var json = false

    func validate() throws {
        guard (0...1).contains(positive) else { throw ValidationError("--positive: 0 to 1 wanted, \(positive) found") }
        guard (-200...200).contains(gain) else { throw ValidationError("--gain: -200 to 200 dB wanted, \(gain) found") }
        guard log == nil || report != nil else { throw ValidationError("--log: only with --report") }
    }

    func run() async throws {
        let file = try ExitCode.read(model: model ?? DefaultModel.path(environment: processEnvironment()))
        let other = try against.map { try ExitCode.read(model: $0) }
        let manifest = try dataOptions.manifest()
        let rows = manifest.rows(split)
        guard !rows.isEmpty else {
            throw ExitCode.because(.badData, "\(manifest.path): no rows of split \(split.rawValue)")
        }
        let cache = try cacheOptions.cacheIfWanted()
        let evaluator = Evaluator(
            manifest, rows: rows, tags: file.model.tags, cache: cache, isComplete: falseAlarms)
        guard !evaluator.tags.isEmpty else {
            throw ExitCode.because(.badData, "\(manifest.path): none of its tags is one of \(file.name)'s")
        }
        var variants = [Evaluator.Variant(nets: try ExitCode.packed(file, precision), gain: gain)]
        if let other {
            guard other.model.tags == file.model.tags else {
                throw ExitCode.because(.badData, "\(other.name): its tags differ from those of \(file.name)")
            }
            variants.append(.init(nets: try ExitCode.packed(other, nil), gain: gain))
            let windows = variants.map { $0.nets.map(\.shape.window).max() }
            guard windows[0] == windows[1] else {
                throw ExitCode.because(.badData, "\(other.name): its windows differ from those of \(file.name)")
            }
        }

        let epochs = try epochs()
        if let report { try ReportFile.check(report) }

        if let cache {
            try await cacheOptions.fill(
                cache, with: evaluator.paths, threads: dataOptions.threadCount, keepsGoing: keepGoing)
        }
        let progress = WorkProgress("evaluating")
        let started = monotonicTime()
        let result = await evaluator.run(variants, threads: dataOptions.threadCount) { progress.show($0) }
        progress.clear()
        let seconds = Double(monotonicTime() - started) / 1e9
        try ExitCode.report(failures: result.failures, of: result.fileCount, keepsGoing: keepGoing)
        guard !result.predictions[0].scores.isEmpty else {
            throw ExitCode.because(.badData, "\(manifest.path): no row of split \(split.rawValue) is a window long")
        }
        if let report {
            let page = TrainingReport(
                title: "\(file.name) on the \(split.rawValue) split", summary: summary(of: file, manifest),
                epochs: epochs, split: split, predictions: result.predictions[0], songs: result.songs,
                output: file.model.output,
                criteria: .init(positiveFrom: positive, leastWindows: least, leastSongs: leastSongs))
            try ReportFile.write(page.html, to: report)
        }
        let evaluation = EvaluationReport(
            model: file, split: split, gain: gain, seconds: seconds, sets: result.predictions,
            positiveFrom: positive, leastWindows: least, leastSongs: leastSongs, manifestTags: manifest.tags,
            except: falseAlarms ? Set(notMusic.elements) : nil, hasIntervals: intervals)
        Output.write(json ? evaluation.json : evaluation.text)
    }

    /// Of the log, if there is one.
    private func epochs() throws -> [EpochRecord] {
        guard let log else { return [] }
        do throws(EpochLogError) { return try EpochRecord.log(path: log) } catch {
            let code: ExitCode =
                switch error.kind {
                case .missing: .noInput
                case .unreadable: .ioError
                case .invalid: .badData
                }
            throw ExitCode.because(code, error)
        }
    }

    /// What a report says of the model and the data.
    private func summary(of file: ModelFile, _ manifest: Manifest) -> [String] {
        let nets = file.model.nets.map { net in
            "\(net.shape.name), \(fixed(Double(net.shape.window) / Double(Model.sampleRate), 2)) s windows"
        }
        var lines = [
            "\(file.model.nets.count == 1 ? "Net" : "Nets"): \(nets.joined(separator: "; ")); "
                + "\((precision ?? file.model.usualPrecision).rawValue) arithmetic",
            "Model: SHA-256 \(file.sha256)",
            "Data: \(manifest.path), split \(split.rawValue); a label of \(positive) or more is a positive",
        ]
        if gain != 0 { lines.append("Sound turned up by \(fixed(gain, 1)) dB") }
        return lines
    }
}

extension Manifest.Split: ExpressibleByArgument {}
