import ArgumentParser
import Core
import Glibc

/// Hears splits of data sets for `calibrate`.
struct CalibrationListening {
    var model: Model
    let name: String
    let threads: Int
    let cache: SoundCache?
    let cacheOptions: CacheOptions
    let keepsGoing: Bool

    /// What a split's sound is to a model, before the output functions.
    struct Heard {
        /// Each net's logits, of tags that model and manifest share.
        var windows: [Predictions]
        let output: OutputFunction
        /// The song-level classifier's, where there is one that the manifest has tags of.
        var songs: Predictions?
        let songOutput: OutputFunction
        /// Tags of the manifest that the model hasn't.
        let unknown: [String]

        var tags: [String] { windows[0].tags }

        /// Only some of the tags.
        ///
        /// - Parameter ofSongs: whether songs have the same.
        func keeping(_ kept: Set<String>, ofSongs: Bool) -> Heard {
            var heard = self
            heard.windows = windows.map { $0.keeping(kept) }
            if ofSongs { heard.songs = songs.map { $0.keeping(kept) } }
            return heard
        }
    }

    /// - Throws: `ExitCode`, said, where a split can't serve.
    func check(_ manifest: Manifest, _ split: Manifest.Split) throws {
        try checkRows(manifest, split)
        guard model.tags.contains(where: manifest.tags.contains) else {
            throw ExitCode.because(.badData, "\(manifest.path): none of its tags is one of \(name)'s")
        }
        // A probability of softmax depends on all of them.
        for (output, tags) in [(model.output, model.tags), (songOutput, model.classifier == nil ? [] : model.songTags)]
        where output == .softmax {
            guard let missing = tags.first(where: { !manifest.tags.contains($0) }) else { continue }
            guard tags.contains(where: manifest.tags.contains) else { continue }
            throw ExitCode.because(
                .badData, "\(manifest.path): \(missing): a model of genres needs labels for all of them")
        }
    }

    func checkRows(_ manifest: Manifest, _ split: Manifest.Split) throws {
        guard !manifest.rows(split).isEmpty else {
            throw ExitCode.because(.badData, "\(manifest.path): no rows of split \(split.rawValue)")
        }
    }

    private var songOutput: OutputFunction { model.classifier?.configuration.output ?? model.output }

    private var packed: [PackedNet] {
        get throws { try Self.packed(model, name) }
    }

    private static func packed(_ model: Model, _ name: String) throws -> [PackedNet] {
        do throws(QuantisationError) { return try model.packed(model.usualPrecision) } catch {
            throw ExitCode.because(.badData, "\(name): \(error)")
        }
    }

    func listen(to manifest: Manifest, _ split: Manifest.Split) async throws -> Heard {
        let nets = try packed
        let evaluator = Evaluator(manifest, rows: manifest.rows(split), tags: model.tags, cache: cache)
        let windows = try await run(evaluator, Evaluator.Variant.logits(of: nets), manifest, split)
        var songs: Predictions?
        if model.classifier != nil {
            let progress = WorkProgress("hearing songs of \(split.rawValue)")
            // The same files as above: what can't be read has been said.
            songs = await model.songLogits(manifest, split: split, nets: nets, threads: threads) { progress.show($0) }?
                .logits
            progress.clear()
            if songs?.scores.isEmpty ?? false { songs = nil }
        }
        return Heard(
            windows: windows, output: model.output, songs: songs, songOutput: songOutput,
            unknown: manifest.tags.filter { tag in !model.tags.contains(tag) })
    }

    /// What a model says of a split, all its tags together; those that the manifest lacks are labelled 0.
    func listenWhole(to manifest: Manifest, _ split: Manifest.Split, _ model: Model) async throws -> Predictions {
        let nets = try Self.packed(model, name)
        let evaluator = Evaluator(
            manifest, rows: manifest.rows(split), tags: model.tags, cache: cache, isComplete: true)
        return try await run(evaluator, [.init(nets: nets, gain: 0)], manifest, split)[0]
    }

    private func run(
        _ evaluator: Evaluator, _ variants: [Evaluator.Variant], _ manifest: Manifest, _ split: Manifest.Split
    ) async throws -> [Predictions] {
        if let cache {
            try await cacheOptions.fill(cache, with: evaluator.paths, threads: threads, keepsGoing: keepsGoing)
        }
        let progress = WorkProgress("hearing \(split.rawValue)")
        let result = await evaluator.run(variants, threads: threads) { progress.show($0) }
        progress.clear()
        try ExitCode.report(failures: result.failures, of: result.fileCount, keepsGoing: keepsGoing)
        guard !result.predictions[0].scores.isEmpty else {
            throw ExitCode.because(.badData, "\(manifest.path): no row of split \(split.rawValue) is a window long")
        }
        return result.predictions
    }
}
