/// When less is asked of the nets on a machine that can't keep up (`OverloadLevel`), and when more again. Knows no clock
/// and no nets: times and costs are told, so that the rule can be tested by itself.
///
/// - **Less**, a level at a time: sound has waited for longer than `patience`, and at the next look, a second later, no
///   less of it does. So neither one late turn is an overload nor a burst, and a new level has time to catch up.
/// - **More**, a level at a time: for `calm` seconds of sound nothing waited for long, and what the engine was busy then
///   says that the level before would have been busy for less than `goodLoad` of the time.
/// - Where that proves wrong within `trial` seconds of sound, twice as long a calm is wanted the next time, up to
///   `longestCalm`; where it doesn't, the usual one again.
struct OverloadRule {
    enum Verdict: Equatable {
        case stay
        /// `level` has become one more.
        case less
        /// `level` has become one less.
        case more
    }

    /// Seconds of sound that may wait.
    static let patience = 0.5
    /// Seconds between two looks.
    static let interval = 1.0
    /// Seconds of sound by which a backlog must shrink between two looks to count as caught up with.
    static let shrinking = 0.05
    /// Seconds of sound.
    static let shortestCalm = 10.0
    static let longestCalm = 640.0
    static let trial = 30.0
    /// Part of the time.
    static let goodLoad = 0.7

    private(set) var level = 0
    /// What is wanted before the next step back, seconds of sound.
    private(set) var calm = OverloadRule.shortestCalm
    /// What each level costs, in any unit.
    private var costs: [Double]
    private var lastLook: Double?
    /// How much waited at the last look; nil where that was little.
    private var waited: Double?
    /// Where nothing waited any more: seconds of sound, and seconds busy by then.
    private var calmSince: (heard: Double, busy: Double)?
    /// Where more was asked again, while it isn't known whether that was right; seconds of sound.
    private var returned: Double?

    /// - Parameter costs: of each level, the settings' own first.
    init(costs: [Double]) {
        precondition(!costs.isEmpty)
        self.costs = costs
    }

    /// Takes a look, once a second at most.
    ///
    /// - Parameters:
    ///   - time: seconds that never go back.
    ///   - heard: seconds of sound heard so far.
    ///   - busy: seconds that hearing it took.
    ///   - backlog: seconds of sound that wait.
    mutating func judge(time: Double, heard: Double, busy: Double, backlog: Double) -> Verdict {
        if let last = lastLook, time - last < Self.interval { return .stay }
        lastLook = time
        if backlog > Self.patience {
            calmSince = nil
            defer { waited = backlog }
            guard let before = waited, backlog > before - Self.shrinking, level + 1 < costs.count else { return .stay }
            if let place = returned, heard - place < Self.trial { calm = min(2 * calm, Self.longestCalm) }
            returned = nil
            level += 1
            return .less
        }
        waited = nil
        if let place = returned, heard - place >= Self.trial {
            calm = Self.shortestCalm
            returned = nil
        }
        guard let since = calmSince, heard >= since.heard else {
            calmSince = (heard, busy)
            return .stay
        }
        guard level > 0, heard - since.heard >= calm else { return .stay }
        let load = (busy - since.busy) / (heard - since.heard)
        calmSince = (heard, busy)
        guard load * costs[level - 1] / costs[level] < Self.goodLoad else { return .stay }
        level -= 1
        returned = heard
        return .more
    }

    /// Other nets from here on, at the level that holds, as far as they have it.
    mutating func use(costs: [Double]) {
        precondition(!costs.isEmpty)
        self.costs = costs
        level = min(level, costs.count - 1)
        calmSince = nil
    }
}
