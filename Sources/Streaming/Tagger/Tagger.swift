import Core

/// What a tagger says, in the order of the stream.
public enum TaggerEvent {
    case tags(TagReport)
    case song(SongReport)
}

/// A never-ending signal into tags: the windows of every net, their mean, and the song they belong to.
///
/// Takes 22 050 Hz mono in pieces of any size; what it says never depends on how the signal was cut. Between
/// songs and gaps nothing is allocated.
public final class Tagger {
    public let tags: [String]
    /// Tags of songs: a classifier may have its own.
    public let songTags: [String]
    /// Tells nanoseconds, to measure by what songs cost; nil: nothing is measured.
    public var clock: (() -> Int64)?
    /// What songs have cost so far.
    public internal(set) var songCost = SongCost()
    /// Samples heard.
    public internal(set) var position: Int64 = 0
    public private(set) var settings: TaggerSettings
    /// What the nets compute in.
    public let precision: Precision

    /// What may be asked of the nets, from the settings' own hops to the least: `OverloadLevel`.
    public private(set) lazy var levels = OverloadLevel.all(nets, settings: settings)
    /// Which of `levels` holds.
    public private(set) var level = 0
    /// Stream position behind the last gap: a net's windows end at `origin` + window + j · hop, whenever its engine began.
    public internal(set) var origin: Int64 = 0

    private let nets: [PackedNet]
    private(set) var engines: [any WindowEngine]
    let threads: EngineThreads
    /// Stream position of each engine's sample 0; may lie ahead.
    var starts: [Int64]
    var silence: SilenceDetector
    var song: SongTracker
    let aggregator: SongAggregator
    /// nil where songs aren't cut by it.
    var novelty: NoveltyDetector?
    /// Stream position at which the oldest block not yet taken from `silence` began.
    var blockStart: Int64 = 0
    /// Where the classifier is next due.
    var classifierDue: Int64 = 0
    var report: TagReport
    /// Windows ready in each engine, and how many of them have been reported.
    private var ready: [Int]
    private var reported: [Int]

    /// Most samples taken at once; bounds what waits between the parts.
    private static let slice = 1 << 16

    /// - Throws: `TaggerError` when a setting is out of range or names a net that the model hasn't.
    public init(model: Model, settings: TaggerSettings = TaggerSettings()) throws(TaggerError) {
        try settings.validate(for: model)
        self.settings = settings
        tags = model.tags
        songTags = model.songTags
        precision = settings.precision ?? model.usualPrecision
        do throws(QuantisationError) { nets = try model.packed(precision) } catch {
            throw TaggerError(description: "precision \(precision.rawValue): \(error)")
        }
        engines = nets.map { makeEngine($0, hop: settings.hop(of: $0.shape.name), settings: settings) }
        starts = [Int64](repeating: 0, count: nets.count)
        threads = EngineThreads(engines: nets.count, threads: settings.threads)
        threads.use(engines)
        if settings.songBoundaries == .novelty {
            let expected = model.nets.map { net in net.float.map { ExpectedFeatures($0) } }
            novelty = NoveltyDetector(shapes: nets.map(\.shape), expected: expected)
        } else {
            novelty = nil
        }
        aggregator = SongAggregator(
            shapes: nets.map(\.shape), tags: tags.count, classifier: model.songClassifier,
            reach: novelty?.reach)
        silence = SilenceDetector(level: settings.silenceLevel, capacity: Self.slice)
        let seconds = settings.songBoundaries == .off ? 0 : settings.silenceDuration
        song = SongTracker(silence: seconds > 0 ? Int64((seconds * Double(Model.sampleRate)).rounded()) : nil)
        report = TagReport(tags: tags.count, songTags: songTags.count, nets: nets.count)
        ready = [Int](repeating: 0, count: nets.count)
        reported = ready
    }

    /// The playing song's vector so far; nil until every net has a window. Allocates.
    public var songFeatures: [Float]? { aggregator.features }

    /// How each net's engine works, in the model's order; without nets that are left out.
    public var plans: [EnginePlan] { engines.compactMap { ($0 as? IncrementalEngine)?.plan } }

    /// The longest hop of any net.
    public var longestHop: Int { engines.reduce(0) { max($0, $1.hop) } }

