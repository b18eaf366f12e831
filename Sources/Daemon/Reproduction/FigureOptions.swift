import ArgumentParser
import Core

/// What Figure 2 shows.
struct FigureOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "figure2: two tags. Default: those whose smaller group has the most songs.", valueName: "names"))
    var tags: CommaList<String>?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("figure2: levels, a picture each. Default: -3,-1.", valueName: "levels")
    )
    var levels: CommaList<Int>?
    @Option(
        help: ArgumentHelp("figure2: most songs to show; of more, some are drawn. Default: 2000.", valueName: "count"))
    var songs: Int?

    func validate() throws {
        if let tags, tags.elements.count != 2 || Set(tags.elements).count != 2 {
            throw ValidationError("--tags: two different tags wanted, \(tags.defaultValueDescription) found")
        }
        if let levels, Set(levels.elements).count != levels.elements.count {
            throw ValidationError("--levels: \(levels.defaultValueDescription): one stands twice")
        }
        // Of 5000 songs t-SNE holds 12 million pairs.
        if let songs, !(4...5000).contains(songs) {
            throw ValidationError("--songs: 4 to 5000 wanted, \(songs) found")
        }
    }

    /// The first option that was given, by name.
    var given: String? {
        tags != nil ? "--tags" : levels != nil ? "--levels" : songs != nil ? "--songs" : nil
    }

    var levelList: [Int] { (levels?.elements ?? [-3, -1]).sorted() }
    var songLimit: Int { songs ?? 2000 }
}
