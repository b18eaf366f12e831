import ArgumentParser
import Core
import Glibc

struct TrainNetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "net",
        abstract: "Train a sample-level net on your own tags.",
        discussion: """
            Trains on the manifest's train split and chooses by its valid split. OUT is the model of the best epoch so \
            far, OUT.log.ndjson has a line an epoch, OUT.html is a report with curves and mistakes, and \
            OUT.checkpoint is what --resume goes on from, to the bit. Without options it is the papers' recipe.

            EXAMPLES
              wavetag train net --net 3^9 --data manifest.tsv --out mine.safetensors
              wavetag train net --net 3^9 --data manifest.tsv --out mine.safetensors --resume
              wavetag train net --widths 32,32,64,64,128,128,128,128,128,256,256 --optimiser adamw --schedule cosine \
            --epochs 8 --random-start --random-gain -16:4 --data manifest.tsv --out small.safetensors
              wavetag train net --init big.safetensors --new-tags --freeze 9 --data my.tsv --out my.safetensors
            """
    )

    @OptionGroup var dataOptions: DataOptions
    @OptionGroup var cacheOptions: CacheOptions
    @Option(help: ArgumentHelp("m^n, for example 3^9. Default: of --init, otherwise 3^9.", valueName: "net"))
    var net: String?
    @Option(help: ArgumentHelp("Output channels of each layer, with commas. Default: the papers'.", valueName: "list"))
    var widths: CommaList<Int>?
    @Option(help: ArgumentHelp("Where the model goes.", valueName: "file"))
    var out: String
    @Option(name: .customLong("init"), help: ArgumentHelp("Start from this model's net.", valueName: "file"))
    var start: String?
    @Flag(help: "With --init: a new output layer for the manifest's tags.")
    var newTags = false
    @Option(help: ArgumentHelp("With --init: layers, from below, that learn nothing.", valueName: "count"))
    var freeze = 0
    @Option(help: "sigmoid or softmax. Default: of --init, otherwise softmax where each row has one label.")
    var output: OutputFunction?
    @OptionGroup(title: "Recipe") var options: TrainNetOptions
    @Flag(help: "Go on with what OUT.checkpoint has; begin where there is none.")
    var resume = false
    @Flag(help: "Begin anew although there is an unfinished run's checkpoint.")
    var restart = false
    @Flag(help: "Work with the files that can be read, however few.")
    var keepGoing = false

    func validate() throws {
        if resume, restart { throw ValidationError("--resume and --restart: one of them") }
        if start == nil, newTags || freeze != 0 { throw ValidationError("--new-tags and --freeze: --init wanted too") }
        if start != nil, widths != nil { throw ValidationError("--widths: not with --init") }
    }

    func run() async throws {
        let files = TrainingFiles(out: out)
        try files.check(resume: resume, restart: restart)
        let manifest = try dataOptions.manifest()
        let beginning = try self.beginning(manifest)
        let run = try await prepared(beginning, manifest)
        let interruption = Interruption.installed()
        let progress = TrainingProgress(
            batch: options.batch, mostEpochs: options.epochs ?? (options.schedule == .cosine ? 20 : nil))
        let description = self.description(beginning, manifest, run)
        if resume, let checkpoint = try files.checkpoint() {
            if let difference = checkpoint.difference(from: description) {
                throw ExitCode.because(
                    .usage,
                    "\(files.checkpointPath): \(difference.name): it was \(difference.was), and now is \(difference.isNow)"
                )
            }
            do throws(TrainingError) { try run.run.resume(checkpoint, path: files.checkpointPath) } catch {
                throw ExitCode.because(.badData, error)
            }
        }
        try files.openLog(epochs: run.run.epochs)
        reportLine(
            "\(beginning.net.shape.name): \(run.train.segments.count) segments to train on, "
                + "\(run.valid.segments.count) to choose by, \(beginning.tags.count) tags; "
                + "\(run.run.memory / 1_000_000) MB for a batch of \(options.batch)"
                + (run.run.epochs > 0 ? "; \(run.run.epochs) epochs are done" : ""))
        let (songs, model) = (run.valid.songs, beginning.model)
        // Of the best epoch that this process has seen; whether the report has the newest epoch.
        var bestPredictions: Predictions?
        var isReportWhole = false
        let surroundings = TrainingRun.Surroundings(
            seconds: { Double(monotonicTime()) / 1e9 }, isStopped: { interruption.isRequested },
            step: { progress.show($0) },
            epoch: { record, best, predictions throws(TrainingError) in
                progress.show(record)
                try files.append(record)
                isReportWhole = best != nil
                guard let best else { return }
                bestPredictions = predictions
                try files.write(model(best))
                try files.writeReport(model(best), predictions, songs: songs, options: options)
            })
        let hasEnded: Bool
        do throws(TrainingError) {
            hasEnded = try await run.run.run(
                checkpoint: files.checkpointPath, description: description, surroundings)
            if hasEnded, !isReportWhole {
                var predictions = bestPredictions
                if predictions == nil { predictions = try await run.run.bestPredictions() }
                if let predictions {
                    try files.writeReport(model(run.run.bestNet), predictions, songs: songs, options: options)
                }
            }
        } catch {
            progress.clear()
            throw ExitCode.because(error)
        }
        progress.clear()
        guard hasEnded else {
            reportError("\(out): interrupted; the same command with --resume goes on")
            return
        }
        try files.finish()
        Output.write("\(out): \(run.run.epochs) epochs; \(files.reportPath) tells more\n")
    }

    /// What is trained, and what it becomes.
    struct Beginning {
        let net: NetParameters
        let tags: [String]
        let output: OutputFunction
        let epsilon: Double

        func model(_ net: NetParameters) -> Model {
            Model(tags: tags, output: output, batchNormEpsilon: epsilon, nets: [net], classifier: nil)
        }
    }

    private func beginning(_ manifest: Manifest) throws -> Beginning {
        guard !manifest.tags.isEmpty else { throw ExitCode.because(.badData, "\(manifest.path): it has no tags") }
        let usual = output ?? (manifest.rowsHaveOneLabel ? .softmax : .sigmoid)
        guard let start else {
            let shape = try shape(net ?? "3^9")
            return Beginning(
                net: .heUniform(shape, tags: manifest.tags.count, seed: options.seed), tags: manifest.tags,
                output: usual, epsilon: 1e-5)
        }
        let file = try ExitCode.read(model: start)
        let candidates = file.model.nets.filter { net == nil || $0.shape.name == net }
        guard candidates.count == 1, let found = candidates[0].float else {
            let names = file.model.nets.map(\.shape.name).joined(separator: ", ")
            throw ExitCode.because(.badData, "\(file.name): one float net wanted (--net); it has \(names)")
        }
        guard (0...found.shape.layerCount).contains(freeze) else {
            throw ExitCode.because(.usage, "--freeze: 0 to \(found.shape.layerCount) wanted, \(freeze) found")
        }
        guard newTags else {
            if let missing = file.model.tags.first(where: { !manifest.tags.contains($0) }) {
                throw ExitCode.because(
                    .badData, "\(manifest.path): \(missing): the model's tag is none of the manifest's; --new-tags?")
            }
            return Beginning(
                net: found, tags: file.model.tags, output: output ?? file.model.output,
                epsilon: file.model.batchNormEpsilon)
        }
        var changed = found
        changed.output =
            NetParameters.heUniform(found.shape, tags: manifest.tags.count, seed: options.seed).output
        return Beginning(net: changed, tags: manifest.tags, output: usual, epsilon: file.model.batchNormEpsilon)
    }

    private func shape(_ name: String) throws -> NetShape {
        let numbers = name.split(separator: "^", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let m = numbers[0], let n = numbers[1] else {
            throw ExitCode.because(.usage, "--net: m^n wanted, for example 3^9, \(name) found")
        }
        do throws(NetShapeError) { return try NetShape(name: name, m: m, n: n, widths: widths?.elements) } catch {
            throw ExitCode.because(.usage, "--net \(name): \(error)")
        }
    }

    private func prepared(
        _ beginning: Beginning, _ manifest: Manifest
    ) async throws -> (run: TrainingRun, train: SegmentStore, valid: SegmentStore) {
        let cache = try cacheOptions.usualCache(environment: processEnvironment())
        let rows = manifest.rows(.train) + manifest.rows(.valid)
        // Both splits at once: what can't be read is judged over all of them.
        var order: [String] = []
        var seen: Set<String> = []
        for row in rows where seen.insert(row.path).inserted { order.append(manifest.file(of: row)) }
        try await cacheOptions.fill(cache, with: order, threads: dataOptions.threadCount, keepsGoing: keepGoing)
        var stores: [SegmentStore] = []
        for split in [Manifest.Split.train, .valid] {
            let store: SegmentStore
            do throws(SoundCacheError) {
                store = try await SegmentStore(
                    manifest, rows: manifest.rows(split), window: beginning.net.shape.window, tags: beginning.tags,
                    cache: cache, threads: dataOptions.threadCount, keepsGoing: true)
            } catch { throw ExitCode.because(error) }
            guard !store.segments.isEmpty else {
                throw ExitCode.because(
                    .badData, "\(manifest.path): split \(split.rawValue) has no segment of \(store.window) samples")
            }
            stores.append(store)
        }
        let (train, valid) = (stores[0], stores[1])
        try ExitCode.report(
            failures: train.failures + valid.failures, of: order.count, keepsGoing: keepGoing)
        let positives = train.positives
        let without = beginning.tags.indices.filter { positives[$0] == 0 }.map { beginning.tags[$0] }
        if !without.isEmpty {
            reportError("\(manifest.path): no positives to learn from: \(without.joined(separator: ", "))")
        }
        let loss = Loss(
            beginning.output,
            positiveWeights: options.classWeights
                ? positives.map { Float(max(1, min(10, (Double(train.segments.count) - $0) / max($0, 1)))) } : nil)
        let settings = options.settings(
            loss: loss, threads: dataOptions.threadCount, frozenLayers: freeze, epsilon: beginning.epsilon)
        return (TrainingRun(beginning.net, train: train, valid: valid, settings: settings), train, valid)
    }

    /// What another run's checkpoint must not differ in.
    private func description(
        _ beginning: Beginning, _ manifest: Manifest,
        _ run: (run: TrainingRun, train: SegmentStore, valid: SegmentStore)
    ) -> [(name: String, text: String)] {
        let shape = beginning.net.shape
        return [
            ("net", "\(shape.name) of widths \(shape.widths)"), ("tags", beginning.tags.joined(separator: ",")),
            ("init", start ?? "none"),
            (
                "data",
                "\(run.train.segments.count) and \(run.valid.segments.count) segments, fingerprint "
                    + String(run.run.fingerprint, radix: 16)
            ),
            ("recipe", "\(run.run.settings)"),
        ]
    }
}

extension Manifest {
    /// Whether the labels are classes that exclude each other.
    fileprivate var rowsHaveOneLabel: Bool {
        rows.allSatisfy { row in row.labels.count { $0 != 0 } == 1 && row.labels.contains(1) }
    }
}

extension SegmentStore {
    /// [tags]: the sum of all segments' labels.
    fileprivate var positives: [Double] {
        var sums = [Double](repeating: 0, count: tags.count)
        for segment in segments.indices {
            for (tag, label) in labels(of: segment).enumerated() { sums[tag] += Double(label) }
        }
        return sums
    }
}

extension ExitCode {
    fileprivate static func because(_ error: TrainingError) -> ExitCode {
        let code: ExitCode =
            switch error.kind {
            case .invalid, .diverged: .badData
            case .unreadable, .unwritable: .ioError
            }
        return because(code, error)
    }
}
