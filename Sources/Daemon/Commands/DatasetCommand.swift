import ArgumentParser
import Core
import Glibc

struct DatasetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataset",
        abstract: "A published data set's own files into a manifest, for training.",
        discussion: """
            Looks for each listed sound, and writes those that are there. Prints how many of each split there are; \
            those that aren't are counted on standard error, and --missing lists them all. docs/datasets.md says where \
            each set's files come from.

            EXAMPLES
              wavetag dataset mtat ~/mtat --out ~/mtat/mtat.tsv
              wavetag dataset gtzan ~/gtzan --out ~/gtzan/gtzan.tsv --missing missing.txt
              wavetag dataset msd ~/MSD_split --audio ~/previews --out msd.tsv
            """,
        subcommands: [MTATCommand.self, GTZANCommand.self, MSDCommand.self, TagtraumCommand.self]
    )
}

/// What all data sets are asked for.
struct DatasetOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("Folder with the set's files.", valueName: "folder"))
    var folder: String
    @Option(help: ArgumentHelp("The manifest to write.", valueName: "manifest"))
    var out: String
    @Option(help: ArgumentHelp("Write the names of all absent sounds there.", valueName: "file"))
    var missing: String?

    /// A file or folder in the set's own.
    func path(_ name: String) -> String { folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)" }

    /// Looks for the sounds, writes the manifest, and says what there is.
    ///
    /// - Parameters:
    ///   - name: the set's, for messages.
    ///   - listing: called once; its errors and those of what follows end the command.
    func write(
        _ name: String, audio: String, _ listing: () throws(DatasetError) -> DatasetListing
    ) throws(ExitCode) {
        let text: String
        do throws(DatasetError) {
            let listing = try listing()
            let found = try FoundSounds(listing, in: audio)
            if let missing { try ManifestWriter.writeAbsent(found, to: missing) }
            reportAbsent(found, of: listing.sounds.count, name)
            // A manifest without a sound would replace one that may have some.
            guard !found.sounds.isEmpty else { throw .nothingFound(in: audio) }
            try ManifestWriter.write(found, audio: audio, to: out)
            text = summary(found, of: listing)
        } catch {
            throw ExitCode.because(error)
        }
        guard Output.write(text) || errno == EPIPE else {
            throw ExitCode.because(.ioError, "standard output: \(String(cString: strerror(errno)))")
        }
    }

    private func summary(_ found: FoundSounds, of listing: DatasetListing) -> String {
        var text = ""
        for split in Manifest.Split.allCases {
            let there = found.sounds.count { $0.sound.split == split }
            text += "\(split.rawValue): \(there) of \(listing.sounds.count { $0.split == split }) sounds\n"
        }
        return text + "\(out): \(found.sounds.count) sounds, \(found.tags.count) tags\n"
    }

    private func reportAbsent(_ found: FoundSounds, of total: Int, _ name: String) {
        for (absence, what) in [(FoundSounds.Absence.missing, "missing"), (.empty, "empty files")] {
            let names = found.absent.filter { $0.absence == absence }.map(\.sound.name)
            guard !names.isEmpty else { continue }
            let shown = names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", …" : "")
            reportError("\(name): \(names.count) of \(total) sounds are \(what): \(shown)")
        }
    }
}

struct MTATCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mtat",
        abstract: "MagnaTagATune: clips of 29 s with the 50 most frequent tags.",
        discussion: """
            Without --split-lists: every annotated clip, folders 0 to b train, c validates, d to f test. With it: the \
            clips of train_list_pub.cP, valid_list_pub.cP and test_list_pub.cP, as the papers use them.
            """
    )

    @OptionGroup var options: DatasetOptions
    @Option(help: ArgumentHelp("Default: annotations_final.csv in the folder.", valueName: "file"))
    var annotations: String?
    @Option(
        help: ArgumentHelp(
            "Paths are checked against it. Default: clip_info_final.csv in the folder, if it is there.",
            valueName: "file"))
    var clipInfo: String?
    @Option(help: ArgumentHelp("Folder with the papers' split lists.", valueName: "folder"))
    var splitLists: String?
    @Option(help: ArgumentHelp("Folder with the folders 0 to f. Default: the set's.", valueName: "folder"))
    var audio: String?
    @Option(help: ArgumentHelp("So many of the tags, the most frequent ones.", valueName: "count"))
    var tags = MagnaTagATune.usualTagCount

    func validate() throws {
        guard tags > 0 else { throw ValidationError("--tags: 1 or more wanted, \(tags) found") }
    }

    func run() throws {
        let usualClipInfo = options.path("clip_info_final.csv")
        let clipInfo = clipInfo ?? (access(usualClipInfo, F_OK) == 0 ? usualClipInfo : nil)
        try options.write("mtat", audio: audio ?? options.folder) { () throws(DatasetError) in
            try MagnaTagATune.listing(
                annotations: annotations ?? options.path("annotations_final.csv"), clipInfo: clipInfo,
                splitLists: splitLists, tagCount: tags)
        }
    }
}

