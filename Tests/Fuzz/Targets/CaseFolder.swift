import Core
import Glibc

/// A folder in memory for the files of one input after the other. It goes with this object.
final class CaseFolder {
    let path: String

    init() {
        var template = Array("/dev/shm/wavetag-fuzz-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("/dev/shm: \(String(cString: strerror(errno)))") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        for name in names(inFolder: path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    /// - Returns: the file's path.
    @discardableResult
    func write(_ name: String, _ bytes: some Collection<UInt8>) -> String {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let bytes = Array(bytes)
        guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            fatalError("\(file): \(String(cString: strerror(errno)))")
        }
        close(descriptor)
        return file
    }

    func remove(_ name: String) { unlink("\(path)/\(name)") }
}

/// Names of a folder's files, sorted; none where there is no folder.
func names(inFolder path: String) -> [String] {
    FolderNames.read(path).filter { !$0.hasPrefix(".") }.sorted()
}
