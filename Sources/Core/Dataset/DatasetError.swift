/// Why a data set's published files can't be turned into a manifest: one line, `file:line: why`.
public struct DatasetError: Error, Equatable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// There is no such file.
        case missing
        /// The system refused to read or write it.
        case unreadable
        /// It isn't in the published format.
        case invalid
    }

    public let kind: Kind
    public let description: String

    init(_ kind: Kind, _ file: String, _ reason: String) {
        self.kind = kind
        description = "\(file): \(reason)"
    }

    /// None of a set's sounds is in the folder where they should be.
    public static func nothingFound(in audio: String) -> DatasetError {
        DatasetError(.missing, audio, "none of the set's sounds is there")
    }

    /// - Parameter line: counted from 1.
    static func invalid(_ file: String, line: Int, _ reason: String) -> DatasetError {
        DatasetError(.invalid, "\(file):\(line)", reason)
    }

    /// - Parameter entry: of a list without lines, counted from 1.
    static func invalid(_ file: String, entry: Int, _ reason: String) -> DatasetError {
        DatasetError(.invalid, file, "entry \(entry): \(reason)")
    }
}

/// All of a published file.
func datasetBytes(_ path: String) throws(DatasetError) -> [UInt8] {
    do throws(ModelFileError) {
        let file = try MappedFile(path: path)
        return Array(file.bytes)
    } catch {
        // Its description begins with the path already.
        let reason = error.description.dropFirst(path.utf8.count + 2)
        throw DatasetError(error.kind == .missing ? .missing : .unreadable, path, String(reason))
    }
}
