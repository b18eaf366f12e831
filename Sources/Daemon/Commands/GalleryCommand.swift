import ArgumentParser
import Core
import Glibc
import Streaming

struct GalleryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gallery",
        abstract: "A page of sounds with what a model hears in them.",
        discussion: """
            Excerpts of a data set's sounds: tags over time as a heat map below the waveform, the labels beside, and the \
            sound to play where it fits. One HTML file that needs nothing else. Without FILE it takes so many sounds, as \
            different from each other as they can be by their labels. Sound in the page is a copy of the data set's: mind \
            its licence, and say it with --note.

            EXAMPLES
              wavetag gallery --data manifest.tsv --out gallery.html
              wavetag gallery --model mine.safetensors --data manifest.tsv --out page.html songs/one.flac songs/two.flac
            """
    )

    @OptionGroup var dataOptions: DataOptions
    @Option(
        help: ArgumentHelp("Model file. Default: the one that is installed or bundled.", valueName: "file"),
        completion: .modelFile)
    var model: String?
    @Option(help: "Arithmetic. Default: float where the model has float weights.")
    var precision: Precision?
    @Option(help: ArgumentHelp("Where the page goes.", valueName: "html"))
    var out: String
    @Option(help: "train, valid or test.")
    var split = Manifest.Split.test
    @Option(help: ArgumentHelp("How many sounds.", valueName: "count"))
    var songs = 10
    @Option(help: ArgumentHelp("The longest excerpt.", valueName: "seconds"))
    var seconds = 30.0
    @Option(help: ArgumentHelp("A label this large is shown whatever the model says.", valueName: "probability"))
    var positive: Float = 0.5
    @Option(help: ArgumentHelp("What the page may take; sounds that don't fit are only drawn.", valueName: "size"))
    var size = ByteCount(bytes: 5_000_000)
    @Flag(help: "Draw only.")
    var noSound = false
    @Option(help: ArgumentHelp("The page's heading.", valueName: "text"))
    var title = "What wavetag hears"
    @Option(
        help: ArgumentHelp(
            "A line below it: where the sounds are from, their licences. May be given again.", valueName: "text"))
    var note: [String] = []
    @Argument(help: ArgumentHelp("Sounds, as the manifest has them.", valueName: "file"))
    var files: [String] = []

    func validate() throws {
        guard (1...100).contains(songs) else { throw ValidationError("--songs: 1 to 100 wanted, \(songs) found") }
        guard (1...600).contains(seconds) else { throw ValidationError("--seconds: 1 to 600 wanted, \(seconds) found") }
        guard (0...1).contains(positive) else { throw ValidationError("--positive: 0 to 1 wanted, \(positive) found") }
    }

    func run() async throws {
        let file = try ExitCode.read(model: model ?? DefaultModel.path(environment: processEnvironment()))
        _ = try ExitCode.packed(file, precision)
        let manifest = try dataOptions.manifest()
        let chosen = try self.chosen(manifest, file)
        try ReportFile.check(out)
        let listening = GalleryListening(
            model: file.model, precision: precision, manifest: manifest, seconds: seconds)
        let progress = WorkProgress("listening")
        let found = await listening.songs(chosen, threads: dataOptions.threadCount) { progress.show($0) }
        progress.clear()
        var heard: [GallerySong] = []
        for song in found {
            do { heard.append(try song.get()) } catch let error as SoundFileError {
                throw ExitCode.because(error)
            } catch { throw ExitCode.because(.badData, "\(file.name): \(error)") }
        }
        let page = GalleryReport(
            title: title, summary: summary(of: file, manifest), songs: heard, thresholds: file.model.thresholds,
            positiveFrom: positive, size: size.bytes, hasSound: !noSound
        ).html()
        try ReportFile.write(page.text, to: out)
        Output.write(
            "\(out): \(heard.count) sounds, \(page.playable) of them to play, \(page.text.utf8.count) bytes\n")
    }

    /// Rows of each file that is shown.
    private func chosen(_ manifest: Manifest, _ file: ModelFile) throws -> [[Manifest.Row]] {
        let rows = files.isEmpty ? manifest.rows(split) : manifest.rows
        var order: [String] = []
        var byFile: [String: [Manifest.Row]] = [:]
        for row in rows {
            if byFile[row.path] == nil { order.append(row.path) }
            byFile[row.path, default: []].append(row)
        }
        guard files.isEmpty else {
            return try files.map { name in
                guard let rows = byFile[name] else {
                    throw ExitCode.because(.badData, "\(manifest.path): \(name): it has no such sound")
                }
                return rows
            }
        }
        guard !order.isEmpty else {
            throw ExitCode.because(.badData, "\(manifest.path): no rows of split \(split.rawValue)")
        }
        return GalleryChoice.spread(
            order.compactMap { byFile[$0] }, tags: manifest.tags, known: Set(file.model.tags), count: songs)
    }

    private func summary(of file: ModelFile, _ manifest: Manifest) -> [String] {
        let nets = file.model.nets.map(\.shape.name).joined(separator: ", ")
        let heard =
            file.model.thresholds.isEmpty
            ? "a tag counts as heard from \(Model.usualThreshold) on" : "heard: above the model’s threshold for the tag"
        return [
            "Each row is a tag, the stronger its colour the likelier; blue where it is heard, grey below (\(heard)). "
                + "Each column is what the model says of the window around it.",
            "The thin line below a row, and the number beside it, is what the data set’s labels say.",
            "Model: \(file.name), \(nets), \(file.model.tags.count) tags, SHA-256 \(file.sha256.prefix(16))…",
        ] + note
    }
}
