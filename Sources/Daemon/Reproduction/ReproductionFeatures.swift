import ArgumentParser
import Core

/// Features of data sets, kept in a reproduction's folder: its tables and its figure share them.
struct ReproductionFeatures {
    let model: ModelFile
    let folder: String
    let threads: Int
    let keepsGoing: Bool

    static func manifest(of set: NamedManifest) throws -> Manifest {
        do throws(ManifestError) { return try Manifest(path: set.path) } catch { throw ExitCode.because(error) }
    }

    /// All levels of some nets, extracted where they aren't there yet.
    ///
    /// - Returns: nil where it was interrupted.
    func file(of set: NamedManifest, nets: [String], _ interruption: Interruption) async throws -> FeatureFile? {
        let path = "\(folder)/\(set.name).features"
        let extraction = FeatureExtraction(
            model: model, manifest: try Self.manifest(of: set), out: path, nets: nets, threads: threads,
            keepsGoing: keepsGoing)
        if case .interrupted = try await extraction.run(interruption) { return nil }
        do throws(ModelFileError) { return try FeatureFile(path: path) } catch { throw ExitCode.because(error) }
    }
}
