/// A window or song about which a model is sure, and wrong.
public struct Mistake: Sendable, Equatable {
    /// Which of the predictions.
    public let index: Int
    public let song: Int
    /// Seconds into the song's file; 0 for a whole song.
    public let start: Double
    /// Which tag.
    public let tag: Int
    public let probability: Float
    public let label: Float
    /// How many more windows of the song are wrong about that tag in the same way.
    public let alike: Int
}

/// Lists of the surest mistakes, the surest first. A song's windows stand for a tag only once, with the worst of them:
/// otherwise one odd song fills the list.
extension Predictions {
    /// Probable, but not labelled.
    ///
    /// - Parameters:
    ///   - positiveFrom: a label this large or larger is a positive.
    ///   - soundsFrom: a probability this large or larger says that the tag is there.
    public func falseAlarms(count: Int, positiveFrom: Float, soundsFrom: Float = 0.5) -> [Mistake] {
        worst(count) { index, tag in
            let score = scores[index][tag]
            return labels[index][tag] < positiveFrom && score >= soundsFrom ? score : nil
        }
    }

    /// Labelled, but not probable.
    public func misses(count: Int, positiveFrom: Float, soundsFrom: Float = 0.5) -> [Mistake] {
        worst(count) { index, tag in
            let score = scores[index][tag]
            return labels[index][tag] >= positiveFrom && score < soundsFrom ? -score : nil
        }
    }

    /// Taken for another genre than the label's, however improbable that is. `tag` is what it was taken for.
    public func confusions(count: Int) -> [Mistake] {
        let taken = scores.map { Self.likeliest($0) }
        let labelled = labels.map { Self.likeliest($0) }
        return worst(count) { index, tag in
            guard taken[index] == tag, let label = labelled[index], label != tag, labels[index][label] > 0 else {
                return nil
            }
            return scores[index][tag]
        }
    }

    /// - Parameter wrong: how wrong a prediction is about a tag; nil where it isn't.
    private func worst(_ count: Int, wrong: (_ index: Int, _ tag: Int) -> Float?) -> [Mistake] {
        struct Place: Hashable { let song, tag: Int }
        var places: [Place: (index: Int, wrong: Float, count: Int)] = [:]
        for index in scores.indices {
            for tag in tags.indices {
                guard let wrong = wrong(index, tag) else { continue }
                let place = Place(song: songs[index], tag: tag)
                var found = places[place] ?? (index, wrong, 0)
                if wrong > found.wrong { (found.index, found.wrong) = (index, wrong) }
                found.count += 1
                places[place] = found
            }
        }
        // Equals in the order of windows and tags: a dictionary has none.
        let sorted = places.sorted {
            ($1.value.wrong, $0.value.index, $0.key.tag) < ($0.value.wrong, $1.value.index, $1.key.tag)
        }
        return sorted.prefix(count).map { place, found in
            Mistake(
                index: found.index, song: place.song, start: starts[found.index], tag: place.tag,
                probability: scores[found.index][place.tag], label: labels[found.index][place.tag],
                alike: found.count - 1)
        }
    }
}
