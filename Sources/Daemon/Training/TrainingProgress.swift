import Core
import Glibc

/// How a training goes: a line that lives on a terminal, and a line an epoch everywhere.
final class TrainingProgress {
    private let mostEpochs: Int?
    private let isTerminal = Output.isTerminal(STDERR_FILENO)
    private var lastShown: Int64 = 0
    /// When the present epoch began here, and with how many segments done.
    private var started: (time: Int64, segments: Int)?
    private var isLineThere = false

    init(batch: Int, mostEpochs: Int?) { self.mostEpochs = mostEpochs }

    func show(_ step: TrainingRun.Step) {
        let now = monotonicTime()
        guard let started, step.segments > started.segments else {
            started = (now, step.segments)
            return
        }
        guard isTerminal, now - lastShown > 200_000_000 || step.batch == step.batches else { return }
        lastShown = now
        let seconds = Double(now - started.time) / 1e9
        let speed = Double(step.segments - started.segments) / max(seconds, 1e-9)
        let perBatch = seconds / Double(step.segments - started.segments) * Double(step.segments) / Double(step.batch)
        let epochs = mostEpochs.map { "/\($0)" } ?? ""
        let left = Int(perBatch * Double(step.batches - step.batch))
        Output.write(
            "\r\u{1B}[Kepoch \(step.epoch)\(epochs)  \(step.batch * 100 / step.batches) %  loss \(fixed(step.loss, 4))"
                + "  rate \(fixed(step.learningRate, 6))  \(fixed(speed, 1)) segments/s  \(left) s left",
            to: STDERR_FILENO)
        isLineThere = true
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

    func clear() {
        if isLineThere { Output.write("\r\u{1B}[K", to: STDERR_FILENO) }
        isLineThere = false
    }
}

/// A line of news on standard error; no complaint, and so without the program's name.
func reportLine(_ text: String) { Output.write(text + "\n", to: STDERR_FILENO) }
