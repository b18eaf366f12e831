import ArgumentParser
import Core
import Streaming

/// A data set into a feature file, resumable: what `extract` does, and what other commands do first.
struct FeatureExtraction {
    let model: ModelFile
    let manifest: Manifest
    let out: String
    var nets: [String]?
    var levels = [-3, -2, -1]
    /// Samples between windows; nil: they don't overlap.
    var hop: Int?
    var precision: Precision?
    var threads: Int
    var keepsGoing = false

    enum Outcome {
        /// The file is there, made now or before.
        case whole(tracks: Int, seconds: Double)
        case alreadyThere
        /// Interrupted: so many of so many tracks are done, and will not be done again.
        case interrupted(done: Int, of: Int)
    }

    /// - Throws: `ExitCode`, said on standard error.
    func run(_ interruption: Interruption) async throws -> Outcome {
        let tracks = manifest.tracks
        guard !tracks.isEmpty else { throw ExitCode.because(.badData, "\(manifest.path): no rows") }
        let packed = try ExitCode.packed(model, precision)
        let layout: FeatureLayout
        do throws(FeatureError) {
            layout = try FeatureLayout(model.model.nets.map(\.shape), names: nets, levels: levels)
        } catch { throw ExitCode.because(.usage, error) }
        let chosen = packed.filter { layout.nets.contains($0.shape.name) }
        let recipe = FeatureRecipe(
            model: model.name, sha256: model.sha256, precision: precision ?? model.model.usualPrecision, hop: hop,
            layout: layout, tags: manifest.tags, netTags: model.model.tags)
        let text = recipe.text(for: tracks)
        if FeatureFile.recipeText(path: out) == text { return .alreadyThere }

        do {
            let journal = try FeatureJournal(
                path: out + ".partial", recipe: text, tracks: tracks.count, nets: chosen.count,
                features: layout.count, tags: recipe.netTags.count)
            let finished = journal.finished
            let wanted = tracks.indices.filter { !finished.contains($0) }
            if !finished.isEmpty, !wanted.isEmpty {
                reportError("\(out): goes on behind \(finished.count) of \(tracks.count) tracks")
            }
            let hop = hop
            let progress = WorkProgress("extracting")
            let started = monotonicTime()
            let failures = try await FeatureExtractor(manifest, tracks: tracks, layout: layout) {
                chosen.map { net -> any WindowSource in
                    if let hop, hop < net.shape.window { return EngineWindows(net, hop: hop) }
                    return WholeWindows(net, hop: hop)
                }
            }.run(
                wanted, threads: threads, isCancelled: { interruption.isRequested }, progress: { progress.show($0) },
                store: { try journal.append($0) })
            progress.clear()
            guard !interruption.isRequested else {
                return .interrupted(done: journal.finished.count, of: tracks.count)
            }
            try ExitCode.report(failures: failures, of: tracks.count, keepsGoing: keepsGoing)
            let short = try FeatureFile.write(journal, recipe: recipe, tracks: tracks, to: out)
            journal.remove()
            if !short.isEmpty {
                reportError("\(short.count) tracks are shorter than a window, and are left out: \(Self.list(short))")
            }
            return .whole(
                tracks: journal.finished.count - short.count, seconds: Double(monotonicTime() - started) / 1e9)
        } catch let error as ModelFileError {
            throw ExitCode.because(error)
        }
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
    }
}

/// Numbers or names with commas between them.
struct CommaList<Element: LosslessStringConvertible & Sendable>: ExpressibleByArgument, Sendable {
    let elements: [Element]

    init(_ elements: [Element]) { self.elements = elements }

    init?(argument: String) {
        var elements: [Element] = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let element = Element(String(part)), !part.isEmpty else { return nil }
            elements.append(element)
        }
        self.elements = elements
    }

    var defaultValueDescription: String { elements.map(String.init).joined(separator: ",") }
}
