import Foundation

@testable import Core

/// A folder of small files in a data set's published layout. It goes with this object.
final class DatasetFolder {
    let path = "/tmp/wavetag-dataset-\(UUID().uuidString.prefix(8))"

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// - Returns: the file's path.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> String { try write(name, bytes: Array(text.utf8)) }

    @discardableResult
    func write(_ name: String, bytes: [UInt8]) throws -> String {
        let url = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        return url.path
    }

    func read(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }

    /// What a parser says is wrong, without this folder's path.
    func refusal(_ body: () throws(DatasetError) -> DatasetListing) -> String? {
        do throws(DatasetError) {
            _ = try body()
            return nil
        } catch { return error.description.replacing(path + "/", with: "") }
    }
}

/// Lists and dictionaries as the authors' Python 2 wrote them: protocol 0.
enum PublishedPickle {
    static func list(_ strings: [String]) -> String {
        "(lp1\n" + strings.enumerated().map { "\($0 == 0 ? "" : "a")S'\($1)'\np\($0 + 2)\n" }.joined() + "a."
    }

    static func dictionary(_ members: [(String, String)]) -> String {
        var text = "(dp1\n"
        for (index, (key, value)) in members.enumerated() {
            text += "S'\(key)'\np\(2 * index + 2)\nS'\(value)'\np\(2 * index + 3)\ns"
        }
        return text + "."
    }

    /// A dictionary of NumPy's arrays of booleans.
    static func vectors(_ members: [(String, [Bool])]) -> String {
        var text = "(dp1\n"
        for (key, vector) in members {
            let bytes = vector.map { $0 ? "\\x01" : "\\x00" }.joined()
            text += "S'\(key)'\ncnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
            text += "(I1\n(I\(vector.count)\ntcnumpy\ndtype\n(S'b1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntbI00\n"
            text += "S'\(bytes)'\ntbs"
        }
        return text + "."
    }
}
