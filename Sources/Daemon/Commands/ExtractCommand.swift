import ArgumentParser
import Core
import Streaming

struct ExtractCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract",
        abstract: "Songs of a data set into vectors: the nets' features, averaged over each song.",
        discussion: """
            The activations of each net's last three hidden layers (levels -3, -2, -1), each the maximum over a window, \
            averaged over the song's windows, one net behind the other. The result is a safetensors file; \
            docs/features.md says what is in it. A run that was stopped goes on where it was when it is started again.

            EXAMPLES
              wavetag extract --data manifest.tsv --out features.safetensors
              wavetag extract --model eight.safetensors --nets 3^8,3^9 --levels=-2,-1 --data mtat.tsv --out f.safetensors
              wavetag extract --data manifest.tsv --hop 729 --out dense.safetensors
            """
    )

    @OptionGroup var dataOptions: DataOptions
    @Option(
        help: ArgumentHelp(
            "Model file; several: their nets together. Default: the installed or bundled one.", valueName: "file"))
    var model: [String] = []
    @Option(help: ArgumentHelp("Where the features go.", valueName: "file"))
    var out: String
    @Option(parsing: .unconditional, help: ArgumentHelp("Levels of each net.", valueName: "levels"))
    var levels = CommaList([-3, -2, -1])
    @Option(help: ArgumentHelp("Nets of the model. Default: all.", valueName: "names"))
    var nets: CommaList<String>?
    @Option(
        help: ArgumentHelp(
            "Samples between two windows. Default: a window, so that none overlap.", valueName: "samples"))
    var hop: Int?
    @Option(help: "Arithmetic. Default: float where the model has float weights.")
    var precision: Precision?
    @Flag(help: "Work with the files that can be read, however few.")
    var keepGoing = false

    func validate() throws {
        if let hop, !(1...TaggerSettings.longestHop).contains(hop) {
            throw ValidationError("--hop: 1 to \(TaggerSettings.longestHop) wanted, \(hop) found")
        }
    }

    func run() async throws {
        let file = try ExitCode.read(models: model)
        let extraction = FeatureExtraction(
            model: file, manifest: try dataOptions.manifest(), out: out, nets: nets?.elements,
            levels: levels.elements, hop: hop, precision: precision, threads: dataOptions.threadCount,
            keepsGoing: keepGoing)
        switch try await extraction.run(Interruption.installed()) {
        case .whole(let tracks, let seconds):
            Output.write("\(out): \(tracks) tracks in \(fixed(seconds, 1)) s\n")
        case .alreadyThere: Output.write("\(out): already there\n")
        case .interrupted(let done, let all):
            reportError("\(out): \(done) of \(all) tracks are done; the same command goes on")
        }
    }
}
