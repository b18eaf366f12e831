import Core
import Glibc

/// Trainings that are done, a line each in a text file, so that a run that was stopped goes on with the next one.
///
/// Columns, with tabs between them: what was trained (set, nets, levels, settings), the seed, and of the validation and the
/// test songs ROC-AUC, average precision and accuracy; `-` where there is none. A line that isn't whole is passed over.
struct ReproductionResults {
    struct Result: Equatable {
        let seed: UInt64
        let valid: ClassifierExperiment.Figures
        let test: ClassifierExperiment.Figures
    }

    let path: String
    private var results: [String: [UInt64: Result]] = [:]
    /// Bytes of whole lines.
    private var wholeBytes = 0

    /// A file that can't be read has no results yet.
    init(path: String) {
        self.path = path
        // A last line without its end was being written.
        guard let text = TextFile.read(path), let end = text.lastIndex(of: "\n") else { return }
        wholeBytes = text[...end].utf8.count
        for line in text[..<end].split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count == 10, let seed = UInt64(fields[1]), let valid = Self.figures(fields[2..<6]),
                let test = Self.figures(fields[6..<10])
            else { continue }
            results[String(fields[0]), default: [:]][seed] = Result(seed: seed, valid: valid, test: test)
        }
    }

    private static func figures(_ fields: ArraySlice<Substring>) -> ClassifierExperiment.Figures? {
        let numbers = fields.map { $0 == "-" ? .some(nil) : Double($0).map(Optional.some) }
        guard numbers.allSatisfy({ $0 != nil }), let tags = fields.last.flatMap({ Int($0) }) else { return nil }
        var figures = ClassifierExperiment.Figures()
        (figures.rocAUC, figures.averagePrecision, figures.accuracy) = (
            numbers[0] ?? nil, numbers[1] ?? nil, numbers[2] ?? nil
        )
        figures.tagsCounted = tags
        return figures
    }

    /// What is known of these seeds, in their order.
    func known(_ key: String, seeds: [UInt64]) -> [Result] { seeds.compactMap { results[key]?[$0] } }

    /// - Returns: false where it can't be written.
    mutating func add(_ new: [Result], key: String) -> Bool {
        var text = ""
        for result in new {
            results[key, default: [:]][result.seed] = result
            func fields(_ figures: ClassifierExperiment.Figures) -> String {
                [figures.rocAUC, figures.averagePrecision, figures.accuracy].map { $0.map { "\($0)" } ?? "-" }
                    .joined(separator: "\t") + "\t\(figures.tagsCounted)"
            }
            text += "\(key)\t\(result.seed)\t\(fields(result.valid))\t\(fields(result.test))\n"
        }
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { return false }
        // Behind the last whole line: half a one would spoil the next.
        let isWritten =
            ftruncate(file, off_t(wholeBytes)) == 0 && lseek(file, 0, SEEK_END) >= 0 && Output.write(text, to: file)
            && fsync(file) == 0
        wholeBytes += text.utf8.count
        return close(file) == 0 && isWritten
    }
}
