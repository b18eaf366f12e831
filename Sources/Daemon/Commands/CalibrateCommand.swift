import ArgumentParser
import Core
import Glibc

struct CalibrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Make probabilities mean what they say, and choose thresholds.",
        discussion: """
            Scales and shifts the logits of each tag so that of what is shown as 0.8 eight in ten is right, by the labels \
            of the valid split, and folds that into the output layers: a reader of the file need not know. Then chooses \
            for each tag from which probability on it counts as heard, and writes that into the file too. A song-level \
            classifier is calibrated on songs in the same way. docs/calibration.md says more.

            EXAMPLES
              wavetag calibrate --model mine.safetensors --data manifest.tsv --out calibrated.safetensors
              wavetag calibrate --data manifest.tsv --positive 0.3 --least 20 --least-auc 0.75 --out small.safetensors
              wavetag calibrate --data manifest.tsv --quiet noise.tsv --false-alarms 0.005 --report-split test --out m.safetensors
            """
    )

    @OptionGroup var dataOptions: DataOptions
    @OptionGroup var cacheOptions: CacheOptions
    @Option(help: ArgumentHelp("Model file. Default: the one that is installed or bundled.", valueName: "file"))
    var model: String?
    @Option(help: ArgumentHelp("Where the calibrated model goes.", valueName: "file"))
    var out: String
    @Option(help: "Whose labels decide: train, valid or test.")
    var split = Manifest.Split.valid
    @Option(help: ArgumentHelp("A label this large is a positive.", valueName: "probability"))
    var positive: Float = 0.5
    @Flag(help: "Calibrate to positives. Otherwise a label of 0.7 is seven tenths of one.")
    var hard = false
    @Flag(help: "Leave the probabilities as they are, and choose only thresholds.")
    var onlyThresholds = false
    @Option(help: ArgumentHelp("Recall counts so many times as much as precision.", valueName: "factor"))
    var beta = 1.0
    @Option(help: ArgumentHelp("Keep only these tags of the model.", valueName: "tags"))
    var tags: CommaList<String>?
    @Option(help: ArgumentHelp("Leave these tags out.", valueName: "tags"))
    var drop: CommaList<String>?
    @Option(help: ArgumentHelp("Leave tags of a lower ROC-AUC by window out.", valueName: "area"))
    var leastAuc: Double?
    @Option(help: ArgumentHelp("Tags with fewer positive windows are not judged.", valueName: "count"))
    var least = 1
    @Option(help: ArgumentHelp("Sounds that aren't music: a manifest, with the same splits.", valueName: "manifest"))
    var quiet: String?
    @Option(
        help: ArgumentHelp(
            "Raise thresholds until a tag is heard in no larger share of --quiet's windows.", valueName: "share"))
    var falseAlarms: Double?
    @Option(help: ArgumentHelp("Tags that are no false alarms in --quiet.", valueName: "tags"))
    var notMusic = CommaList(["silence", "speech", "noise"])
    @Option(help: "Another split to report on: train, valid or test.")
    var reportSplit: Manifest.Split?
    @Flag(help: "Work with the files that can be read, however few.")
    var keepGoing = false
    @Flag(help: "One JSON object.")
    var json = false

    func validate() throws {
        guard (0...1).contains(positive) else { throw ValidationError("--positive: 0 to 1 wanted, \(positive) found") }
        guard (0.01...100).contains(beta) else { throw ValidationError("--beta: 0.01 to 100 wanted, \(beta) found") }
        guard leastAuc.map({ (0...1).contains($0) }) ?? true else {
            throw ValidationError("--least-auc: 0 to 1 wanted")
        }
        guard falseAlarms.map({ (0...1).contains($0) }) ?? true else {
            throw ValidationError("--false-alarms: 0 to 1 wanted")
        }
        guard falseAlarms == nil || quiet != nil else { throw ValidationError("--false-alarms: --quiet wanted too") }
    }

    private var labels: ModelCalibration.Labels { hard ? .positive(from: positive) : .shares }

    func run() async throws {
        let file = try ExitCode.read(model: model ?? DefaultModel.path(environment: processEnvironment()))
        let manifest = try dataOptions.manifest()
        let quiet = try self.quiet.map { path in
            do throws(ManifestError) { return try Manifest(path: path) } catch { throw ExitCode.because(error) }
        }
        let splits = [split] + (reportSplit.map { $0 == split ? [] : [$0] } ?? [])
        var listening = CalibrationListening(
            model: try selected(file), name: file.name, threads: dataOptions.threadCount,
            cache: try cacheOptions.cacheIfWanted(), cacheOptions: cacheOptions, keepsGoing: keepGoing)
        // All of it before the work begins.
        for split in splits { try listening.check(manifest, split) }
        if let quiet { for split in splits { try listening.checkRows(quiet, split) } }
        try ReportFile.check(out)

        var heard: [CalibrationListening.Heard] = []
        for split in splits { heard.append(try await listening.listen(to: manifest, split)) }
        let dropped = tooWeak(heard[0])
        if !dropped.isEmpty {
            let kept = Set(listening.model.tags).subtracting(dropped)
            guard !kept.isEmpty else {
                throw ExitCode.because(.badData, "\(file.name): no tag has a ROC-AUC of \(leastAuc ?? 0) or more")
            }
            listening.model = listening.model.keeping(tags: kept)
            heard = heard.map { $0.keeping(kept, ofSongs: listening.model.classifier?.configuration.tags == nil) }
            guard !heard[0].tags.isEmpty else {
                throw ExitCode.because(.badData, "\(manifest.path): none of the tags that are left is one of its")
            }
        }

        var calibrated = Calibrated(heard[0], model: listening.model, labels: labels, isFitted: !onlyThresholds)
        calibrated.chooseThresholds(heard[0], positiveFrom: positive, least: least, beta: beta)
        var quietSets: [Predictions] = []
        if let quiet {
            for split in splits {
                quietSets.append(try await listening.listenWhole(to: quiet, split, calibrated.model))
            }
            if let falseAlarms {
                calibrated.raiseThresholds(
                    quietSets[0], share: falseAlarms, except: Set(notMusic.elements), positiveFrom: positive)
            }
        }
        do throws(ModelFileError) { try ModelFile.write(calibrated.model, to: out) } catch {
            throw ExitCode.because(error)
        }
        let report = CalibrationReport(
            model: file, out: out, calibrated: calibrated,
            dropped: file.model.tags.filter { !calibrated.model.tags.contains($0) }, labels: labels,
            positiveFrom: positive, least: least, notMusic: Set(notMusic.elements),
            sets: splits.indices.map { (splits[$0], heard[$0], quietSets.indices.contains($0) ? quietSets[$0] : nil) })
        Output.write(json ? report.json : report.text)
    }

    /// The model with the tags that were asked for.
    private func selected(_ file: ModelFile) throws -> Model {
        let known = Set(file.model.tags)
        for (option, list) in [("--tags", tags), ("--drop", drop)] {
            if let unknown = list?.elements.first(where: { !known.contains($0) }) {
                throw ExitCode.because(.usage, "\(option): \(unknown) is not one of the tags of \(file.name)")
            }
        }
        let kept = Set(tags?.elements ?? file.model.tags).subtracting(drop?.elements ?? [])
        guard !kept.isEmpty else { throw ExitCode.because(.usage, "--drop: no tag is left") }
        return kept == known ? file.model : file.model.keeping(tags: kept)
    }

    /// Tags that the model doesn't know well, of those that can be judged.
    private func tooWeak(_ heard: CalibrationListening.Heard) -> [String] {
        guard let leastAuc else { return [] }
        let before = ModelCalibration(nets: heard.windows.count, tags: heard.tags.count, output: heard.output)
            .probabilities(of: heard.windows)
        return before.metrics(positiveFrom: positive, leastPositives: least).tags
            .filter { $0.positives >= max(1, least) && $0.rocAUC ?? 1 < leastAuc }.map(\.tag)
    }
}
