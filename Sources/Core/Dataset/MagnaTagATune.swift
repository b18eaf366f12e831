/// MagnaTagATune, as published: 25 863 clips of 29 s with 188 tags.
///
/// Law, West, Mandel, Bay and Downie, "Evaluation of algorithms using games: the case of music tagging", ISMIR 2009.
public enum MagnaTagATune {
    /// Tags that the papers train on: the most frequent ones.
    public static let usualTagCount = 50

    /// - Parameters:
    ///   - annotations: path of `annotations_final.csv`.
    ///   - clipInfo: path of `clip_info_final.csv`, against which paths are checked; nil: unchecked.
    ///   - splitLists: folder with `train_list_pub.cP`, `valid_list_pub.cP` and `test_list_pub.cP`; only their clips
    ///     are listed. Nil: the published folders, 0 to b, c, and d to f, and every clip.
    ///   - tagCount: so many of the tags, the most frequent ones over all annotations, most frequent first; of equally
    ///     frequent ones the first column.
    public static func listing(
        annotations: String, clipInfo: String?, splitLists: String?, tagCount: Int = usualTagCount
    ) throws(DatasetError) -> DatasetListing {
        let table = try Annotations(path: annotations)
        guard table.tags.count >= tagCount else {
            throw .invalid(annotations, line: 1, "at least \(tagCount) tags wanted, \(table.tags.count) found")
        }
        if let clipInfo { try check(table, against: clipInfo) }

        let chosen = table.mostFrequent(tagCount)
        var places = [Int?](repeating: nil, count: table.tags.count)
        for (place, column) in chosen.enumerated() { places[column] = place }
        func sound(_ clip: Annotations.Clip, _ split: Manifest.Split) -> DatasetListing.Sound {
            DatasetListing.Sound(
                name: clip.path, candidates: [clip.path], split: split,
                labels: clip.columns.compactMap { places[$0] }.sorted())
        }

        var sounds: [DatasetListing.Sound] = []
        if let splitLists {
            var seen: Set<String> = []
            for split in Manifest.Split.allCases {
                let list = "\(splitLists)/\(split.rawValue)_list_pub.cP"
                for (index, entry) in try PickledData(path: list).strings().enumerated() {
                    // The lists name the authors' own decoded copies.
                    guard entry.hasSuffix(".npy") else {
                        throw .invalid(list, entry: index + 1, "a path that ends in .npy wanted, \(entry) found")
                    }
                    let path = entry.dropLast(4) + ".mp3"
                    guard let clip = table.clip(path: String(path)) else {
                        throw .invalid(list, entry: index + 1, "\(path) isn't in \(annotations)")
                    }
                    guard seen.insert(clip.path).inserted else {
                        throw .invalid(list, entry: index + 1, "\(path) is listed twice")
                    }
                    sounds.append(sound(clip, split))
                }
            }
        } else {
            for clip in table.clips {
                guard let split = split(ofPath: clip.path) else {
                    throw .invalid(
                        annotations, line: clip.line, "mp3_path: a folder from 0 to f wanted, \(clip.path) found")
                }
                sounds.append(sound(clip, split))
            }
        }
        return DatasetListing(tags: chosen.map { table.tags[$0] }, sounds: sounds)
    }

    /// The published folders' side: 0 to b train, c valid, d to f test.
    static func split(ofPath path: String) -> Manifest.Split? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 1, let folder = parts[0].utf8.first else { return nil }
        return switch folder {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a"), UInt8(ascii: "b"): .train
        case UInt8(ascii: "c"): .valid
        case UInt8(ascii: "d")...UInt8(ascii: "f"): .test
        default: nil
        }
    }

    /// Every annotated clip that `clip_info_final.csv` has too is to have the same path there.
    private static func check(_ table: Annotations, against path: String) throws(DatasetError) {
        var text = try DelimitedText(path: path)
        var record = DelimitedText.Record()
        guard try text.read(into: &record) else { throw .invalid(path, line: 1, "a header wanted, nothing found") }
        let names = (0..<record.count).map { record.text($0) }
        guard let identifier = names.firstIndex(of: "clip_id") else {
            throw .invalid(path, line: 1, "clip_id: no such column")
        }
        guard let mp3Path = names.firstIndex(of: "mp3_path") else {
            throw .invalid(path, line: 1, "mp3_path: no such column")
        }
        while try text.read(into: &record) {
            guard record.count == names.count else {
                throw .invalid(path, line: record.line, "\(names.count) columns wanted, \(record.count) found")
            }
            // Clips that could not be cut have no path.
            guard let clip = table.clip(identifier: record[identifier]), !record[mp3Path].isEmpty else { continue }
            guard record[mp3Path].elementsEqual(clip.path.utf8) else {
                let found = String(decoding: record[mp3Path], as: UTF8.self)
                throw .invalid(path, line: record.line, "mp3_path: \(clip.path) wanted, \(found) found")
            }
        }
    }
}

