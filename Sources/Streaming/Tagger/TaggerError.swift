import Core

/// A setting that no tagger can work with; the message names the setting, what was wanted and what was found.
public struct TaggerError: Error, Equatable, CustomStringConvertible {
    public let description: String
}

extension TaggerSettings {
    /// Longest hop: ten minutes.
    public static let longestHop = 600 * Model.sampleRate

    func validate(for model: Model) throws(TaggerError) {
        for (name, hop) in netHops.sorted(by: { $0.key < $1.key }) {
            guard model.nets.contains(where: { $0.shape.name == name }) else {
                throw TaggerError(description: "hop of \(name): the model has no such net")
            }
            try check(hop, "hop of \(name)")
        }
        try check(hop, "hop")
        guard batch > 0 else { throw TaggerError(description: "batch: 1 or more wanted, \(batch) found") }
        guard (1...64).contains(threads) else {
            throw TaggerError(description: "threads: 1 to 64 wanted, \(threads) found")
        }
        guard (0...Self.longestHop * 6).contains(classifierInterval) else {
            throw TaggerError(
                description:
                    "classifier interval: 0 to \(Self.longestHop * 6) samples wanted, \(classifierInterval) found")
        }
        guard silenceLevel.isFinite, silenceDuration.isFinite, silenceDuration >= 0 else {
            throw TaggerError(description: "silence: a level and a duration of 0 or more wanted")
        }
    }

    private func check(_ hop: Int, _ name: String) throws(TaggerError) {
        guard (1...Self.longestHop).contains(hop) else {
            throw TaggerError(description: "\(name): 1 to \(Self.longestHop) samples wanted, \(hop) found")
        }
    }
}