    /// Hears samples and says all that is due.
    public func feed(_ samples: UnsafeBufferPointer<Float>, emit: (TaggerEvent) -> Void) {
        var rest = samples
        while !rest.isEmpty {
            let (count, completes) = nextPiece(of: rest.count)
            let piece = UnsafeBufferPointer(rebasing: rest[..<count])
            silence.push(piece)
            push(piece)
            rest = UnsafeBufferPointer(rebasing: rest[count...])
            if completes || count == Self.slice { advance(emit) }
        }
        if settings.batch == 1 { advance(emit) }
    }

    /// How many of so many samples may be pushed at once, and whether an engine is then to step.
    func nextPiece(of samples: Int) -> (count: Int, completes: Bool) {
        var count = min(samples, Self.slice)
        var completes = false
        for net in engines.indices {
            let wanted = Int(max(0, starts[net] - position)) + engines[net].samplesWanted
            if wanted <= count {
                count = wanted
                completes = true
            }
        }
        return (count, completes)
    }

    /// The stream's next samples, for every engine those from its start on.
    func push(_ piece: UnsafeBufferPointer<Float>) {
        for net in engines.indices {
            let early = Int(min(Int64(piece.count), max(0, starts[net] - position)))
            engines[net].push(UnsafeBufferPointer(rebasing: piece[early...]))
        }
        position += Int64(piece.count)
    }

    /// Samples were lost here: no window spans the place. The song goes on.
    public func gap() {
        for engine in engines { engine.reset() }
        silence.reset()
        origin = position
        for net in starts.indices { starts[net] = position }
        blockStart = position
        song.gap(at: position)
        for net in nets.indices { report.nets[net].end = 0 }
    }

    /// The input has ended: says what is due and ends the song. The next sample begins another, at position 0.
    public func finish(emit: (TaggerEvent) -> Void) {
        advance(emit)
        change(song.finish(at: position), at: position, emit)
        position = 0
        classifierDue = 0
        let silence = song.silence
        song = SongTracker(silence: silence)
        gap()
        aggregator.clear()
        classifierDue = 0
        report.songWindows = 0
        novelty?.reset()
    }

    /// Works at another of `levels` from here on. Windows start anew where they would stand at this level since the last gap;
    /// songs go on. Allocates.
    public func use(level: Int) {
        precondition(levels.indices.contains(level))
        self.level = level
        engines = nets.indices.map { net in
            levels[level].hops[net].map { makeEngine(nets[net], hop: $0, settings: settings) }
                ?? LeftOutEngine(shape: nets[net].shape)
        }
        threads.use(engines)
        aggregator.inUse = levels[level].hops.map { $0 != nil }
        for net in nets.indices {
            starts[net] = start(of: net, from: position)
            report.nets[net].end = 0
        }
    }

    /// The first place at or behind `position` at which a window of the net begins.
    func start(of net: Int, from position: Int64) -> Int64 {
        let hop = Int64(max(1, engines[net].hop))
        return origin + max(0, position - origin + hop - 1) / hop * hop
    }

    /// Names of the nets that aren't left out.
    public var netsInUse: [String] { zip(nets, levels[level].hops).compactMap { $1 == nil ? nil : $0.shape.name } }

    // MARK: Windows and blocks in the stream's order

    private func advance(_ emit: (TaggerEvent) -> Void) {
        let windows = threads.step()
        for net in engines.indices {
            ready[net] = windows[net]
            reported[net] = 0
        }
        while true {
            var end = Int64.max
            for net in engines.indices where reported[net] < ready[net] {
                end = min(end, starts[net] + Int64(engines[net].result(reported[net]).end))
            }
            takeBlocks(upTo: min(end, position), emit)
            guard end != Int64.max else { return }
            let started = novelty == nil ? 0 : clock?() ?? 0
            cutSongs(before: end, emit)
            if novelty != nil { songCost.novelty += (clock?() ?? 0) - started }
            collect(endingAt: end)
            emit(.tags(report))
        }
    }

    /// Measured blocks that ended at or before `limit`.
    private func takeBlocks(upTo limit: Int64, _ emit: (TaggerEvent) -> Void) {
        let block = Int64(SilenceDetector.block)
        while blockStart + block <= limit, let loud = silence.take() {
            blockStart += block
            change(song.block(loud: loud, endingAt: blockStart), at: blockStart, emit)
        }
    }

