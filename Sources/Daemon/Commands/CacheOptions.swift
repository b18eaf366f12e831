import ArgumentParser
import Core

/// Where decoded sound is kept, so that only the first run over a data set decodes it.
struct CacheOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Keep decoded sound in this folder (see docs/datasets.md).", valueName: "folder"))
    var cache: String?
    @Option(
        help: ArgumentHelp(
            "What that folder may take: bytes, or with K, M, G or T. What was used longest ago makes room.",
            valueName: "size"))
    var cacheSize = ByteCount(bytes: 40 << 30)

    /// For commands that read data once: only where `--cache` is given.
    func cacheIfWanted() throws -> SoundCache? { try cache.map { try open($0) } }

    /// For commands that read data again and again: else `$XDG_CACHE_HOME/wavetag`, or `~/.cache/wavetag`.
    func usualCache(environment: [String: String]) throws -> SoundCache {
        if let cache { return try open(cache) }
        // A relative one doesn't count, says the XDG base directory specification.
        if let folder = environment["XDG_CACHE_HOME"], folder.hasPrefix("/") { return try open(folder + "/wavetag") }
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw ExitCode.because(.badConfiguration, "cache: neither $XDG_CACHE_HOME nor $HOME is set; --cache wanted")
        }
        return try open(home + "/.cache/wavetag")
    }

    private func open(_ folder: String) throws -> SoundCache {
        do throws(SoundCacheError) { return try SoundCache(folder: folder, limit: cacheSize.bytes) } catch {
            throw ExitCode.because(error)
        }
    }

    /// Decodes what isn't there, with a line that lives.
    func fill(_ cache: SoundCache, with files: [String], threads: Int, keepsGoing: Bool) async throws {
        let progress = CacheProgress()
        defer { progress.clear() }
        let failures: [String]
        do throws(SoundCacheError) {
            failures = try await cache.prepare(
                files, threads: threads, keepsGoing: keepsGoing, progress: { progress.show($0) })
        } catch {
            progress.clear()
            throw ExitCode.because(error)
        }
        progress.clear()
        // Fewer are reported with the rest of the work.
        if FailureLimit.isExceeded(failures: failures.count, files: files.count), !keepsGoing {
            try ExitCode.report(failures: failures, of: files.count, keepsGoing: false)
        }
    }
}

/// A size as people write it: `500M`, `1.5G`; powers of 1024.
struct ByteCount: ExpressibleByArgument, CustomStringConvertible {
    let bytes: Int

    init(bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        let shift = Self.units.firstIndex { $0 == argument.last.map { String($0).uppercased() } }
        let number = shift == nil ? argument[...] : argument.dropLast()
        // Double reads "nan" and "0x10" as well.
        guard !number.isEmpty, number.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." }), let value = Double(number)
        else { return nil }
        let bytes = value * Double(1 << (10 * ((shift ?? -1) + 1)))
        guard bytes < 1e18 else { return nil }
        self.bytes = Int(bytes)
    }

    private static let units = ["K", "M", "G", "T"]

    /// As it may be written.
    var description: String {
        for (index, unit) in Self.units.enumerated().reversed()
        where bytes > 0 && bytes % (1 << (10 * (index + 1))) == 0 {
            return "\(bytes >> (10 * (index + 1)))\(unit)"
        }
        return "\(bytes)"
    }

    var defaultValueDescription: String { description }
}
