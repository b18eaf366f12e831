import ArgumentParser
import Core
import Streaming

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "What a model file holds, and what it costs.",
        discussion: """
            EXAMPLES
              wavetag inspect
              wavetag inspect --json model.safetensors | jq '.nets[].window'
              wavetag inspect --plan --hop 729
            """
    )

    @Flag(help: "One JSON object.")
    var json = false
    @Flag(help: "Also how the engine works at a hop: layers, phases, columns, multiply-adds, bytes.")
    var plan = false
    @Option(help: ArgumentHelp("Samples at 22 050 Hz between two answers, for --plan.", valueName: "samples"))
    var hop = 729
    @Argument(
        help: ArgumentHelp("Model file. Default: the one that is installed or bundled.", valueName: "file"),
        completion: .modelFile)
    var model: String?

    func validate() throws {
        guard (1...TaggerSettings.longestHop).contains(hop) else {
            throw ValidationError("--hop: 1 to \(TaggerSettings.longestHop) wanted, \(hop) found")
        }
    }

    func run() throws {
        let path = model ?? DefaultModel.path(environment: processEnvironment())
        let file: ModelFile
        do { file = try ModelFile.read(path: path) } catch { throw ExitCode.because(error) }
        let inspection = ModelInspection(file, planHop: plan ? hop : nil)
        Output.write(json ? inspection.json + "\n" : inspection.text)
    }
}
