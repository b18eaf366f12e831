import ArgumentParser
import Core
import Glibc
import Streaming

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "What the nets cost on this machine, on one core.",
        discussion: """
            Without --model the published nets at full width, untrained: arithmetic takes the same time whatever the \
            weights are. Every case is one line; --json gives one object a line.

            EXAMPLES
              wavetag bench
              wavetag bench --json | jq -r '[.name, .median_us] | @tsv'
              wavetag bench --curve --net 3^9
              wavetag bench --training --net 3^9 --threads 2
              wavetag bench --songs --net 3^9
            """
    )

    @Flag(help: "One JSON object a line.")
    var json = false
    @Option(
        help: ArgumentHelp("The nets of this model instead of the published ones.", valueName: "file"),
        completion: .modelFile)
    var model: String?
    @Option(help: ArgumentHelp("Only this net.", valueName: "name"))
    var net: String?
    @Option(help: "Only this precision. Default: both, or what the model has.")
    var precision: Precision?
    @Flag(help: "Cost against hop: 1 to the window.")
    var curve = false
    @Flag(help: "Where a hop's time goes: a line a layer.")
    var layers = false
    @Flag(help: "What songs cost beside a net's hops: a classifier of 512 hidden units, every half second.")
    var songs = false
    @Flag(help: "Steps of training instead.")
    var training = false
    @Option(help: ArgumentHelp("Segments of a step of training.", valueName: "count"))
    var batch = 23
    @Option(help: ArgumentHelp("Threads of a step of training.", valueName: "count"))
    var threads = 1
    @Option(help: ArgumentHelp("Time for each case.", valueName: "seconds"))
    var seconds = BenchCase.duration

    func validate() throws {
        guard (1...4096).contains(batch) else { throw ValidationError("--batch: 1 to 4096 wanted, \(batch) found") }
        guard (1...256).contains(threads) else { throw ValidationError("--threads: 1 to 256 wanted, \(threads) found") }
    }

    func run() throws {
        if songs { return try benchSongs() }
        let nets = try nets()
        if training {
            var seen: Set<String> = []
            for net in nets where seen.insert(net.shape.name).inserted {
                let result = TrainingBench(shape: net.shape, batch: batch, threads: threads).measure()
                guard Output.write(json ? result.json : result.text) else { return }
            }
            return
        }
        if layers {
            for net in nets { printLayers(of: net) }
            return
        }
        if !json {
            Output.write("case                   hop      median µs      p99 µs   MMAdd   GFLOP/s   × real time\n")
        }
        for benchCase in curve ? curveCases(nets) : cases(nets) {
            let result = benchCase.measure(duration: seconds)
            guard Output.write(json ? result.json + "\n" : line(result)) else { return }
        }
    }

    private func benchSongs() throws {
        let names = Self.published.map { "\($0)^\($1)" }
        if !json { Output.write(SongBench.Result.header) }
        for index in try wanted(names) {
            let (m, n) = Self.published[index]
            let shape = try NetShape(name: names[index], m: m, n: n)
            for boundaries in [SongBoundaries.silence, .novelty] {
                let result = try SongBench(model: SongBench.untrained(shape), boundaries: boundaries)
                    .measure(hop: Self.naturalHop(shape), duration: seconds)
                guard Output.write(json ? result.json : result.text) else { return }
            }
        }
    }

    private func printLayers(of net: PackedNet) {
        let hop = Self.naturalHop(net.shape)
        let plan = EnginePlan.cheapest(shape: net.shape, precision: net.precision, tags: net.tags, hop: hop)
        if !json {
            Output.write(
                "\(net.shape.name) \(net.precision.rawValue) at hop \(hop)\nlayer   columns     MMAdd        µs   GFLOP/s\n"
            )
        }
        for share in LayerBench(net: net, plan: plan).measure() {
            let line =
                json
                ? """
                {"net":"\(net.shape.name)","precision":"\(net.precision.rawValue)","hop":\(hop),"layer":\(share.layer),"columns":\(share.columns),\
                "multiply_adds":\(share.multiplyAdds),"median_us":\(share.time),"gflops":\(share.gigaflops)}

                """
                : column(Double(share.layer), 5, 0) + column(Double(share.columns), 10, 0)
                    + column(Double(share.multiplyAdds) / 1e6, 10, 1) + column(share.time, 10, 1)
                    + column(share.gigaflops, 10, 1) + "\n"
            guard Output.write(line) else { return }
        }
    }

    private func nets() throws -> [PackedNet] {
        if let model {
            let file: ModelFile
            do { file = try ModelFile.read(path: model) } catch { throw ExitCode.because(error) }
            let model = file.model
            let usual = precision.map { [$0] } ?? Precision.allCases.filter { (try? model.packed($0)) != nil }
            let indices = try wanted(model.nets.map(\.shape.name))
            do {
                return try usual.flatMap { precision in
                    let packed = try model.packed(precision)
                    return indices.map { packed[$0] }
                }
            } catch { throw ExitCode.because(.badData, "\(file.name): \(error)") }
        }
        return try wanted(Self.published.map { "\($0)^\($1)" }).flatMap { index in
            let (m, n) = Self.published[index]
            return try (precision.map { [$0] } ?? Precision.allCases).map { try Self.untrained(m, n, $0) }
        }
    }

    private static let published = [(3, 9), (2, 13), (2, 14), (3, 8), (4, 6), (4, 7), (5, 5), (5, 6)]

    private static func untrained(_ m: Int, _ n: Int, _ precision: Precision) throws -> PackedNet {
        let shape = try NetShape(name: "\(m)^\(n)", m: m, n: n)
        let float = NetParameters.heUniform(shape, tags: 50, seed: 1)
        switch precision {
        case .float: return PackedNet(float, batchNormEpsilon: 1e-5, function: .sigmoid)
        case .int8:
            let steps = [Float](repeating: 1 / 64, count: n + 1)
            return try PackedNet(
                Int8NetParameters(quantising: float, batchNormEpsilon: 1e-5, steps: steps), function: .sigmoid)
        }
    }

    private func wanted(_ names: [String]) throws -> [Int] {
        let indices = names.indices.filter { net == nil || names[$0] == net }
        guard !indices.isEmpty else {
            throw ExitCode.because(.usage, "--net: \(names.joined(separator: ", ")) to choose from, \(net ?? "") found")
        }
        return indices
    }

    private func cases(_ nets: [PackedNet]) -> [BenchCase] {
        nets.flatMap { net in
            let name = (net.precision == .int8 ? "int8/" : "") + net.shape.name
            let hop = Self.naturalHop(net.shape)
            var cases = [
                BenchCase(name: "window/\(name)", net: net, hop: net.shape.window, work: .window),
                BenchCase(name: "hop/\(name)/\(hop)", net: net, hop: hop, work: .hop),
            ]
            if net.shape.m == 3 {
                cases.append(BenchCase(name: "hop/\(name)/243", net: net, hop: 243, work: .hop))
            }
            cases.append(BenchCase(name: "file/\(name)/\(hop)", net: net, hop: hop, work: .file(batch: 64)))
            return cases
        }
    }

    private func curveCases(_ nets: [PackedNet]) -> [BenchCase] {
        nets.flatMap { net in
            var hops = Set([1, 10, 100, 441, 1000, 2205, 4410, 11_025, 22_050, net.shape.window])
            var power = 1
            while power < net.shape.window {
                hops.insert(power)
                power *= net.shape.m
            }
            return hops.filter { $0 <= net.shape.window }.sorted().map { hop in
                BenchCase(
                    name: "hop/\(net.precision == .int8 ? "int8/" : "")\(net.shape.name)/\(hop)", net: net, hop: hop,
                    work: .hop)
            }
        }
    }

    /// The power of m nearest to 33 ms: the hop at which a net shares most for an answer 30 times a second.
    static func naturalHop(_ shape: NetShape) -> Int {
        var (power, best) = (1, 1)
        func distance(_ hop: Int) -> Double { abs(log(Double(hop) / 729)) }
        while power <= shape.window {
            if distance(power) < distance(best) { best = power }
            power *= shape.m
        }
        return best
    }

    private func column(_ value: Double, _ width: Int, _ decimals: Int) -> String {
        let text = String(Int(value)) + (decimals > 0 ? ".\(Int(value * 10) % 10)" : "")
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private func line(_ result: BenchResult) -> String {
        let name = result.name + String(repeating: " ", count: max(0, 19 - result.name.count))
        return name + column(Double(result.hop), 7, 0) + column(result.median, 15, 1) + column(result.p99, 12, 1)
            + column(Double(result.multiplyAdds) / 1e6, 8, 1) + column(result.gigaflops, 10, 1)
            + column(result.realTimeFactor, 14, 1) + "\n"
    }
}
