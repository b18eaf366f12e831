import ArgumentParser
import Core
import Glibc
import Streaming

struct TagCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "The daemon's engine over sound files, as fast as it can.",
        discussion: """
            Reads wav, flac, ogg, opus, mp3 and what else libsndfile knows, at any rate, with any number of channels; \
            `-` is standard input. json prints the events that the daemon sends, each file behind a hello of its own, \
            with times counted from 1970-01-01T00:00:00Z at the file's start. A file that can't be read is named on \
            standard error and passed over; the exit code is then 65.

            EXAMPLES
              wavetag tag song.flac
              wavetag tag --format text --top 3 --every 1 *.mp3
              wavetag tag --detail nets --hop 59049 song.wav | jq .nets
              ffmpeg -i film.mkv -f wav - | wavetag tag --format csv -
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case json, text, csv
    }

    enum Detail: String, ExpressibleByArgument, CaseIterable {
        case nets
    }

    @Option(
        help: ArgumentHelp("Model file. Default: the one that is installed or bundled.", valueName: "file"),
        completion: .modelFile)
    var model: String?
    @Option(help: "Arithmetic. Default: float where the model has float weights.")
    var precision: Precision?
    @Option(help: ArgumentHelp("Samples at 22 050 Hz between two windows' ends.", valueName: "samples"))
    var hop = 729
    @Option(help: "What ends a song before the file does.")
    var songs = SongBoundaries.silence
    @Option(help: "Also what each net says.")
    var detail: Detail?
    @Option(help: "What to print.")
    var format = Format.json
    @Option(
        help: ArgumentHelp(
            "Show so many of the likeliest tags. Default: all; as text those above the model's thresholds, or 5.",
            valueName: "count"))
    var top: Int?
    @Option(help: ArgumentHelp("Show tags from this probability on.", valueName: "probability"))
    var threshold: Float?
    @Option(help: ArgumentHelp("Seconds of sound between two lines, at least.", valueName: "seconds"))
    var every = 0.0
    @Argument(help: ArgumentHelp("Sound files; - is standard input.", valueName: "file"), completion: .file())
    var files: [String]

    func validate() throws {
        guard (1...TaggerSettings.longestHop).contains(hop) else {
            throw ValidationError("--hop: 1 to \(TaggerSettings.longestHop) wanted, \(hop) found")
        }
        guard top.map({ $0 >= 0 }) ?? true else { throw ValidationError("--top: 0 or more wanted") }
        guard threshold.map({ (0...1).contains($0) }) ?? true else {
            throw ValidationError("--threshold: 0 to 1 wanted")
        }
        guard (0...86_400).contains(every) else { throw ValidationError("--every: 0 to 86400 seconds wanted") }
    }

    func run() async throws {
        let modelPath = model ?? DefaultModel.path(environment: processEnvironment())
        let modelFile: ModelFile
        let tagger: Tagger
        do {
            modelFile = try ModelFile.read(path: modelPath)
            var settings = TaggerSettings(hop: hop)
            settings.batch = 64
            settings.precision = precision
            settings.songBoundaries = songs
            tagger = try Tagger(model: modelFile.model, settings: settings)
        } catch let error as ModelFileError {
            throw ExitCode.because(error)
        } catch {
            throw ExitCode.because(.usage, "\(error)")
        }

        var options = TagsOptions()
        options.top = top ?? (format == .text ? 5 : nil)
        options.threshold = threshold
        options.detailNets = detail == .nets
        let interrupted = Interruption.installed()
        var printer = TagPrinter(
            encoder: EventEncoder(model: .init(modelFile), precision: tagger.precision), format: format,
            options: options, every: every, hasClassifier: modelFile.model.classifier != nil,
            showsHeard: top == nil && threshold == nil)
        var failed = false
        for file in files {
            do throws(SoundFileError) {
                try FileTagging(tagger: tagger, path: file, interruption: interrupted).run(&printer)
            } catch {
                reportError(error)
                failed = true
            }
            if let failure = printer.failure { throw ExitCode.because(.ioError, "standard output: \(failure)") }
            if interrupted.isRequested || !printer.isOpen { return }
        }
        if failed { throw ExitCode.badData }
    }
}

extension SongBoundaries: ExpressibleByArgument {}

/// One file through the tagger.
private struct FileTagging {
    let tagger: Tagger
    let path: String
    let interruption: Interruption

    func run(_ printer: inout TagPrinter) throws(SoundFileError) {
        let file = try SoundFile(path: path) { interruption.isRequested }
        let converter: MonoConverter
        do {
            converter = try MonoConverter(sampleRate: file.sampleRate, channels: file.channels)
        } catch { throw SoundFileError(.invalid, path, error.description) }
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: 16_384 * file.channels)
        defer { buffer.deallocate() }
        var progress = FileProgress(path: path, frames: file.frames, sampleRate: file.sampleRate)

        printer.begin(path)
        var damage: SoundFileError?
        while printer.isOpen, !interruption.isRequested {
            var frames = 0
            do throws(SoundFileError) { frames = try file.read(into: buffer) } catch { damage = error }
            guard frames > 0 else { break }
            converter.push(interleaved: UnsafeBufferPointer(rebasing: buffer[..<(frames * file.channels)])) {
                tagger.feed($0) { printer.print($0) }
            }
            progress.add(frames)
        }
        converter.flush { tagger.feed($0) { printer.print($0) } }
        tagger.finish { printer.print($0) }
        progress.clear()
        if let damage { throw damage }
    }
}

/// SIGINT or SIGTERM: what is being done is brought to its end.
struct Interruption: Sendable {
    nonisolated(unsafe) private static var requested: sig_atomic_t = 0

    /// Catches the signals from here on; the second one ends the program at once.
    static func installed() -> Interruption {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in Interruption.requested = 1 }
        // A read that waits is to end, and a second signal is to end the program.
        action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
        for number in [SIGINT, SIGTERM] { sigaction(number, &action, nil) }
        return Interruption()
    }

    var isRequested: Bool { Self.requested != 0 }
}
