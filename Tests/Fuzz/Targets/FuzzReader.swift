import Core
import Daemon
import Glibc
import Streaming

/// Reads inputs of one kind as the program would. What must not happen ends the process: a crash, an error that
/// doesn't say where, a model that can be read and not be written.
package final class FuzzReader {
    private let target: FuzzTarget
    private let folder = CaseFolder()
    /// Inputs that were read without an error, and those that were refused.
    package private(set) var accepted = 0
    package private(set) var refused = 0

    package init(_ target: FuzzTarget) { self.target = target }

    /// - Parameter input: the bytes of the target's files, `FuzzTarget.separator` between them.
    package func read(_ input: UnsafeRawBufferPointer) {
        let bytes = Array(input)
        do {
            switch target {
            case .model: try readModel(bytes)
            case .configuration:
                _ = try Settings.load(file: folder.write("input", bytes), flags: [:], environment: [:])
            case .client: try readLines(bytes)
            case .manifest: try readManifest(bytes)
            case .mtat, .gtzan, .msd, .tagtraum: try readDataset(bytes)
            case .torch: try importModel(bytes, .sotaMusicTaggingModels)
            case .keras:
                do { try importModel(bytes, .keras1) } catch { try importModel(bytes, .keras2) }
            case .architecture: try readArchitecture(bytes)
            case .tags: _ = try CheckpointImport.tags(path: folder.write("input", bytes))
            }
            accepted += 1
        } catch let error as CustomStringConvertible {
            precondition(error.description.hasPrefix(folder.path), "an error that doesn't say where: \(error)")
            refused += 1
        } catch {
            // A client is told what was wrong; where, it knows.
            refused += 1
        }
    }

    private func readModel(_ bytes: [UInt8]) throws {
        let file = try ModelFile.read(path: folder.write("input", bytes))
        let copy = "\(folder.path)/copy"
        do {
            try ModelFile.write(file.model, to: copy)
            _ = try ModelFile.read(path: copy)
        } catch { preconditionFailure("read, but not to be written and read again: \(error)") }
        guard file.model.nets.allSatisfy({ $0.shape.window <= 1 << 12 }) else { return }
        var settings = TaggerSettings(hop: 16)
        settings.memoryLimit = 16 << 20
        // A model that these settings don't suit is refused, as the daemon would.
        guard let tagger = try? Tagger(model: file.model, settings: settings) else { return }
        var random = SplitMix64(state: 1)
        let samples = (0..<(1 << 12)).map { _ in random.nextUniform() }
        samples.withUnsafeBufferPointer { tagger.feed($0) { _ in } }
        tagger.finish { _ in }
    }

    private func readLines(_ bytes: [UInt8]) throws {
        var framer = LineFramer()
        var failure: ClientRequestError?
        framer.append(bytes) { line in
            guard case .line(let line) = line else { return }
            do throws(ClientRequestError) {
                _ = try ClientRequest(parsing: line, tags: ["piano", "techno"], songTags: ["rock", "piano"])
            } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private func readManifest(_ bytes: [UInt8]) throws {
        let manifest = try Manifest(path: folder.write("input", bytes))
        for row in manifest.rows {
            precondition(row.labels.count == manifest.tags.count && row.labels.allSatisfy { (0...1).contains($0) })
            _ = manifest.file(of: row)
        }
    }

    private func readDataset(_ bytes: [UInt8]) throws {
        let sections = bytes.sections(between: FuzzTarget.separator)
        for (index, name) in target.files.enumerated() {
            if index < sections.count { folder.write(name, sections[index]) } else { folder.remove(name) }
        }
        let here = folder.path
        func path(_ name: String) -> String { "\(here)/\(name)" }
        let listing: DatasetListing
        switch target {
        case .mtat:
            listing = try MagnaTagATune.listing(
                annotations: path("annotations_final.csv"),
                clipInfo: sections.count > 1 ? path("clip_info_final.csv") : nil,
                splitLists: sections.count > 2 ? here : nil, tagCount: 2)
        case .gtzan: listing = try GTZAN.listing(splitLists: here)
        case .msd: listing = try MillionSong.listing(lists: here, paths: TrackPaths(folder: here), trainCount: 1)
        default:
            listing = try Tagtraum.listing(
                annotations: path("msd_tagtraum_cd2c.cls"), paths: TrackPaths(folder: here),
                split: sections.count > 3 ? .lists(folder: here, trainCount: 1) : .stratified(seed: Tagtraum.seed))
        }
        precondition(listing.sounds.allSatisfy { $0.labels.allSatisfy(listing.tags.indices.contains) })
        for candidate in listing.sounds.flatMap(\.candidates) {
            precondition(!candidate.split(separator: "/").contains(".."), "a path that leaves the folder: \(candidate)")
        }
        let found = try FoundSounds(listing, in: here)
        try ManifestWriter.writeAbsent(found, to: path("missing"))
    }

    private func importModel(_ bytes: [UInt8], _ layout: CheckpointImport.Layout) throws {
        let model = try CheckpointImport(layout: layout).model(path: folder.write("input", bytes))
        let copy = "\(folder.path)/copy"
        do {
            try ModelFile.write(model, to: copy)
            _ = try ModelFile.read(path: copy)
        } catch { preconditionFailure("imported, but not to be written and read: \(error)") }
    }

    private func readArchitecture(_ bytes: [UInt8]) throws {
        var work = CheckpointImport(layout: .keras1)
        work.architecture = folder.write("input", bytes)
        // Where the description is right, its checkpoint is absent: HDF5 isn't what is looked at here.
        do throws(ImportError) { _ = try work.model(path: "\(folder.path)/absent.h5") } catch {
            guard error.kind == .missing else { throw error }
        }
    }
}

extension [UInt8] {
    /// The parts between occurrences of `separator`.
    fileprivate func sections(between separator: [UInt8]) -> [ArraySlice<UInt8>] {
        var sections: [ArraySlice<UInt8>] = []
        var start = 0
        var index = 0
        while index + separator.count <= count {
            if self[index] == separator[0], self[index..<(index + separator.count)].elementsEqual(separator) {
                sections.append(self[start..<index])
                index += separator.count
                start = index
            } else {
                index += 1
            }
        }
        return sections + [self[start...]]
    }
}
