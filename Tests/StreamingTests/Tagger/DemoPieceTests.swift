import Core
import Testing

@testable import Streaming

/// What `make run` shows, with the model that the checkout ships.
@Suite("The demo piece")
struct DemoPieceTests {
    private static func shipped() throws -> ModelFile {
        try ModelFile.read(path: DemoPiece.repository + "/models/default.safetensors")
    }

    /// The model of the first release, which takes a piano alone for a guitar: its README says so.
    private static let starter = "e068067e39080b0f"

    /// Ten seconds each, as `demo/compose.py` has them, and tags of MagnaTagATune that are right.
    private static let sections: [(name: String, tags: Set<String>)] = [
        ("piano", ["piano"]), ("strings", ["strings", "violin", "cello"]),
        ("drums and synthesiser", ["techno", "electronic", "synth", "drums"]), ("guitar", ["guitar"]),
    ]

    @Test(
        "Each section's instrument is among the three likeliest tags",
        .enabled(if: (try? shipped().sha256.hasPrefix(starter)) == false, "the model is the starter"))
    func instruments() throws {
        let file = try Self.shipped()
        // As demo/run.sh renders it.
        let samples = try DemoPiece.samples(rendering: ["-g", "0.6", "-r", "44100"])
        var settings = TaggerSettings()
        settings.batch = 64
        settings.songBoundaries = .off
        let tagger = try Tagger(model: file.model, settings: settings)
        let longest = file.model.nets.map(\.shape.window).max() ?? 0
        let section = 10 * Model.sampleRate
        var sums = Self.sections.map { _ in [Float](repeating: 0, count: file.model.tags.count) }
        func take(_ event: TaggerEvent) {
            guard case .tags(let report) = event else { return }
            let end = Int(report.position)
            let index = (end - 1) / section
            // Windows that lie in one section.
            guard sums.indices.contains(index), end - longest >= index * section else { return }
            for tag in report.window.indices { sums[index][tag] += report.window[tag] }
        }
        samples.withUnsafeBufferPointer { tagger.feed($0, emit: take) }
        tagger.finish(emit: take)
        for (sum, section) in zip(sums, Self.sections) {
            let order = sum.indices.sorted { sum[$0] > sum[$1] }.prefix(3)
            let heard = order.map { file.model.tags[$0] }
            #expect(sum[order[0]] > 0, "\(section.name): nothing was heard")
            #expect(!section.tags.isDisjoint(with: heard), "\(section.name): \(heard)")
        }
    }
}
