import ArgumentParser
import Core
import Glibc

struct TrainClassifierCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classifier",
        abstract: "A song-level classifier over nets' features.",
        discussion: """
            Trains a fully connected classifier on songs' features several times over, keeps the one that does best on \
            the validation songs, and writes the model with it. Its tags are the data set's; where those are not the \
            nets' own, windows keep the nets' tags and songs get the classifier's; where they are, the classifier starts \
            with the nets' own output (--start) and adds to it what levels -3 and -2 tell. Ridge and logistic regression on the \
            same features stand beside it in the report.

            --data is a manifest, or a file that `wavetag extract` wrote; of a manifest the features are kept in \
            OUT.features, so that a run that was stopped goes on, and another one need not extract again.

            EXAMPLES
              wavetag train classifier --data manifest.tsv --out model.safetensors
              wavetag train classifier --model eight.safetensors --nets 3^8,3^9 --levels=-1 --data mtat.tsv --out m.safetensors
              wavetag train classifier --hidden none --refit --data manifest.tsv --out model.safetensors
              wavetag train classifier --model 3-8.safetensors --model 3-9.safetensors --data gtzan.tsv --out g.safetensors
            """
    )

    @OptionGroup var dataOptions: DataOptions
    @Option(
        help: ArgumentHelp(
            "Model file; several: their nets together. Default: the installed or bundled one.", valueName: "file"))
    var model: [String] = []
    @Option(help: ArgumentHelp("Where the model with the classifier goes.", valueName: "file"))
    var out: String
    @Option(parsing: .unconditional, help: ArgumentHelp("Levels of each net.", valueName: "levels"))
    var levels = CommaList([-3, -2, -1])
    @Option(help: ArgumentHelp("Nets of the model. Default: all.", valueName: "names"))
    var nets: CommaList<String>?
    @OptionGroup var options: ClassifierOptions
    @Option(help: "sigmoid or softmax. Default: softmax where each song has one label.")
    var output: OutputFunction?
    @Flag(help: "Work with the files that can be read, however few.")
    var keepGoing = false
    @Flag(help: "The report as one JSON object.")
    var json = false

    func run() async throws {
        let file = try ExitCode.read(models: model)
        let interruption = Interruption.installed()
        let features = try await features(of: file, interruption)
        guard let features else { return }
        let layout: FeatureLayout
        let experiment: ClassifierExperiment
        do throws(FeatureError) {
            layout = try FeatureLayout(
                file.model.nets.map(\.shape), names: nets?.elements, levels: levels.elements)
        } catch { throw ExitCode.because(.usage, error) }
        var training = options.training
        training.start = options.start ?? 1
        do throws(FeatureError) {
            experiment = try ClassifierExperiment(
                features, layout: layout, training: training, model: file.model, output: output,
                measure: options.measure)
        } catch { throw ExitCode.because(.badData, "\(dataOptions.data): \(error)") }

        let progress = WorkProgress("training")
        let started = monotonicTime()
        let repeats = await experiment.repeats(
            seeds: options.seeds, threads: dataOptions.threadCount, isCancelled: { interruption.isRequested },
            progress: { progress.show($0) })
        progress.clear()
        guard !interruption.isRequested, let best = experiment.best(of: repeats) else {
            reportError("\(out): interrupted; nothing is written")
            return
        }
        let report = ClassifierReport(
            experiment, repeats: repeats, best: best, baselines: experiment.baselines(),
            seconds: Double(monotonicTime() - started) / 1e9)
        do throws(ModelFileError) {
            try ModelFile.write(
                file.model.with(best.parameters, tags: experiment.tags, output: experiment.output), to: out)
        } catch { throw ExitCode.because(error) }
        Output.write(json ? report.json : report.text)
    }

    /// Reads features, or extracts them first; nil where that was interrupted.
    private func features(of file: ModelFile, _ interruption: Interruption) async throws -> FeatureFile? {
        var path = dataOptions.data
        if !FeatureFile.isOne(path) {
            path = out + ".features"
            let extraction = FeatureExtraction(
                model: file, manifest: try dataOptions.manifest(), out: path, nets: nets?.elements,
                threads: dataOptions.threadCount, keepsGoing: keepGoing)
            if case .interrupted(let done, let all) = try await extraction.run(interruption) {
                reportError("\(path): \(done) of \(all) tracks are done; the same command goes on")
                return nil
            }
        }
        let features: FeatureFile
        do throws(ModelFileError) { features = try FeatureFile(path: path) } catch { throw ExitCode.because(error) }
        guard features.recipe.sha256 == file.sha256 else {
            throw ExitCode.because(.badData, "\(path): features of another model: \(features.recipe.model)")
        }
        return features
    }
}

extension ExitCode {
    /// One model, or several as one.
    static func read(models paths: [String]) throws -> ModelFile {
        let standard = [DefaultModel.path(environment: processEnvironment())]
        var files: [ModelFile] = []
        for path in paths.isEmpty ? standard : paths { files.append(try read(model: path)) }
        do throws(ModelFileError) { return try ModelFile.combining(files) } catch { throw because(error) }
    }
}

extension Model {
    /// The same nets with a classifier; its tags and output stand in the file only where they aren't the nets' own.
    func with(_ classifier: ClassifierParameters, tags: [String], output: OutputFunction) -> Model {
        var model = self
        var classifier = classifier
        classifier.configuration.tags = tags == self.tags ? nil : tags
        classifier.configuration.output = output == self.output ? nil : output
        model.classifier = classifier
        return model
    }
}
