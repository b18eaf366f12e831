/// Tagtraum's genres of the Million Song Dataset, CD2C: tracks on whose genre two sources agree.
///
/// Schreiber, "Improving genre annotations for the Million Song Dataset", ISMIR 2015.
public enum Tagtraum {
    /// Tracks of the published training list that train; those behind them validate.
    public static let usualTrainCount = 141_372
    /// Of wavetag's own split.
    public static let seed: UInt64 = 2015

    public enum SplitSource: Sendable {
        /// 80 % of each genre train; of the rest one half validates and one tests. The same seed and the same tracks,
        /// in whatever order, give the same split.
        case stratified(seed: UInt64)
        /// The published lists in this folder, `train_list.cP` and `test_list.cP`; so many tracks of the former train.
        case lists(folder: String, trainCount: Int)
    }

    /// - Parameters:
    ///   - annotations: path of `msd_tagtraum_cd2c.cls`: lines of a track, its genre and perhaps a minority's genre,
    ///     which isn't used, with tabs between; `#` begins a comment's line.
    ///   - paths: where tracks' previews are.
    public static func listing(
        annotations: String, paths: TrackPaths, split source: SplitSource = .stratified(seed: seed)
    ) throws(DatasetError) -> DatasetListing {
        let genreOfTrack = try genres(annotations)
        let genres = Set(genreOfTrack.values).sorted()
        let places = Dictionary(uniqueKeysWithValues: genres.enumerated().map { ($1, $0) })

        let tracks: [(track: String, split: Manifest.Split)]
        switch source {
        case .stratified(let seed): tracks = stratified(genreOfTrack, seed: seed)
        case .lists(let folder, let trainCount):
            tracks = try TrackLists(
                train: "\(folder)/train_list.cP", test: "\(folder)/test_list.cP", trainCount: trainCount
            ).tracks
        }
        var sounds: [DatasetListing.Sound] = []
        for (track, split) in tracks {
            guard let genre = genreOfTrack[track], let place = places[genre] else {
                throw DatasetError(.invalid, annotations, "\(track): listed, but without a genre")
            }
            sounds.append(paths.sound(track, split: split, labels: [place]))
        }
        return DatasetListing(tags: genres, sounds: sounds)
    }

    private static func genres(_ path: String) throws(DatasetError) -> [String: String] {
        let list = try TextLines(path: path)
        var genres: [String: String] = [:]
        for (number, line) in list.lines where !line.hasPrefix("#") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard (2...3).contains(fields.count) else {
                throw .invalid(path, line: number, "2 or 3 columns wanted, \(fields.count) found")
            }
            guard TrackLists.isTrack(fields[0]) else {
                throw .invalid(path, line: number, "a track's identifier wanted, \(fields[0]) found")
            }
            if let objection = DatasetListing.objection(toTag: String(fields[1])) {
                throw .invalid(path, line: number, objection)
            }
            guard genres.updateValue(String(fields[1]), forKey: String(fields[0])) == nil else {
                throw .invalid(path, line: number, "\(fields[0]) stands twice")
            }
        }
        guard !genres.isEmpty else { throw .invalid(path, line: 1, "a track wanted, nothing found") }
        return genres
    }

    /// Tracks by genre and then by identifier, each with its side.
    static func stratified(
        _ genreOfTrack: [String: String], seed: UInt64
    ) -> [(track: String, split: Manifest.Split)] {
        var generator = SplitMix64(state: seed)
        var tracks: [(track: String, split: Manifest.Split)] = []
        let byGenre = Dictionary(grouping: genreOfTrack.keys) { genreOfTrack[$0] ?? "" }
        for (_, members) in byGenre.sorted(by: { $0.key < $1.key }) {
            let sorted = members.sorted()
            // Fisher and Yates's shuffle, written out: the standard library's may change, and the split may not.
            var order = Array(sorted.indices)
            for last in stride(from: order.count - 1, to: 0, by: -1) {
                let choice = generator.next().multipliedFullWidth(by: UInt64(last + 1)).high
                order.swapAt(last, Int(choice))
            }
            let trainCount = (order.count * 8 + 5) / 10
            let validCount = (order.count - trainCount) / 2
            var splits = [Manifest.Split](repeating: .test, count: order.count)
            for (rank, member) in order.enumerated() where rank < trainCount + validCount {
                splits[member] = rank < trainCount ? .train : .valid
            }
            tracks += zip(sorted, splits).map { (track: $0, split: $1) }
        }
        return tracks
    }
}
