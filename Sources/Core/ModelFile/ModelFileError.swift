/// Why a model file can't be read or written: one line, `file: where: why`.
public struct ModelFileError: Error, Equatable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// There is no such file.
        case missing
        /// The system refused to read or write it.
        case unreadable
        /// It isn't a model.
        case invalid
    }

    public let kind: Kind
    public let description: String

    init(_ kind: Kind, _ file: String, _ reason: String) {
        self.kind = kind
        description = "\(file): \(reason)"
    }
}
