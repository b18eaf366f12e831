import ArgumentParser
import Core
import Glibc

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Published weights of a sample-level net into a model file.",
        discussion: """
            The net's shape is read from its weights; no code in a checkpoint is run. docs/import.md describes the \
            layouts. What the weights' licence permits is yours to check.

            EXAMPLES
              wavetag import best_model.pth --layout sota-music-tagging-models --tags tags.txt --out model.safetensors
              wavetag import weight_msdTag.hdf5 --layout keras1 --tags 50tagList.txt --out msd.safetensors
              wavetag import weights.hdf5 --layout keras1 --architecture architecture.json --out model.safetensors
            """
    )

    @Argument(help: ArgumentHelp("The weights: .pth, .hdf5, .h5.", valueName: "checkpoint"))
    var checkpoint: String
    @Option(
        help: ArgumentHelp(
            "Whose: \(CheckpointImport.Layout.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "layout"))
    var layout: CheckpointImport.Layout
    @Option(help: ArgumentHelp("The model file to write.", valueName: "model"))
    var out: String
    @Option(help: ArgumentHelp("The tags' names, one a line, in the order of the net's outputs.", valueName: "file"))
    var tags: String?
    @Option(
        help: ArgumentHelp("sigmoid or softmax. Default: what the checkpoint says, or sigmoid.", valueName: "function"))
    var output: OutputFunction?
    @Option(
        help: ArgumentHelp(
            "Of batch norms. Default: what the checkpoint says, or the layout's: 1e-5, for keras2 1e-3.",
            valueName: "number"))
    var bnEpsilon: Double?
    @Option(
        help: ArgumentHelp(
            "Keras's: theano or tensorflow. Default: what the checkpoint says; or theano for keras1, tensorflow for keras2.",
            valueName: "backend"))
    var backend: KerasBackend?
    @Option(
        help: ArgumentHelp("Keras's description of the model, where it isn't in the checkpoint.", valueName: "json"))
    var architecture: String?
    @Flag(help: .hidden)
    var contained = false

    func validate() throws {
        if let bnEpsilon, !(bnEpsilon > 0 && bnEpsilon < 1) {
            throw ValidationError("--bn-epsilon: more than 0 and less than 1 wanted, \(bnEpsilon) found")
        }
        guard layout == .sotaMusicTaggingModels, backend != nil || architecture != nil else { return }
        throw ValidationError("--backend and --architecture are for Keras's layouts")
    }

    func run() throws {
        // libhdf5 is known to crash on damaged files: it does so in a process that has written nothing yet.
        if layout == .sotaMusicTaggingModels {
            try importModel()
        } else if contained {
            ContainedRun.limit()
            try importModel()
        } else {
            switch ContainedRun.run(["import", "--contained"] + CommandLine.arguments.dropFirst(2)) {
            case .ended(let code, let errors)?:
                Output.write(errors, to: STDERR_FILENO)
                throw ExitCode(code)
            case .crashed?: throw ExitCode.because(.badData, "\(checkpoint): HDF5: so damaged that libhdf5 fails")
            case nil: throw ExitCode.because(.unavailable, "\(checkpoint): \(String(cString: strerror(errno)))")
            }
        }
    }

    private func importModel() throws {
        var work = CheckpointImport(layout: layout)
        work.output = output
        work.batchNormEpsilon = bnEpsilon
        work.backend = backend
        work.architecture = architecture
        let model: Model
        do throws(ImportError) {
            if let tags { work.tags = try CheckpointImport.tags(path: tags) }
            model = try work.model(path: checkpoint)
        } catch { throw ExitCode.because(error) }
        do throws(ModelFileError) { try ModelFile.write(model, to: out) } catch { throw ExitCode.because(error) }
        if tags == nil {
            reportError("\(checkpoint): without --tags its outputs are called tag 1 to tag \(model.tags.count)")
        }
        if layout == .sotaMusicTaggingModels {
            reportError(
                "\(checkpoint): the published nets of this layout learned from 16000 Hz, wavetag's hear 22050 Hz")
        }
        Output.write("\(out): \(model.summary)\n")
    }
}

extension CheckpointImport.Layout: ExpressibleByArgument {}
extension KerasBackend: ExpressibleByArgument {}
extension OutputFunction: ExpressibleByArgument {}

extension Model {
    /// What an imported model is, in a line.
    fileprivate var summary: String {
        let nets = nets.map {
            "net \($0.shape.name), first padding \($0.shape.firstPadding), left \($0.shape.leftPadding)"
        }
        return "\(nets.joined(separator: "; ")), \(tags.count) tags, \(output.rawValue), bn_epsilon \(batchNormEpsilon)"
    }
}

extension ExitCode {
    fileprivate static func because(_ error: ImportError) -> ExitCode {
        let code: ExitCode =
            switch error.kind {
            case .missing: .noInput
            case .unreadable: .ioError
            case .invalid: .badData
            case .unavailable: .unavailable
            }
        return because(code, error)
    }
}
