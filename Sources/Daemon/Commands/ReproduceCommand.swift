import ArgumentParser
import Core
import Glibc

struct ReproduceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reproduce",
        abstract: "The papers' tables and Figure 2 on data at hand.",
        discussion: """
            table1: levels -3, -2, -1 and all three, of one net. table2: one net, two, four, eight. Both train the \
            song-level classifier several times over for each row and data set, and print mean and standard deviation \
            on the test songs. Everything that is done is kept in --folder, and a run that was stopped goes on.

            figure2: songs that have exactly one of two tags, in the plane by t-SNE, a picture for each level of one net, \
            and the silhouette: how clustered they are.

            --data names a data set and its manifest; `wavetag dataset` makes those of the published sets. \
            docs/reproduction.md says what came out here.

            EXAMPLES
              wavetag reproduce table1 --model 3-9.safetensors --data gtzan=gtzan.tsv --data mtat=mtat.tsv --folder run
              wavetag reproduce table2 --model 3-8.safetensors --model 3-9.safetensors --data mine.tsv --folder run
              wavetag reproduce figure2 --tags piano,rock --levels=-3,-1 --data mtat=mtat.tsv --folder run
            """
    )

    enum What: String, ExpressibleByArgument, CaseIterable {
        case table1, table2, figure2
    }

    @Argument(help: "table1, table2 or figure2.")
    var what: What
    @Option(help: ArgumentHelp("Data set: NAME=MANIFEST, or a manifest; several.", valueName: "set"))
    var data: [String]
    @Option(
        help: ArgumentHelp(
            "Model file; several: their nets together. Default: the installed or bundled one.", valueName: "file"))
    var model: [String] = []
    @Option(help: ArgumentHelp("Where features, results and the report are kept.", valueName: "folder"))
    var folder: String
    @Option(help: ArgumentHelp("table1, figure2: the net. Default: 3^9.", valueName: "name"))
    var net: String?
    @Option(help: ArgumentHelp("Published numbers: lines of set, row and number, tabs between.", valueName: "file"))
    var published: String?
    @OptionGroup var figure: FigureOptions
    @OptionGroup var options: ClassifierOptions
    @Option(help: ArgumentHelp("Threads. Default: one a core.", valueName: "count"))
    var threads: Int?
    @Flag(help: "Work with the files that can be read, however few.")
    var keepGoing = false

    func validate() throws {
        guard !data.isEmpty else { throw ValidationError("--data: a data set wanted") }
        guard Set(sets.map(\.name)).count == sets.count else { throw ValidationError("--data: two sets of one name") }
        if let threads, !(1...256).contains(threads) {
            throw ValidationError("--threads: 1 to 256 wanted, \(threads) found")
        }
        if what != .figure2, let option = figure.given {
            throw ValidationError("\(option): \(what.rawValue) has none; figure2 has")
        }
        if what == .figure2, published != nil {
            throw ValidationError("--published: figure2 has no published numbers")
        }
    }

    private var sets: [NamedManifest] { data.map { NamedManifest($0) } }

    func run() async throws {
        let file = try ExitCode.read(models: model)
        let figures = try published.map { try PublishedFigures(path: $0) } ?? PublishedFigures()
        if let net, !file.model.nets.contains(where: { $0.shape.name == net }) {
            throw ExitCode.because(.usage, "--net: the model has no \(net)")
        }
        let features = ReproductionFeatures(
            model: file, folder: folder, threads: threads ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))),
            keepsGoing: keepGoing)
        let interruption = Interruption.installed()
        let report: (html: String, text: String)? =
            switch what {
            case .table1:
                try await table(ReproductionTable.levels(of: file.model, net: net), figures, features, interruption)
            case .table2: try await table(ReproductionTable.scales(of: file.model), figures, features, interruption)
            case .figure2: try await figure(features, interruption)
            }
        guard let report else {
            reportError("\(folder): interrupted; the same command goes on")
            return
        }
        try ReportFile.write(report.html, to: page)
        Output.write(report.text)
    }

    private var page: String { "\(folder)/\(what.rawValue).html" }

    /// Finds out early whether the folder can be written to.
    private func makeFolder() throws {
        guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
            throw ExitCode.because(.ioError, "\(folder): \(String(cString: strerror(errno)))")
        }
        try ReportFile.check(page)
    }

    /// - Returns: nil where it was interrupted.
    private func table(
        _ table: ReproductionTable, _ published: PublishedFigures, _ features: ReproductionFeatures,
        _ interruption: Interruption
    ) async throws -> (html: String, text: String)? {
        guard !table.rows.isEmpty else {
            throw ExitCode.because(.badData, "\(features.model.name): \(table.missing.joined(separator: "; "))")
        }
        try makeFolder()
        let reproduction = Reproduction(features: features, sets: sets, table: table, options: options)
        guard let columns = try await reproduction.run(interruption) else { return nil }
        let report = ReproductionReport(
            table: table, columns: columns, published: published, model: features.model, options: options)
        return (report.html, report.text)
    }

    /// - Returns: nil where it was interrupted.
    private func figure(
        _ features: ReproductionFeatures, _ interruption: Interruption
    ) async throws -> (html: String, text: String)? {
        try makeFolder()
        let net = ReproductionTable.usualNet(of: features.model.model, net)
        let reproduction = FigureReproduction(
            features: features, sets: sets, net: net, figure: figure, positiveFrom: options.positive,
            seed: options.seed)
        guard let panels = try await reproduction.run(interruption) else { return nil }
        let report = FigureReport(
            panels: panels, net: net, model: features.model, figure: figure, positiveFrom: options.positive,
            seed: options.seed)
        return (report.html, report.text)
    }
}
