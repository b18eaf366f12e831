import Testing

@testable import Core

/// A whole split's figures, against scikit-learn's (`Tests/Fixtures/make_split.py`).
@Suite("Split metrics")
struct SplitMetricsTests {
    private func predictions(_ name: String, tags: [String]) throws -> Predictions {
        let scores = try Fixture.tensor("\(name).scores", in: "split")
        let labels = try Fixture.tensor("\(name).labels", in: "split")
        let songs = try Fixture.tensor("\(name).songs", in: "split")
        var predictions = Predictions(tags: tags)
        for (window, song) in songs.enumerated() {
            let range = (window * tags.count)..<((window + 1) * tags.count)
            predictions.add(scores: Array(scores[range]), labels: Array(labels[range]), song: Int(song))
        }
        return predictions
    }

    /// Each is two floats whose sum holds a double.
    private func expected(_ name: String) throws -> [Double] {
        let parts = try Fixture.tensor(name, in: "split").map(Double.init)
        return zip(parts[..<(parts.count / 2)], parts[(parts.count / 2)...]).map { $0 + $1 }
    }

    private func agree(_ found: Double?, _ expected: Double) -> Bool {
        expected < 0 ? found == nil : abs((found ?? .infinity) - expected) < 1e-9
    }

    @Test("Tags by window and by song, each and in the mean; those without positives have no figures and stay out")
    func tags() throws {
        let tags = (0..<7).map { "tag \($0)" }
        let windows = try predictions("tags", tags: tags)
        for (name, set, least) in [("windows", windows, 10), ("by_song", windows.bySong(), 4)] {
            let expected = try expected("tags.\(name)")
            let metrics = set.metrics(positiveFrom: 0.3, leastPositives: least)
            for tag in tags.indices {
                #expect(agree(metrics.tags[tag].rocAUC, expected[tag]), "\(name), \(tags[tag])")
                #expect(agree(metrics.tags[tag].averagePrecision, expected[7 + tag]), "\(name), \(tags[tag])")
            }
            #expect(metrics.tags[5].positives == 0 && metrics.tags[6].positives < least && metrics.tagsCounted == 5)
            #expect(agree(metrics.rocAUC, expected[14]) && agree(metrics.averagePrecision, expected[15]), "\(name)")
        }
    }

    @Test("Genres: accuracy and means, by window and by song")
    func genres() throws {
        let expected = try expected("genres.accuracy")
        let windows = try predictions("genres", tags: (0..<5).map { "genre \($0)" })
        for (place, set) in [windows, windows.bySong()].enumerated() {
            let metrics = set.metrics(positiveFrom: 0.5, leastPositives: 1)
            #expect(metrics.tagsCounted == 5)
            #expect(agree(metrics.accuracy, expected[place]))
            #expect(agree(metrics.rocAUC, expected[2 + place]))
            #expect(agree(metrics.averagePrecision, expected[4 + place]))
        }
    }
}
