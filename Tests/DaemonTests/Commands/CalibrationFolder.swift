import Core
import Foundation

@testable import Daemon

/// A model that is far too sure of itself, and sounds whose labels were drawn from the probabilities that it should give.
struct CalibrationFolder {
    let path = "/tmp/wavetag-calibration-\(UUID().uuidString.prefix(8))"
    static let window = 729
    private static let windows = 60
    /// What the net's logits are, of what they should be.
    static let wrong = LogitScaling(scale: 3, shift: 2)

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    /// Tags a and b are in the manifest; c is the model's alone, `other` the manifest's.
    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let shape = try NetShape(name: "3^5", m: 3, n: 5, widths: [8, 8, 8, 8, 8, 16, 16])
        var model = Model(
            tags: ["a", "b", "c"], output: .sigmoid, batchNormEpsilon: 1e-5,
            nets: [.heUniform(shape, tags: 3, seed: 5)], classifier: nil)
        var sounds: [[Float]] = []
        for index in 0..<12 { sounds.append(try sound("\(index).wav", seed: UInt64(index))) }
        try text("quiet.tsv", "path\tsplit\ttags\n8.wav\tvalid\tnoise\n9.wav\tvalid\tnoise\n10.wav\ttest\tnoise\n")

        // Logits that windows tell apart: a mean of −0.5 and a deviation of 1.5.
        let raw = try Self.logits(model, sounds.flatMap { $0 })
        let scalings = (0..<3).map { tag -> LogitScaling in
            let column = raw.map { Double($0[tag]) }
            let mean = column.reduce(0, +) / Double(column.count)
            let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(column.count)
            let scale = 1.5 / variance.squareRoot()
            return LogitScaling(scale: scale, shift: -0.5 - mean * scale)
        }
        model = model.taking([scalings])
        var generator = SplitMix64(state: 77)
        var manifest = "path\tsplit\tstart\tlength\ttag:b\ttag:other\ttag:a\n"
        for (index, samples) in sounds.enumerated() {
            for (window, logits) in try Self.logits(model, samples).enumerated() {
                let truth = logits.map { 1 / (1 + exp(-$0)) }
                let drawn = (generator.nextUniform() + 1) / 2 < truth[0] ? 1 : 0
                let (start, length) = (Double(window * Self.window) / 22_050, Double(Self.window) / 22_050)
                manifest += "\(index).wav\t\(index < 8 ? "valid" : "test")\t\(fixed(start, 6))\t\(fixed(length, 6))\t"
                manifest += "\(fixed(Double(truth[1]), 3))\t0.5\t\(drawn)\n"
            }
        }
        try text("manifest.tsv", manifest)
        model = model.taking([[Self.wrong, Self.wrong, Self.wrong]])
        try ModelFile.write(model, to: "\(path)/model.safetensors")
    }

    /// [windows][tags].
    static func logits(_ model: Model, _ samples: [Float]) throws -> [[Float]] {
        let net = PackedWindowNet(try model.packed(model.usualPrecision)[0])
        return stride(from: 0, to: samples.count - window + 1, by: window).map { start in
            samples.withUnsafeBufferPointer { Array(net.logits($0.baseAddress! + start)) }
        }
    }

    func text(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    /// Tones and noise that change with every window, 16-bit, 22 050 Hz; and its samples.
    @discardableResult
    func sound(_ name: String, seed: UInt64, windows: Int = windows) throws -> [Float] {
        var generator = SplitMix64(state: seed)
        var (integers, phase): ([Int16], Float) = ([], 0)
        for _ in 0..<windows {
            let pitch = abs(generator.nextUniform()) * 0.4
            let (tone, noise) = (abs(generator.nextUniform()) * 0.5, abs(generator.nextUniform()) * 0.4)
            for _ in 0..<Self.window {
                phase += pitch
                integers.append(Int16((tone * sin(phase) + noise * generator.nextUniform()) * 32_000))
            }
        }
        let data = integers.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
        func word(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(value).littleEndian) { Array($0) } }
        var file = Array("RIFF".utf8) + word(36 + data.count) + Array("WAVEfmt ".utf8) + word(16)
        file +=
            [1, 0, 1, 0] + word(22_050) + word(44_100) + [2, 0, 16, 0] + Array("data".utf8) + word(data.count) + data
        try Data(file).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return integers.map { Float($0) / 32_768 }
    }

    func wavetag(_ arguments: String...) async throws -> (code: Int32, output: String, errors: String) {
        try await wavetag(arguments)
    }

    func wavetag(_ arguments: [String]) async throws -> (code: Int32, output: String, errors: String) {
        try await blocking { try ChildProcess([ChildProcess.wavetag] + arguments).end() }
    }

    func calibrate(
        _ options: String..., model: String = "model", manifest: String = "manifest", out: String = "out"
    ) async throws -> (code: Int32, output: String, errors: String) {
        try await wavetag(
            [
                "calibrate", "--model", "\(path)/\(model).safetensors", "--data", "\(path)/\(manifest).tsv", "--out",
                "\(path)/\(out).safetensors",
            ] + options)
    }
}
