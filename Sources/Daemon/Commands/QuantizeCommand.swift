import ArgumentParser
import Core
import Glibc

struct QuantizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize",
        abstract: "Make an 8-bit model of a float one.",
        discussion: """
            Hears some of a data set to learn how large activations get, chooses ranges by what the 8-bit net says of \
            windows it has not heard, and reports what that costs. Rows of the train and valid splits are used, never \
            the test split's.

            EXAMPLES
              wavetag quantize --model float.safetensors --data manifest.tsv --out int8.safetensors
              wavetag quantize --model float.safetensors --data manifest.tsv --keep-float --out both.safetensors
              wavetag quantize --model float.safetensors --data manifest.tsv --ranges --out float.safetensors
            """
    )

    @OptionGroup var dataOptions: DataOptions
    @Option(help: ArgumentHelp("Float model. Default: the one that is installed or bundled.", valueName: "file"))
    var model: String?
    @Option(help: ArgumentHelp("Where the 8-bit model goes.", valueName: "file"))
    var out: String
    @Option(help: ArgumentHelp("Windows that activations are measured on.", valueName: "count"))
    var windows = 256
    @Option(help: ArgumentHelp("Other windows that ranges are chosen by.", valueName: "count"))
    var heldOut = 96
    @Flag(help: "Keep the float weights beside the 8-bit ones.")
    var keepFloat = false
    @Flag(help: "Keep the float weights and add only ranges: 8-bit weights are then made when the model is loaded.")
    var ranges = false
    @Flag(help: "Work with the files that can be read, however few.")
    var keepGoing = false

    func validate() throws {
        guard (1...100_000).contains(windows) else {
            throw ValidationError("--windows: 1 to 100000 wanted, \(windows) found")
        }
        guard (1...100_000).contains(heldOut) else {
            throw ValidationError("--held-out: 1 to 100000 wanted, \(heldOut) found")
        }
    }

    func run() async throws {
        let file = try ExitCode.read(model: model ?? DefaultModel.path(environment: processEnvironment()))
        guard file.model.nets.allSatisfy({ $0.float != nil }) else {
            throw ExitCode.because(.badData, "\(file.name): already quantised: it has no float weights")
        }
        let manifest = try dataOptions.manifest()
        var quantised = file.model
        for index in quantised.nets.indices {
            guard let float = quantised.nets[index].float else { continue }
            let sound = try CalibrationSound(
                manifest, window: float.shape.window, windows: windows, heldOut: heldOut, keepsGoing: keepGoing)
            let progress = WorkProgress("quantising \(float.shape.name)")
            let result: Quantiser.Result
            do throws(QuantisationError) {
                result = try Quantiser(
                    float, batchNormEpsilon: quantised.batchNormEpsilon, function: quantised.output,
                    calibration: sound.calibration, heldOut: sound.heldOut
                ).best(stepsAlone: ranges) { progress.show($0) }
            } catch {
                progress.clear()
                throw ExitCode.because(.badData, "\(file.name): \(float.shape.name): \(error)")
            }
            progress.clear()
            Output.write(result.report(of: float.shape, windows: sound.heldOut.count))
            quantised.nets[index] = ModelNet(
                shape: float.shape, float: keepFloat || ranges ? float : nil, int8: ranges ? nil : result.net,
                steps: result.net.steps)
        }
        do throws(ModelFileError) { try ModelFile.write(quantised, to: out) } catch { throw ExitCode.because(error) }
        let written = try ExitCode.read(model: out)
        Output.write("\(file.size) bytes in, \(written.size) bytes out\n")
    }
}

/// Windows to calibrate with, and others to choose by: of every file the same share, no file on both sides.
private struct CalibrationSound {
    private(set) var calibration: [[Float]] = []
    private(set) var heldOut: [[Float]] = []

    /// Files heard, spread over the manifest.
    private static let mostFiles = 128

    init(_ manifest: Manifest, window: Int, windows: Int, heldOut: Int, keepsGoing: Bool) throws {
        let rows = manifest.rows.filter { $0.split != .test }
        guard !rows.isEmpty else {
            throw ExitCode.because(.badData, "\(manifest.path): no rows of split train or valid to calibrate with")
        }
        var order: [String] = []
        var byFile: [String: [Manifest.Row]] = [:]
        for row in rows {
            if byFile[row.path] == nil { order.append(row.path) }
            byFile[row.path, default: []].append(row)
        }
        guard order.count > 1 else {
            throw ExitCode.because(
                .badData, "\(manifest.path): two files or more wanted to calibrate with and to choose by, one found")
        }
        // Decoding is what takes time: some files tell as much as all of them.
        let kept = min(order.count, Self.mostFiles)
        order = (0..<kept).map { order[$0 * order.count / kept] }
        var reader = SegmentReader(manifest, window: window)
        var failures: [String] = []
        let sides = (calibrate: (order.count + 1) / 2, choose: order.count / 2)
        for (index, path) in order.enumerated() {
            let isCalibration = index % 2 == 0
            let share =
                isCalibration
                ? Self.share(windows, sides.calibrate, index / 2) : Self.share(heldOut, sides.choose, index / 2)
            guard share > 0, let fileRows = byFile[path] else { continue }
            do throws(SoundFileError) {
                let found = try Self.spread(share, over: fileRows, &reader)
                if isCalibration { calibration += found } else { self.heldOut += found }
            } catch { failures.append(error.description) }
        }
        try ExitCode.report(failures: failures, of: order.count, keepsGoing: keepsGoing)
        guard !calibration.isEmpty, !self.heldOut.isEmpty else {
            throw ExitCode.because(
                .badData, "\(manifest.path): too little sound: no file is a window long on each side")
        }
    }

    /// How many of `total` the `index`th of `count` gives, so that all together give `total`.
    private static func share(_ total: Int, _ count: Int, _ index: Int) -> Int {
        total * (index + 1) / count - total * index / count
    }

    /// `count` windows at even distances over a file's rows.
    private static func spread(
        _ count: Int, over rows: [Manifest.Row], _ reader: inout SegmentReader
    ) throws(SoundFileError) -> [[Float]] {
        var places: [(row: Int, segment: Int)] = []
        for (index, row) in rows.enumerated() {
            places += (0..<(try reader.segments(of: row).count)).map { (index, $0) }
        }
        guard !places.isEmpty else { return [] }
        let wanted = min(count, places.count)
        var found: [[Float]] = []
        for index in 0..<wanted {
            let place = places[(2 * index + 1) * places.count / (2 * wanted)]
            let segments = try reader.segments(of: rows[place.row])
            found.append(Array(segments.samples[segments.range(place.segment)]))
        }
        return found
    }
}

extension Quantiser.Result {
    /// A table for people.
    func report(of shape: NetShape, windows: Int) -> String {
        var text = "\(shape.name)\nlayer       range   clipped    SNR dB\n"
        for layer in layers {
            text += cell("\(layer.layer)", 5) + cell(fixed(Double(layer.range), 3), 12)
            text += cell(fixed(layer.clipped * 100, 3) + " %", 10) + cell(fixed(layer.signalToNoise, 1), 10) + "\n"
        }
        text += isEqualised ? "channels made more equal first\n" : ""
        text += correctsBias ? "biases take back the rounding's mean error\n" : ""
        text += "against float, on \(windows) windows that ranges were chosen by:\n"
        for level in fidelity {
            text += cell("\(level.level)", 10) + "  mean \(fixed(level.mean, 5))  99 % below "
            text += "\(fixed(level.p99, 4))  largest \(fixed(level.largest, 3))\n"
        }
        return text
    }

    private func cell(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
