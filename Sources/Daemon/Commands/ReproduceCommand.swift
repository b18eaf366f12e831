import ArgumentParser
import Core
import Glibc

struct ReproduceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reproduce",
        abstract: "The papers' tables on data at hand.",
        discussion: """
            table1: levels -3, -2, -1 and all three, of one net. table2: one net, two, four, eight. Both train the \
            song-level classifier several times over for each row and data set, and print mean and standard deviation \
            on the test songs. Everything that is done is kept in --folder, and a run that was stopped goes on.

            --data names a data set and its manifest; `wavetag dataset` makes those of the published sets. \
            docs/reproduction.md says what came out here.

            EXAMPLES
              wavetag reproduce table1 --model 3-9.safetensors --data gtzan=gtzan.tsv --data mtat=mtat.tsv --folder run
              wavetag reproduce table2 --model 3-8.safetensors --model 3-9.safetensors --data mine.tsv --folder run
            """
    )

    enum What: String, ExpressibleByArgument, CaseIterable {
        case table1, table2
    }

    @Argument(help: "table1 or table2.")
    var what: What
    @Option(help: ArgumentHelp("Data set: NAME=MANIFEST, or a manifest; several.", valueName: "set"))
    var data: [String]
    @Option(
        help: ArgumentHelp(
            "Model file; several: their nets together. Default: the installed or bundled one.", valueName: "file"))
    var model: [String] = []
    @Option(help: ArgumentHelp("Where features, results and the report are kept.", valueName: "folder"))
    var folder: String
    @Option(help: ArgumentHelp("table1: the net. Default: 3^9.", valueName: "name"))
    var net: String?
    @Option(help: ArgumentHelp("Published numbers: lines of set, row and number, tabs between.", valueName: "file"))
    var published: String?
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
    }

    private var sets: [NamedManifest] { data.map { NamedManifest($0) } }

    func run() async throws {
        let file = try ExitCode.read(models: model)
        let figures = try published.map { try PublishedFigures(path: $0) } ?? PublishedFigures()
        if let net, !file.model.nets.contains(where: { $0.shape.name == net }) {
            throw ExitCode.because(.usage, "--net: the model has no \(net)")
        }
        let table =
            switch what {
            case .table1: ReproductionTable.levels(of: file.model, net: net)
            case .table2: ReproductionTable.scales(of: file.model)
            }
        guard !table.rows.isEmpty else {
            throw ExitCode.because(.badData, "\(file.name): \(table.missing.joined(separator: "; "))")
        }
        guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
            throw ExitCode.because(.ioError, "\(folder): \(String(cString: strerror(errno)))")
        }
        let page = "\(folder)/\(what.rawValue).html"
        try ReportFile.check(page)
        let reproduction = Reproduction(
            model: file, sets: sets, table: table, folder: folder, options: options,
            threads: threads ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), keepsGoing: keepGoing)
        guard let columns = try await reproduction.run(Interruption.installed()) else {
            reportError("\(folder): interrupted; the same command goes on")
            return
        }
        let report = ReproductionReport(
            table: table, columns: columns, published: figures, model: file, options: options)
        try ReportFile.write(report.html, to: page)
        Output.write(report.text)
    }
}
