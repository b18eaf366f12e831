import ArgumentParser
import Core

/// Figure 2 on data sets that are at hand: songs with one of two tags, in the plane, by level.
///
/// Lee and Nam, "Multi-level and multi-scale feature aggregation using sample-level deep convolutional neural networks for
/// music classification", ICML workshop 2017, figure 2.
struct FigureReproduction {
    let features: ReproductionFeatures
    let sets: [NamedManifest]
    let net: String
    let figure: FigureOptions
    let positiveFrom: Float
    let seed: UInt64

    /// One data set, all levels.
    struct Panel {
        let set: String
        /// What is shown.
        let contrast: TagContrast
        /// Songs of each tag that there are.
        let available: [Int]
        /// Names of the songs shown, in the contrast's order.
        let names: [String]
        /// Songs of split test shown.
        let testSongs: Int
        let maps: [(level: Int, map: ContrastMap)]
    }

    /// - Returns: nil where it was interrupted.
    func run(_ interruption: Interruption) async throws -> [Panel]? {
        let layouts = try figure.levelList.map { level in
            do throws(FeatureError) {
                return try FeatureLayout(features.model.model.nets.map(\.shape), names: [net], levels: [level])
            } catch { throw ExitCode.because(.usage, "--\(error)") }
        }
        // Before hours of work: whether all sets have the tags and songs of both.
        for set in sets {
            let manifest = try ReproductionFeatures.manifest(of: set)
            _ = try contrast(labels: manifest.tracks.flatMap(\.labels), tags: manifest.tags, of: set)
        }
        var panels: [Panel] = []
        for set in sets {
            guard let file = try await features.file(of: set, nets: [net], interruption) else { return nil }
            let whole = try contrast(labels: file.labels, tags: file.recipe.tags, of: set)
            let contrast = whole.drawn(atMost: figure.songLimit, seed: seed)
            let maps = try await maps(of: contrast, in: file, layouts, set, interruption)
            guard !interruption.isRequested else { return nil }
            let songs = contrast.songs.map(\.song)
            panels.append(
                Panel(
                    set: set.name, contrast: contrast, available: whole.groups.map(\.count),
                    names: songs.map { file.tracks[$0] }, testSongs: songs.count { file.splits[$0] == .test },
                    maps: Array(zip(figure.levelList, maps))))
        }
        return panels
    }

    private func contrast(labels: [Float], tags: [String], of set: NamedManifest) throws -> TagContrast {
        guard let names = figure.tags?.elements else {
            guard let found = TagContrast.mostSongs(labels: labels, tags: tags, positiveFrom: positiveFrom) else {
                throw ExitCode.because(
                    .badData,
                    "\(set.path): no two tags with two songs each that lack the other, at --positive \(positiveFrom)")
            }
            return found
        }
        let places = try names.map { name in
            guard let place = tags.firstIndex(of: name) else {
                throw ExitCode.because(.usage, "--tags: \(set.path) has no tag \(name)")
            }
            return place
        }
        let contrast = TagContrast(places[0], places[1], labels: labels, tags: tags, positiveFrom: positiveFrom)
        guard contrast.groups.allSatisfy({ $0.count > 1 }) else {
            let counts = contrast.groups.map { "\($0.count)" }.joined(separator: " and ")
            throw ExitCode.because(
                .badData,
                "\(set.path): two songs or more with exactly one of \(names[0]), \(names[1]) wanted of each, \(counts) found"
            )
        }
        return contrast
    }

    /// A level a thread: t-SNE itself is sequential.
    private func maps(
        of contrast: TagContrast, in file: FeatureFile, _ layouts: [FeatureLayout], _ set: NamedManifest,
        _ interruption: Interruption
    ) async throws -> [ContrastMap] {
        let progress = WorkProgress("\(set.name): t-SNE of \(contrast.songs.count) songs")
        defer { progress.clear() }
        var maps: [ContrastMap?] = layouts.map { _ in nil }
        let lanes = max(1, min(features.threads, layouts.count))
        do {
            for start in stride(from: 0, to: layouts.count, by: lanes) {
                try await withThrowingTaskGroup(of: (Int, ContrastMap).self) { group in
                    for index in start..<min(layouts.count, start + lanes) {
                        group.addTask {
                            let map = try ContrastMap(
                                contrast, in: file, layout: layouts[index],
                                isCancelled: { interruption.isRequested },
                                progress: { share in
                                    // One lane speaks for all.
                                    if index == start {
                                        progress.show((Double(start) + share * Double(lanes)) / Double(layouts.count))
                                    }
                                })
                            return (index, map)
                        }
                    }
                    for try await (index, map) in group { maps[index] = map }
                }
            }
        } catch let error as FeatureError {
            throw ExitCode.because(.badData, "\(set.path): \(error)")
        }
        return maps.compactMap { $0 }
    }
}
