import Testing

@testable import Core

/// A file that `Tests/Fixtures/make.py` wrote.
enum Fixture {
    static func path(_ name: String) -> String {
        let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        return "/\(tests)/Fixtures/\(name).safetensors"
    }

    /// The input that all nets' expectations are made from: 78 125 samples.
    static func signal() throws -> [Float] { try tensor("samples", in: "signal") }

    static func tensor(_ tensor: String, in name: String) throws -> [Float] {
        let file = try Safetensors(path: path(name))
        return try file.floats(tensor)
    }

    /// A tensor [2, count]: each double is two floats whose sum it is.
    static func doubles(_ tensor: String, in name: String) throws -> [Double] {
        let parts = try self.tensor(tensor, in: name).map(Double.init)
        return zip(parts[..<(parts.count / 2)], parts[(parts.count / 2)...]).map { $0 + $1 }
    }

    static func model(_ name: String) throws -> Model { try ModelFile.read(path: path(name)).model }
}

/// The largest difference of two rows of numbers, relative to the larger ones among them.
func relativeDifference(_ found: some Collection<Float>, _ expected: [Float]) -> Float {
    guard found.count == expected.count else { return .infinity }
    let scale = expected.reduce(Float(0)) { max($0, abs($1)) }
    return zip(found, expected).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) } / max(scale, 1e-6)
}
