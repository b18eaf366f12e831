import Core
import Glibc

/// How a training goes: within an epoch, and a line an epoch.
final class TrainingProgress {
    private let mostEpochs: Int?
    private var line = ProgressLine()
    /// When the present epoch began here, and with how many segments done.
    private var started: (time: Int64, segments: Int)?

    init(batch: Int, mostEpochs: Int?) { self.mostEpochs = mostEpochs }

    func show(_ step: TrainingRun.Step) {
        guard let started, step.segments > started.segments else {
            started = (monotonicTime(), step.segments)
            return
        }
        line.show(isLast: step.batch == step.batches) { now in
            let seconds = Double(now - started.time) / 1e9
            let done = Double(step.segments - started.segments)
            let perBatch = seconds / done * Double(step.segments) / Double(step.batch)
            let epochs = mostEpochs.map { "/\($0)" } ?? ""
            let left = Int(perBatch * Double(step.batches - step.batch))
            return "epoch \(step.epoch)\(epochs)  \(step.batch * 100 / step.batches) %  loss \(fixed(step.loss, 4))"
                + "  rate \(fixed(step.learningRate, 6))  \(fixed(done / max(seconds, 1e-9), 1)) segments/s  \(left) s left"
        }
    }

    func show(_ record: EpochRecord) {
        clear()
        started = nil
        let rocAUC = record.validROCAUC.map { "  ROC-AUC \(fixed($0, 4))" } ?? ""
        reportLine(
            "epoch \(record.epoch): loss \(fixed(record.trainLoss, 4)), valid \(fixed(record.validLoss, 4))\(rocAUC)"
                + "  \(fixed(Double(record.segments) / max(record.seconds, 1e-9), 1)) segments/s"
                + (record.isBest ? "  best so far" : ""))
    }

    func clear() { line.clear() }
}

/// A line of news on standard error; no complaint, and so without the program's name.
func reportLine(_ text: String) { Output.write(text + "\n", to: STDERR_FILENO) }
