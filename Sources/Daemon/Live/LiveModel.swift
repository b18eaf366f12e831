import Core
import Streaming

/// A model as settings want it: its tagger, and what clients are told of it.
struct LiveModel {
    let facts: EventEncoder.ModelFacts
    let tagger: Tagger
    let encoder: EventEncoder

    /// Reads the model file and packs its weights: takes a while, and touches neither device nor socket.
    ///
    /// - Throws: `ModelFileError`, `TaggerError`.
    init(_ settings: Settings, environment: [String: String]) throws {
        let file = try ModelFile.read(path: settings.model ?? DefaultModel.path(environment: environment))
        var live = settings.tagger
        live.batch = 1
        tagger = try Tagger(model: file.model, settings: live)
        tagger.clock = monotonicTime
        facts = EventEncoder.ModelFacts(file)
        encoder = EventEncoder(model: facts, precision: tagger.precision)
    }

    /// A ring for this model's reports.
    func reports(bell: ReportBell) -> ReportRing {
        ReportRing(
            capacity: 256, tags: facts.tags.count, songTags: facts.songTags.count, nets: facts.nets.count, bell: bell)
    }
}

extension Settings {
    /// Which channels are heard.
    var choice: ChannelChoice { channel.map { .single($0 - 1) } ?? .mean }
}
