import ArgumentParser
import Core
import Glibc

/// The files of one training: the model, its log, its report, and the checkpoint of a run that isn't finished.
struct TrainingFiles {
    let out: String

    var checkpointPath: String { out + ".checkpoint" }
    var logPath: String { out + ".log.ndjson" }
    var reportPath: String { out + ".html" }

    /// Finds out before hours of work what would stop it.
    func check(resume: Bool, restart: Bool) throws {
        try ReportFile.check(out)
        try ReportFile.check(reportPath)
        guard access(checkpointPath, F_OK) == 0, !resume, !restart else { return }
        throw ExitCode.because(
            .usage, "\(checkpointPath): of a run that isn't finished; --resume goes on with it, --restart begins anew")
    }

    func checkpoint() throws -> TrainingCheckpoint? {
        guard access(checkpointPath, F_OK) == 0 else { return nil }
        do throws(ModelFileError) { return try TrainingCheckpoint(path: checkpointPath) } catch {
            throw ExitCode.because(error)
        }
    }

    /// Leaves the log with the epochs that the checkpoint knows: a run may have been killed between the two.
    func openLog(epochs: Int) throws {
        var records: [EpochRecord] = []
        if epochs > 0 {
            do throws(EpochLogError) { records = try EpochRecord.log(path: logPath) } catch {
                reportError("\(error); the log begins anew")
            }
        }
        try ReportFile.write(records.filter { $0.epoch <= epochs }.map(\.line).joined(), to: logPath)
    }

    func append(_ record: EpochRecord) throws(TrainingError) {
        let file = open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failure(logPath) }
        defer { close(file) }
        guard Output.write(record.line, to: file), fsync(file) == 0 else { throw failure(logPath) }
    }

    /// Writes the model of the best epoch so far.
    func write(_ model: Model) throws(TrainingError) {
        do throws(ModelFileError) { try ModelFile.write(model, to: out) } catch {
            throw TrainingError(.unwritable, error.description)
        }
    }

    /// Writes a report: the log's epochs so far, and what the best one's net said of the valid split.
    func writeReport(
        _ model: Model, _ predictions: Predictions, songs: [String], options: TrainNetOptions
    ) throws(TrainingError) {
        let epochs = (try? EpochRecord.log(path: logPath)) ?? []
        let shape = model.nets[0].shape
        let page = TrainingReport(
            title: "Training of \(out.split(separator: "/").last.map(String.init) ?? out)",
            summary: [
                "\(shape.name), widths \(shape.widths.map(String.init).joined(separator: ", ")); "
                    + "\(model.tags.count) tags; the valid split, by the best epoch so far"
            ],
            epochs: epochs, split: .valid, predictions: predictions, songs: songs, output: model.output,
            criteria: .init(positiveFrom: options.positive))
        let error = WholeFile.replace(reportPath, with: Array(page.html.utf8))
        if error != 0 { throw TrainingError(.unwritable, "\(reportPath): \(String(cString: strerror(error)))") }
    }

    /// The run has come to its end: nothing is left to go on with.
    func finish() throws {
        guard unlink(checkpointPath) == 0 || errno == ENOENT else {
            throw ExitCode.because(.ioError, "\(checkpointPath): \(String(cString: strerror(errno)))")
        }
    }

    private func failure(_ path: String) -> TrainingError {
        TrainingError(.unwritable, "\(path): \(String(cString: strerror(errno)))")
    }
}
