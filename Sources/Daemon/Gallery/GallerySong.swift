import Core
import Streaming
import Synchronization

/// One sound of a gallery: what a model says of an excerpt, moment by moment, beside what is labelled.
struct GallerySong: Sendable {
    /// As the manifest has it.
    let path: String
    /// Seconds into the file, and of the excerpt.
    let start: Double
    let seconds: Double
    /// [columns]: lowest and highest sample.
    let envelope: [ClosedRange<Float>]
    let tags: [String]
    /// [columns][tags].
    let probabilities: [[Float]]
    /// Song tags, and what they come to over the excerpt; empty where it was too short.
    let song: [(tag: String, probability: Float)]
    /// Labelled stretches, in seconds of the excerpt.
    let labels: [Stretch]
    /// 22 050 Hz.
    let samples: [Float]

    struct Stretch: Sendable {
        let from: Double
        let to: Double
        /// By tag.
        let values: [String: Float]
    }

    /// Of a tag over the excerpt; nil where it is labelled nowhere.
    func label(_ tag: String) -> Float? {
        var (sum, length) = (0.0, 0.0)
        for stretch in labels {
            guard let value = stretch.values[tag] else { continue }
            sum += Double(value) * (stretch.to - stretch.from)
            length += stretch.to - stretch.from
        }
        return length > 0 ? Float(sum / length) : nil
    }
}

/// Hears excerpts for a gallery.
struct GalleryListening: Sendable {
    let model: Model
    let precision: Precision?
    let manifest: Manifest
    /// Longest excerpt, seconds.
    let seconds: Double

    /// Samples between two columns: about 230 in half a minute, and a multiple of what layers of an m = 3 net share.
    private var hop: Int { max(1, Int((seconds * Double(Model.sampleRate) / 230 / 729).rounded())) * 729 }

    /// Files done, counted by all threads.
    private final class FileCount: Sendable {
        private let value = Atomic(0)
        func next() -> Int { value.add(1, ordering: .relaxed).newValue }
    }

    /// Several, in their order, shared out to threads.
    ///
    /// - Parameters:
    ///   - files: all rows of each.
    ///   - progress: called from any thread with the share of files done.
    func songs(
        _ files: [[Manifest.Row]], threads: Int, progress: @Sendable @escaping (Double) -> Void
    ) async -> [Result<GallerySong, any Error>] {
        let done = FileCount()
        return await withTaskGroup(of: [(Int, Result<GallerySong, any Error>)].self) { group in
            for thread in 0..<min(threads, files.count) {
                group.addTask {
                    stride(from: thread, to: files.count, by: threads).map { index in
                        let song = Result { try self.song(files[index]) }
                        progress(Double(done.next()) / Double(files.count))
                        return (index, song)
                    }
                }
            }
            var all: [(Int, Result<GallerySong, any Error>)] = []
            for await songs in group { all += songs }
            return all.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// - Parameter rows: all of one file.
    /// - Throws: `SoundFileError` where the file can't be read, or is shorter than a window.
    func song(_ rows: [Manifest.Row]) throws -> GallerySong {
        let path = rows[0].path
        let file = manifest.file(of: rows[0])
        let samples = try SoundFile.readMono(path: file)
        let window = model.nets.map(\.shape.window).max() ?? 1
        let rate = Double(Model.sampleRate)
        // The middle of what is labelled.
        let first = Int(rows.map(\.start).min()! * rate)
        let last = rows.map { row in
            row.length.map { min(samples.count, Int((row.start + $0) * rate)) } ?? samples.count
        }
        .max()!
        guard last - first >= window else { throw SoundFileError(.invalid, file, "shorter than a window") }
        let length = min(last - first, max(window, Int(seconds * rate)))
        let begin = first + (last - first - length) / 2
        let excerpt = Array(samples[begin..<(begin + length)])

        // Half a window on either side, where there is any: a column then has its window around it.
        let from = max(0, begin - window / 2)
        let to = min(samples.count, begin + length + window / 2)
        let heard = try hear(Array(samples[from..<to]))
        let columns = max(1, length / hop)
        let width = Double(length) / Double(columns)
        var next = 0
        var probabilities: [[Float]] = []
        for column in 0..<columns {
            let middle = Double(begin - from) + (Double(column) + 0.5) * width
            func distance(_ index: Int) -> Double { abs(Double(heard.reports[index].end - window / 2) - middle) }
            while next + 1 < heard.reports.count, distance(next + 1) <= distance(next) { next += 1 }
            probabilities.append(heard.reports[next].window)
        }
        let offset = Double(begin) / rate
        return GallerySong(
            path: path, start: offset, seconds: Double(length) / rate,
            envelope: (0..<columns).map { column in
                let part = excerpt[Int(Double(column) * width)..<min(length, Int(Double(column + 1) * width))]
                return (part.min() ?? 0)...(part.max() ?? 0)
            },
            tags: model.tags, probabilities: probabilities, song: heard.song,
            labels: rows.sorted { $0.start < $1.start }.compactMap { row in
                let from = max(0, row.start - offset)
                let to = min(Double(length) / rate, (row.length.map { row.start + $0 } ?? .infinity) - offset)
                guard to > from else { return nil }
                return .init(
                    from: from, to: to, values: Dictionary(zip(manifest.tags, row.labels), uniquingKeysWith: max))
            }, samples: excerpt)
    }

    private func hear(
        _ samples: [Float]
    ) throws -> (reports: [(end: Int, window: [Float])], song: [(tag: String, probability: Float)]) {
        var settings = TaggerSettings(hop: hop)
        settings.batch = 16
        settings.precision = precision
        settings.songBoundaries = .off
        let tagger = try Tagger(model: model, settings: settings)
        var reports: [(end: Int, window: [Float])] = []
        var song: [Float] = []
        func take(_ event: TaggerEvent) {
            switch event {
            // Until all nets have heard a window, the mean is another.
            case .tags(let report) where report.nets.allSatisfy({ $0.end > 0 }):
                reports.append((Int(report.position), report.window))
            case .song(let report): song = report.song ?? []
            default: break
            }
        }
        samples.withUnsafeBufferPointer { tagger.feed($0) { take($0) } }
        tagger.finish { take($0) }
        return (reports, zip(tagger.songTags, song).map { ($0, $1) })
    }
}
