import Core
import Foundation

@testable import Daemon

/// Reports of made-up predictions: the same in every run, and with everything in them that can stand in one.
enum SampleReport {
    static let tags = [
        "piano", "techno", "<b>drum & bass</b>", "a tag of more letters than a plot has room for", "silent",
    ]
    static let hostileName = "a folder/\"><script>alert(1)</script>\u{1}&amp;\u{FFFE}.flac"

    /// 40 songs of 7 windows. The likelier a tag, the oftener it is labelled; the last tag never is.
    static func predictions(_ output: OutputFunction) -> Predictions {
        var generator = SplitMix64(state: 11)
        func uniform() -> Float { (generator.nextUniform() + 1) / 2 }
        var predictions = Predictions(tags: tags)
        for song in 0..<40 {
            let genre = song % 4
            for window in 0..<7 {
                var scores = tags.indices.map { _ in uniform() }
                scores[genre] += 0.5
                let sum = scores.reduce(0, +)
                var labels = [Float](repeating: 0, count: tags.count)
                if output == .softmax {
                    labels[genre] = 1
                    scores = scores.map { $0 / sum }
                } else {
                    scores = scores.map { min(1, $0 / 1.5) }
                    for tag in 0..<4 { labels[tag] = uniform() < scores[tag] ? 1 : 0 }
                }
                predictions.add(scores: scores, labels: labels, song: song, start: Double(window) * 2.678)
            }
        }
        return predictions
    }

    /// 24 epochs at five rates; in one, the loss has left the numbers.
    static let epochs = (1...24).map { number -> EpochRecord in
        let rates = [0.01, 0.002, 0.0004, 0.00008, 0.000016]
        let stage = (number - 1) / 5
        let left = 1 / Double(number)
        let isLost = number == 9
        return EpochRecord(
            epoch: number, stage: stage, learningRate: rates[stage], trainLoss: 0.1 + 0.3 * left,
            validLoss: isLost ? .nan : 0.15 + 0.25 * left, validROCAUC: isLost ? nil : 0.9 - 0.3 * left,
            segments: 1000, seconds: 12.5, isBest: !isLost)
    }

    static func report(_ output: OutputFunction, epochs: [EpochRecord] = epochs) -> TrainingReport {
        TrainingReport(
            title: "<i>sample</i> & more", summary: ["3^9 \"narrow\"", "data: a < b"], epochs: epochs, split: .valid,
            predictions: predictions(output),
            songs: (0..<40).map { $0 == 3 ? hostileName : "folder/song \($0).flac" }, output: output,
            criteria: .init(positiveFrom: 0.5, leastWindows: 1, leastSongs: 1))
    }

    /// All that a report can be, by a name for messages.
    static func all() -> [(name: String, report: TrainingReport)] {
        let empty = TrainingReport(
            title: "nothing", summary: [], epochs: [], split: .test, predictions: Predictions(tags: ["a"]), songs: [],
            output: .sigmoid, criteria: .init())
        return [
            ("tags", report(.sigmoid)), ("genres", report(.softmax)), ("evaluation", report(.sigmoid, epochs: [])),
            ("one epoch", report(.sigmoid, epochs: [epochs[8]])), ("nothing", empty),
        ]
    }
}
