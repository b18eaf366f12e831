import ArgumentParser
import Core
import Glibc

/// What commands that work over a data set have in common.
struct DataOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Data set: a manifest (tab-separated; see docs/training.md).", valueName: "manifest"))
    var data: String
    @Option(help: ArgumentHelp("Threads. Default: one a core.", valueName: "count"))
    var threads: Int?

    func validate() throws {
        if let threads, !(1...256).contains(threads) {
            throw ValidationError("--threads: 1 to 256 wanted, \(threads) found")
        }
    }

    /// Threads to work with.
    var threadCount: Int { threads ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    func manifest() throws -> Manifest {
        do throws(ManifestError) { return try Manifest(path: data) } catch { throw ExitCode.because(error) }
    }
}

extension ExitCode {
    static func because(_ error: ManifestError) -> ExitCode {
        let code: ExitCode =
            switch error.kind {
            case .missing: .noInput
            case .unreadable: .ioError
            case .invalid: .badData
            }
        return because(code, error)
    }

    /// Names files that couldn't be read. More than one in a hundred end the work: what is left is another data set.
    ///
    /// - Parameter keepsGoing: not even then.
    static func report(failures: [String], of files: Int, keepsGoing: Bool) throws {
        for failure in failures { reportError(failure) }
        guard !failures.isEmpty else { return }
        guard keepsGoing || !FailureLimit.isExceeded(failures: failures.count, files: files) else {
            throw because(
                .badData,
                "\(failures.count) of \(files) files can't be read, more than 1 %; --keep-going works with the rest")
        }
        reportError("\(failures.count) of \(files) files can't be read, and are left out")
    }

    static func read(model path: String) throws -> ModelFile {
        do throws(ModelFileError) { return try ModelFile.read(path: path) } catch { throw because(error) }
    }

    /// The nets of a model, or a line that says what it lacks.
    static func packed(_ file: ModelFile, _ precision: Precision?) throws -> [PackedNet] {
        do throws(QuantisationError) {
            return try file.model.packed(precision ?? file.model.usualPrecision)
        } catch { throw because(.badData, "\(file.name): \(error)") }
    }
}
