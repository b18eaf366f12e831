/// GTZAN: 1000 excerpts of 30 s in ten genres, with the lists from which its faults were filtered.
///
/// Tzanetakis and Cook, IEEE TSAP 10(5), 2002; lists after Kereliuk, Sturm and Larsen, "Deep learning and music
/// adversaries", IEEE TMM 17(11), 2015.
public enum GTZAN {
    public static let genres = [
        "blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock",
    ]

    /// - Parameter splitLists: folder with `train_filtered.txt`, `valid_filtered.txt` and `test_filtered.txt`, whose
    ///   lines are paths such as `blues/blues.00029.wav`. The sound may also be there as `.au`.
    public static func listing(splitLists: String) throws(DatasetError) -> DatasetListing {
        var sounds: [DatasetListing.Sound] = []
        var seen: Set<String> = []
        for split in Manifest.Split.allCases {
            let list = try TextLines(path: "\(splitLists)/\(split.rawValue)_filtered.txt")
            for (number, path) in list.lines {
                guard let (genre, stem) = parts(path) else {
                    throw .invalid(list.path, line: number, "GENRE/GENRE.00000.wav wanted, \(path) found")
                }
                guard seen.insert(stem).inserted else {
                    throw .invalid(list.path, line: number, "\(path) is listed twice")
                }
                sounds.append(
                    DatasetListing.Sound(
                        name: path, candidates: ["\(stem).wav", "\(stem).au"], split: split, labels: [genre]))
            }
        }
        return DatasetListing(tags: genres, sounds: sounds)
    }

    /// The genre's index, and the path without what says the format.
    private static func parts(_ path: String) -> (genre: Int, stem: String)? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let genre = genres.firstIndex(of: String(parts[0])) else { return nil }
        let fields = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        guard fields.count == 3, fields[0] == parts[0], ["wav", "au"].contains(fields[2]), fields[1].utf8.count == 5,
            fields[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return (genre, "\(parts[0])/\(fields[0]).\(fields[1])")
    }
}
