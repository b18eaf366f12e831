import ArgumentParser
import Glibc

/// Where `watch` keeps events, and for how long.
struct StorageOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write events into this folder, a file for each day of UTC (tags-2026-11-25.ndjson), one event a second unless --every says otherwise. Wants --format json; waits for the daemon.",
            valueName: "folder"),
        completion: .directory)
    var outputDir: String?
    @Option(
        help: ArgumentHelp("With --output-dir: keep so many files, the newest. Default: all.", valueName: "days"))
    var keep: Int?
    @Option(
        help: ArgumentHelp(
            "With --output-dir: time after which an event is on disk (fsync); 0: at once.", valueName: "seconds"))
    var sync = 5.0

    func validate() throws {
        if let keep, keep < 1 { throw ValidationError("--keep: \(keep): 1 or more wanted") }
        guard (0...86_400).contains(sync) else { throw ValidationError("--sync: \(sync): 0 to 86400 wanted") }
        if outputDir == nil, keep != nil { throw ValidationError("--keep: wants --output-dir") }
    }

    /// The folder, if one is wanted.
    ///
    /// - Throws: `ExitCode`, with a line said.
    func open(saying say: @escaping (String) -> Void) throws -> EventFolder? {
        guard let outputDir else { return nil }
        // Of a file that may not grow the write is to fail, as on a full disk.
        signal(SIGXFSZ, SIG_IGN)
        do throws(EventFolder.Failure) {
            return try EventFolder(path: outputDir, keep: keep, flushInterval: sync, say: say)
        } catch {
            throw ExitCode.because(error.isTaken ? .unavailable : .ioError, "watch: \(outputDir): \(error.reason)")
        }
    }
}
