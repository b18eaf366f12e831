import ArgumentParser
import Glibc

/// The papers' own numbers, to stand beside ours.
///
/// None come with wavetag: those of the two tables could not be checked against the papers when this was written, and a
/// number from memory is worth nothing. Who has the papers writes them down once: a line a number, `set`, `row` and the
/// number with tabs between them, the row as `reproduce` prints it.
struct PublishedFigures {
    private var figures: [String: Double] = [:]

    init() {}

    /// - Throws: a line that names the file's line.
    init(path: String) throws {
        guard let text = TextFile.read(path) else {
            throw ExitCode.because(
                errno == ENOENT ? .noInput : .ioError, "\(path): \(String(cString: strerror(errno)))")
        }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() where !line.isEmpty && !line.hasPrefix("#") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count == 3, let number = Double(fields[2]), (0...1).contains(number) else {
                throw ExitCode.because(
                    .badData, "\(path): line \(index + 1): set, row and a number from 0 to 1 wanted, with tabs between")
            }
            figures["\(fields[0])\t\(fields[1])"] = number
        }
    }

    subscript(set: String, row: String) -> Double? { figures["\(set)\t\(row)"] }

    var isEmpty: Bool { figures.isEmpty }
}