    private func change(_ change: SongTracker.Change, at position: Int64, _ emit: (TaggerEvent) -> Void) {
        switch change {
        case .none: break
        case .pauseEnded: aggregator.silenceWasAPause()
        case .songBegan:
            aggregator.clear()
            classifierDue = 0
        case .songEnded(let start, let end):
            let known = aggregator.probabilities(into: &report.song)
            emit(.song(SongReport(start: start, end: end, song: known ? report.song : nil)))
            aggregator.clear()
            report.songWindows = 0
        }
    }

    /// Ends the playing song where the music is found to have become another: some seconds back.
    private func cutSongs(before end: Int64, _ emit: (TaggerEvent) -> Void) {
        guard let novelty else { return }
        while let boundary = novelty.boundary(before: end, songStart: song.isPlaying ? song.start : nil) {
            // In a silence that began right behind the boundary nobody knows yet whether there is a next song.
            guard song.lastSound - boundary >= novelty.longestWindow else { continue }
            let block = boundary / Int64(NoveltyDetector.block)
            let ended = song.cut(at: boundary)
            aggregator.end(atBlock: block)
            let known = aggregator.probabilities(into: &report.song)
            emit(.song(SongReport(start: ended.start, end: ended.end, song: known ? report.song : nil)))
            aggregator.begin(atBlock: block)
            classifierDue = 0
        }
    }

    /// Fills the report for the windows that end at `end`.
    private func collect(endingAt end: Int64) {
        var measured: Int64 = 0
        for net in engines.indices where reported[net] < ready[net] {
            let result = engines[net].result(reported[net])
            guard starts[net] + Int64(result.end) == end else { continue }
            reported[net] += 1
            note(result, of: net, endingAt: end)
            // A song's windows lie wholly inside it, as they do when features are extracted from a file.
            if song.isPlaying, end - Int64(engines[net].shape.window) >= song.start {
                let started = clock?() ?? 0
                aggregator.add(result, net: net, endingAt: end, inSilence: song.isSilent(at: end))
                measured += (clock?() ?? 0) - started
            }
            if let novelty {
                let started = clock?() ?? 0
                novelty.add(result, net: net, endingAt: end)
                songCost.novelty += (clock?() ?? 0) - started
            }
        }
        report.position = end
        report.songStart = song.isPlaying ? song.start : end
        meanOverNets()
        songCost.windows += 1
        songCost.aggregation += measured
        updateSong(at: end)
    }

    /// The net's newest window.
    func note(_ result: WindowResult, of net: Int, endingAt end: Int64) {
        report.nets[net].end = end
        for tag in tags.indices { report.nets[net].probabilities[tag] = result.probabilities[tag] }
    }

    private func meanOverNets() {
        var heard: Float = 0
        for tag in tags.indices { report.window[tag] = 0 }
        for net in report.nets.indices where report.nets[net].end > 0 {
            heard += 1
            for tag in tags.indices { report.window[tag] += report.nets[net].probabilities[tag] }
        }
        for tag in tags.indices { report.window[tag] /= heard }
    }

    private func updateSong(at end: Int64) {
        report.songWindows = aggregator.windows
        if aggregator.usesClassifier {
            guard end >= classifierDue else { return }
            let started = clock?() ?? 0
            guard aggregator.probabilities(into: &report.song) else { return }
            classifierDue = end + Int64(settings.classifierInterval)
            songCost.evaluations += 1
            songCost.classification += (clock?() ?? 0) - started
        } else {
            _ = aggregator.probabilities(into: &report.song)
        }
    }
}

/// What songs cost beside the nets, counted since a tagger was made.
public struct SongCost: Sendable, Equatable {
    /// Reports that were collected.
    public var windows = 0
    /// Nanoseconds that windows took to be added to their song.
    public var aggregation: Int64 = 0
    /// How often the classifier was evaluated.
    public var evaluations = 0
    /// Nanoseconds that this took, mean features included.
    public var classification: Int64 = 0
    /// Nanoseconds that song changes took to be looked for, and songs to be cut there.
    public var novelty: Int64 = 0
}

private func makeEngine(_ net: PackedNet, hop: Int, settings: TaggerSettings) -> any WindowEngine {
    IncrementalEngine(net: net, plan: .cheapest(net, hop: hop, settings: settings))
}
