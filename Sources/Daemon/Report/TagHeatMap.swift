import Core

/// A sound's tags over time as a heat map below its waveform: a row a tag, the darker the likelier, in colour where it
/// counts as heard; a thin line below each row is what is labelled.
struct TagHeatMap {
    private let song: GallerySong
    /// By tag.
    private let thresholds: [String: Float]
    /// Indices of the tags shown, in order.
    let rows: [Int]

    private static let waveform = 58.0
    private static let row = 24.0
    private static let shades = 16.0
    static let margins = (wide: (left: 116.0, right: 44.0), narrow: (left: 92.0, right: 38.0))

    /// - Parameter positiveFrom: a label this large or larger is shown whatever the model says.
    init(_ song: GallerySong, thresholds: [String: Float], positiveFrom: Float, most: Int = 9) {
        self.song = song
        self.thresholds = thresholds
        let means = song.tags.indices.map { tag in
            song.probabilities.reduce(0) { $0 + $1[tag] } / Float(max(1, song.probabilities.count))
        }
        let heard = song.tags.map { tag in thresholds[tag] ?? Model.usualThreshold }
        func isHeard(_ tag: Int) -> Bool { song.probabilities.contains { $0[tag] >= heard[tag] } }
        func importance(_ tag: Int) -> Float {
            let label = song.label(song.tags[tag]) ?? 0
            return means[tag] + (label >= positiveFrom ? 2 + label : isHeard(tag) ? 1 : 0)
        }
        let order = song.tags.indices.sorted { (importance($1), $0) < (importance($0), $1) }
        // What neither the model nor the labels find worth a mention says nothing, but a map of one row looks lost.
        func isFaint(_ tag: Int) -> Bool {
            (song.label(song.tags[tag]) ?? 0) < 0.15 && !song.probabilities.contains { $0[tag] >= 0.15 }
        }
        rows = order.prefix(most).enumerated().filter { $0.offset < 4 || !isFaint($0.element) }.map(\.element)
            .sorted { (means[$1], $0) < (means[$0], $1) }
    }

    func write(to section: inout Markup) {
        section.element("div", ["class": "heat"]) { heat in
            heat.append(plot(width: 760, Self.margins.wide).svg(class: "plot wide"))
            heat.append(plot(width: 360, Self.margins.narrow).svg(class: "plot narrow"))
        }
    }

    /// Places are pixels downwards from the waveform's top, and seconds.
    private func plot(width: Double, _ sides: (left: Double, right: Double)) -> Plot {
        let height = Self.waveform + 8 + Double(rows.count) * Self.row
        let names = rows.map { song.tags[$0] }.joined(separator: ", ")
        var plot = Plot(
            title: "Waveform and tags over \(fixed(song.seconds, 0)) seconds; the likeliest first: \(names).",
            width: width, height: height + 30,
            margins: .init(top: 8, right: sides.right, bottom: 22, left: sides.left), x: (0, song.seconds),
            y: (height, 0))
        let ticks = plot.x.ticks(width > 500 ? 6 : 3).filter { $0.value == $0.value.rounded() }
        for tick in ticks {
            plot.rule(x: tick.value, .grid)
            plot.text("\(Int(tick.value)) s", x: tick.value, y: height, down: 15, .middle)
        }
        plot.text(
            width > 500 ? "labelled" : "label", x: song.seconds, y: Self.waveform + 8, right: sides.right, down: -8,
            .end)
        waveform(on: &plot)
        for (place, tag) in rows.enumerated() {
            row(tag, top: Self.waveform + 8 + Double(place) * Self.row, width, sides, on: &plot)
        }
        // Where playing has come; the page's script moves it.
        plot.segment(from: CurvePoint(x: 0, y: 0), to: CurvePoint(x: 0, y: height), .playhead)
        return plot
    }

    private func waveform(on plot: inout Plot) {
        let loudest = song.envelope.reduce(Float(0)) { max($0, -$1.lowerBound, $1.upperBound) }
        let scale = Self.waveform / 2 / Double(max(loudest, 0.02))
        plot.strokes(
            song.envelope.enumerated().map { column, range in
                let x = (Double(column) + 0.5) * columnWidth
                let low = Self.waveform / 2 - Double(range.lowerBound) * scale
                // A silence is a line.
                let high = min(low - 1, Self.waveform / 2 - Double(range.upperBound) * scale)
                return (CurvePoint(x: x, y: high), CurvePoint(x: x, y: low))
            }, .wave)
    }

    private var columnWidth: Double { song.seconds / Double(max(1, song.envelope.count)) }

    private func row(
        _ tag: Int, top: Double, _ width: Double, _ sides: (left: Double, right: Double), on plot: inout Plot
    ) {
        let name = song.tags[tag]
        let threshold = thresholds[name] ?? Model.usualThreshold
        let isHeard = song.probabilities.contains { $0[tag] >= threshold }
        plot.text(
            shortened(name, to: width > 500 ? 16 : 12), x: 0, y: top, right: -8, down: 12, .end,
            isHeard ? .plain : .muted)
        // Runs of one shade, by shade.
        var runs: [Int: [(CurvePoint, CurvePoint)]] = [:]
        var begin = 0
        func shade(_ column: Int) -> Int {
            let probability = song.probabilities[column][tag]
            let step = Int((Double(probability) * Self.shades).rounded())
            return probability >= threshold ? max(1, step) : -step
        }
        for column in song.probabilities.indices
        where column + 1 == song.probabilities.count || shade(column + 1) != shade(begin) {
            let places = [begin, column + 1].map { CurvePoint(x: Double($0) * columnWidth, y: top + 8) }
            runs[shade(begin), default: []].append((places[0], places[1]))
            begin = column + 1
        }
        plot.strokes([(CurvePoint(x: 0, y: top + 8), CurvePoint(x: song.seconds, y: top + 8))], .cellFloor)
        for (shade, pieces) in runs.sorted(by: { $0.key < $1.key }) where shade != 0 {
            // A tag that is just heard must still be seen.
            let share = Double(abs(shade)) / Self.shades
            plot.strokes(pieces, shade > 0 ? .cell : .paleCell, opacity: shade > 0 ? 0.25 + 0.75 * share : 0.8 * share)
        }
        label(name, top: top, sides, on: &plot)
    }

    private func label(_ name: String, top: Double, _ sides: (left: Double, right: Double), on plot: inout Plot) {
        var lanes: [Int: [(CurvePoint, CurvePoint)]] = [:]
        for stretch in song.labels {
            let shade = Int((Double(stretch.values[name] ?? 0) * Self.shades).rounded())
            guard shade > 0 else { continue }
            let y = top + 18
            // Stretches that follow each other are one.
            var from = CurvePoint(x: stretch.from, y: y)
            if let last = lanes[shade]?.last, abs(last.1.x - stretch.from) < 0.01 {
                from = last.0
                lanes[shade]?.removeLast()
            }
            lanes[shade, default: []].append((from, CurvePoint(x: stretch.to, y: y)))
        }
        for (shade, pieces) in lanes.sorted(by: { $0.key < $1.key }) {
            plot.strokes(pieces, .lane, opacity: Double(shade) / Self.shades)
        }
        guard let label = song.label(name) else { return }
        plot.text(fixed(Double(label), 2), x: song.seconds, y: top, right: sides.right, down: 12, .end, .muted)
    }
}