/// `annotations_final.csv`: `clip_id`, one column a tag with 0 or 1, `mp3_path`.
private struct Annotations {
    struct Clip {
        let path: String
        /// Columns of the tags that it has, counted from the first tag, ascending.
        let columns: [Int]
        let line: Int
    }

    let tags: [String]
    private(set) var clips: [Clip] = []
    private var placesByPath: [String: Int] = [:]
    private var placesByIdentifier: [[UInt8]: Int] = [:]

    init(path: String) throws(DatasetError) {
        var text = try DelimitedText(path: path)
        var record = DelimitedText.Record()
        guard try text.read(into: &record) else { throw .invalid(path, line: 1, "a header wanted, nothing found") }
        let last = record.count - 1
        guard last > 1, record.text(0) == "clip_id", record.text(last) == "mp3_path" else {
            throw .invalid(path, line: record.line, "a header from clip_id over tags to mp3_path wanted")
        }
        tags = try Self.tags(record, path: path)
        while try text.read(into: &record) {
            func invalid(_ reason: String) -> DatasetError { .invalid(path, line: record.line, reason) }
            guard record.count == last + 1 else { throw invalid("\(last + 1) columns wanted, \(record.count) found") }
            guard let mp3Path = record.text(last) else { throw invalid("mp3_path: not UTF-8") }
            if let objection = DatasetListing.objection(toPath: mp3Path) { throw invalid("mp3_path: \(objection)") }
            var columns: [Int] = []
            for column in 0..<tags.count {
                let field = record[column + 1]
                guard field.count == 1, let digit = field.first, [UInt8(ascii: "0"), UInt8(ascii: "1")].contains(digit)
                else {
                    let found = String(decoding: field, as: UTF8.self)
                    throw invalid("\(tags[column]): 0 or 1 wanted, \(found.isEmpty ? "nothing" : found) found")
                }
                if digit == UInt8(ascii: "1") { columns.append(column) }
            }
            guard placesByPath.updateValue(clips.count, forKey: mp3Path) == nil else {
                throw invalid("mp3_path: \(mp3Path) stands twice")
            }
            guard placesByIdentifier.updateValue(clips.count, forKey: Array(record[0])) == nil else {
                throw invalid("clip_id: \(String(decoding: record[0], as: UTF8.self)) stands twice")
            }
            clips.append(Clip(path: mp3Path, columns: columns, line: record.line))
        }
    }

    func clip(path: String) -> Clip? { placesByPath[path].map { clips[$0] } }

    func clip(identifier: ArraySlice<UInt8>) -> Clip? { placesByIdentifier[Array(identifier)].map { clips[$0] } }

    /// Columns of the most frequent tags, most frequent first.
    func mostFrequent(_ count: Int) -> [Int] {
        var frequencies = [Int](repeating: 0, count: tags.count)
        for clip in clips { for column in clip.columns { frequencies[column] += 1 } }
        return Array(tags.indices.sorted { (-frequencies[$0], $0) < (-frequencies[$1], $1) }.prefix(count))
    }

    private static func tags(_ header: DelimitedText.Record, path: String) throws(DatasetError) -> [String] {
        var tags: [String] = []
        var seen: Set<String> = []
        for column in 1..<(header.count - 1) {
            guard let tag = header.text(column) else { throw .invalid(path, line: header.line, "not UTF-8") }
            if let objection = DatasetListing.objection(toTag: tag) {
                throw .invalid(path, line: header.line, objection)
            }
            guard seen.insert(tag).inserted else { throw .invalid(path, line: header.line, "\(tag): stands twice") }
            tags.append(tag)
        }
        return tags
    }
}
