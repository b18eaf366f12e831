import Core

/// Which of a manifest's files a gallery shows.
enum GalleryChoice {
    /// So many files, as different from each other as they can be by their labels: first the one with the surest label,
    /// then always the one farthest from all that are chosen. In the manifest's order.
    ///
    /// - Parameters:
    ///   - files: rows of each file.
    ///   - tags: the manifest's.
    ///   - known: tags that count.
    static func spread(
        _ files: [[Manifest.Row]], tags: [String], known: Set<String>, count: Int
    ) -> [[Manifest.Row]] {
        let places = tags.indices.filter { known.contains(tags[$0]) }
        let labels = files.map { rows in
            places.map { place in rows.reduce(0) { $0 + $1.labels[place] } / Float(rows.count) }
        }
        guard let first = labels.indices.max(by: { (labels[$0].max() ?? 0) < (labels[$1].max() ?? 0) }) else {
            return []
        }
        var chosen = [first]
        var distances = labels.map { distance($0, labels[first]) }
        while chosen.count < min(count, files.count) {
            let rest = labels.indices.filter { !chosen.contains($0) }
            guard let next = rest.max(by: { (distances[$0], $1) < (distances[$1], $0) }) else { break }
            chosen.append(next)
            for index in distances.indices {
                distances[index] = min(distances[index], distance(labels[index], labels[next]))
            }
        }
        return chosen.sorted().map { files[$0] }
    }

    private static func distance(_ a: [Float], _ b: [Float]) -> Float {
        zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
}
