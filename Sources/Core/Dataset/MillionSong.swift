/// The Million Song Dataset with Last.fm's tags: 241 889 tracks and the 50 most frequent tags.
///
/// Bertin-Mahieux, Ellis, Whitman and Lamere, "The Million Song Dataset", ISMIR 2011.
public enum MillionSong {
    /// Tracks of the published training list that train; those behind them validate.
    public static let usualTrainCount = 201_680

    /// - Parameters:
    ///   - lists: folder with `filtered_list_train.cP`, `filtered_list_test.cP`, `msd_id_to_tag_vector.cP` and
    ///     `50tagList.txt`.
    ///   - paths: where tracks' previews are.
    ///   - trainCount: so many tracks of the training list train; the rest validates.
    public static func listing(
        lists: String, paths: TrackPaths, trainCount: Int = usualTrainCount
    ) throws(DatasetError) -> DatasetListing {
        let tags = try tagNames("\(lists)/50tagList.txt")
        let sides = try TrackLists(
            train: "\(lists)/filtered_list_train.cP", test: "\(lists)/filtered_list_test.cP", trainCount: trainCount)
        let vectorFile = "\(lists)/msd_id_to_tag_vector.cP"
        let vectors = try PickledData(path: vectorFile).vectors()

        var sounds: [DatasetListing.Sound] = []
        for (track, split) in sides.tracks {
            guard let vector = vectors[track] else {
                throw DatasetError(.invalid, vectorFile, "\(track): no such track")
            }
            guard vector.count == tags.count, vector.allSatisfy({ $0 == 0 || $0 == 1 }) else {
                throw DatasetError(.invalid, vectorFile, "\(track): \(tags.count) numbers wanted, each 0 or 1")
            }
            sounds.append(
                paths.sound(track, split: split, labels: vector.indices.filter { vector[$0] == 1 }))
        }
        return DatasetListing(tags: tags, sounds: sounds)
    }

    private static func tagNames(_ path: String) throws(DatasetError) -> [String] {
        let list = try TextLines(path: path)
        var tags: [String] = []
        for (number, tag) in list.lines {
            if let objection = DatasetListing.objection(toTag: tag) {
                throw .invalid(path, line: number, objection)
            }
            guard !tags.contains(tag) else { throw .invalid(path, line: number, "\(tag): stands twice") }
            tags.append(tag)
        }
        guard !tags.isEmpty else { throw .invalid(path, line: 1, "a tag wanted, nothing found") }
        return tags
    }
}

/// From a track's identifier to its preview's path: track → 7digital's identifier → path.
public struct TrackPaths: Sendable {
    private let identifiers: [String: String]
    private let paths: [String: String]

    /// - Parameter folder: with `MSD_id_to_7D_id.pkl` and `7D_id_to_path.pkl`.
    public init(folder: String) throws(DatasetError) {
        identifiers = try PickledData(path: "\(folder)/MSD_id_to_7D_id.pkl").stringDictionary()
        let file = "\(folder)/7D_id_to_path.pkl"
        paths = try PickledData(path: file).stringDictionary()
        for (identifier, path) in paths {
            if let objection = DatasetListing.objection(toPath: path) {
                throw DatasetError(.invalid, file, "\(identifier): \(objection)")
            }
        }
    }

    /// A track without a path can't be found, and is called by its identifier.
    func sound(_ track: String, split: Manifest.Split, labels: [Int]) -> DatasetListing.Sound {
        let path = identifiers[track].flatMap { paths[$0] }
        return DatasetListing.Sound(
            name: path ?? track, candidates: path.map { [$0] } ?? [], split: split, labels: labels)
    }
}

/// The published pair of lists: one to train and to validate, one to test.
struct TrackLists {
    /// In the lists' order.
    private(set) var tracks: [(track: String, split: Manifest.Split)] = []

    /// - Parameter trainCount: so many tracks of `train` train; the rest validates.
    init(train: String, test: String, trainCount: Int) throws(DatasetError) {
        let trained = try PickledData(path: train).strings()
        guard trained.count >= trainCount else {
            throw DatasetError(.invalid, train, "at least \(trainCount) tracks wanted, \(trained.count) found")
        }
        var seen: Set<String> = []
        for (file, list) in [(train, trained), (test, try PickledData(path: test).strings())] {
            for (index, track) in list.enumerated() {
                guard TrackLists.isTrack(track) else {
                    throw .invalid(file, entry: index + 1, "a track's identifier wanted, \(track) found")
                }
                guard seen.insert(track).inserted else {
                    throw .invalid(file, entry: index + 1, "\(track) is listed twice")
                }
                tracks.append((track, file == test ? .test : index < trainCount ? .train : .valid))
            }
        }
    }

    /// `TR`, and sixteen capitals and digits.
    static func isTrack(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 18 && text.hasPrefix("TR")
            && text.utf8.allSatisfy {
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
    }
}
