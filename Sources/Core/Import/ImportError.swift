/// Why a published checkpoint can't be turned into a model: one line, `file: where: why`.
public struct ImportError: Error, Equatable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// There is no such file.
        case missing
        /// The system refused to read it.
        case unreadable
        /// It isn't in the layout that was named, or describes no net that wavetag has.
        case invalid
        /// The library that reads such files isn't installed.
        case unavailable
    }

    public let kind: Kind
    public let description: String

    init(_ kind: Kind, _ file: String, _ reason: String) {
        self.kind = kind
        description = "\(file): \(reason)"
    }
}

extension MappedFile {
    /// A file that is to be imported.
    init(checkpoint path: String) throws(ImportError) {
        do throws(ModelFileError) { try self.init(path: path) } catch {
            // Its description begins with the path already.
            let reason = error.description.dropFirst(path.utf8.count + 2)
            throw ImportError(error.kind == .missing ? .missing : .unreadable, path, String(reason))
        }
    }
}