struct GTZANCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gtzan",
        abstract: "GTZAN: excerpts of 30 s in ten genres, fault-filtered.",
        discussion: """
            The lists are train_filtered.txt, valid_filtered.txt and test_filtered.txt. A sound may be .wav or .au.
            """
    )

    @OptionGroup var options: DatasetOptions
    @Option(help: ArgumentHelp("Folder with the fault-filtered lists. Default: the set's.", valueName: "folder"))
    var splitLists: String?
    @Option(help: ArgumentHelp("Folder with a folder a genre. Default: genres in the set's.", valueName: "folder"))
    var audio: String?

    func run() throws {
        try options.write("gtzan", audio: audio ?? options.path("genres")) { () throws(DatasetError) in
            try GTZAN.listing(splitLists: splitLists ?? options.folder)
        }
    }
}

struct MSDCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "msd",
        abstract: "Million Song Dataset: 7digital's previews with Last.fm's 50 most frequent tags.",
        discussion: """
            The folder has filtered_list_train.cP, filtered_list_test.cP, msd_id_to_tag_vector.cP, 50tagList.txt, \
            MSD_id_to_7D_id.pkl and 7D_id_to_path.pkl, as published.
            """
    )

    @OptionGroup var options: DatasetOptions
    @Option(help: ArgumentHelp("Folder with the previews. Default: audio in the set's.", valueName: "folder"))
    var audio: String?
    @Option(help: ArgumentHelp("Tracks of the training list that train; the rest validates.", valueName: "count"))
    var trainCount = MillionSong.usualTrainCount

    func validate() throws {
        guard trainCount > 0 else { throw ValidationError("--train-count: 1 or more wanted, \(trainCount) found") }
    }

    func run() throws {
        try options.write("msd", audio: audio ?? options.path("audio")) { () throws(DatasetError) in
            try MillionSong.listing(
                lists: options.folder, paths: TrackPaths(folder: options.folder), trainCount: trainCount)
        }
    }
}

struct TagtraumCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tagtraum",
        abstract: "Million Song Dataset: 7digital's previews with Tagtraum's genres, CD2C.",
        discussion: """
            Without --split-lists: 80 % of each genre train, half of the rest validates, half tests, drawn with --seed \
            from all annotated tracks, whichever are there. With it: the papers' train_list.cP and test_list.cP.
            """
    )

    @OptionGroup var options: DatasetOptions
    @Option(help: ArgumentHelp("Default: msd_tagtraum_cd2c.cls in the folder.", valueName: "file"))
    var annotations: String?
    @Option(
        help: ArgumentHelp(
            "Folder with MSD_id_to_7D_id.pkl and 7D_id_to_path.pkl. Default: the set's.", valueName: "folder"))
    var paths: String?
    @Option(help: ArgumentHelp("Folder with the papers' split lists.", valueName: "folder"))
    var splitLists: String?
    @Option(
        help: ArgumentHelp(
            "Tracks of the papers' training list that train; the rest validates.", valueName: "count"))
    var trainCount = Tagtraum.usualTrainCount
    @Option(help: ArgumentHelp("Of the stratified split.", valueName: "number"))
    var seed = Tagtraum.seed
    @Option(help: ArgumentHelp("Folder with the previews. Default: audio in the set's.", valueName: "folder"))
    var audio: String?

    func validate() throws {
        guard trainCount > 0 else { throw ValidationError("--train-count: 1 or more wanted, \(trainCount) found") }
    }

    func run() throws {
        let source: Tagtraum.SplitSource =
            splitLists.map { .lists(folder: $0, trainCount: trainCount) } ?? .stratified(seed: seed)
        try options.write("tagtraum", audio: audio ?? options.path("audio")) { () throws(DatasetError) in
            try Tagtraum.listing(
                annotations: annotations ?? options.path("msd_tagtraum_cd2c.cls"),
                paths: TrackPaths(folder: paths ?? options.folder), split: source)
        }
    }
}

extension ExitCode {
    fileprivate static func because(_ error: DatasetError) -> ExitCode {
        let code: ExitCode =
            switch error.kind {
            case .missing: .noInput
            case .unreadable: .ioError
            case .invalid: .badData
            }
        return because(code, error)
    }
}
