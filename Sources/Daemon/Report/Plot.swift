import Core

/// A drawing with two axes, as SVG. Places are given in values of the axes; colours come from the page's style sheet
/// by `Style`, so that a drawing is right on light and on dark pages.
struct Plot: Sendable {
    /// What something looks like; a class of the style sheet.
    enum Style: String, Sendable {
        /// The main series, and one beside it.
        case first, second
        /// What stands behind the others.
        case muted
        case grid, dashed
        /// An interval of the main series, or a band.
        case faint
        /// The same of what stands behind.
        case pale
        /// Words as dark as the page's.
        case plain
        /// Cells of a heat map: what stands out, what doesn't, and what is behind them; and a thin line beside.
        case cell, paleCell, cellFloor, lane
        /// A waveform.
        case wave
        /// Where playing has come.
        case playhead
    }

    enum Anchor: String, Sendable {
        case start, middle, end
    }

    struct Margins: Sendable {
        var top = 8.0
        var right = 12.0
        var bottom = 24.0
        var left = 36.0
    }

    let width: Double
    let height: Double
    let margins: Margins
    let x: LinearScale
    let y: LinearScale
    private let title: String
    private var marks = Markup()

    /// - Parameters:
    ///   - title: what it shows, for those who don't see it.
    ///   - x: low and high.
    init(
        title: String, width: Double, height: Double, margins: Margins = Margins(),
        x: (low: Double, high: Double), y: (low: Double, high: Double)
    ) {
        self.title = title
        self.width = width
        self.height = height
        self.margins = margins
        self.x = LinearScale(x.low, x.high, from: margins.left, to: width - margins.right)
        self.y = LinearScale(y.low, y.high, from: height - margins.bottom, to: margins.top)
    }

    /// The element.
    ///
    /// - Parameter style: classes.
    func svg(class style: String = "plot") -> Markup {
        var svg = Markup()
        svg.element(
            "svg",
            [
                "class": style, "role": "img", "aria-label": title,
                "viewBox": "0 0 \(fixed(width, 0)) \(fixed(height, 0))",
            ]
        ) { $0.append(marks) }
        return svg
    }

    // MARK: Axes

    /// Numbers below, with lines upwards.
    mutating func xAxis(_ ticks: [LinearScale.Tick], label: String? = nil) {
        for tick in ticks {
            rule(x: tick.value, .grid)
            text(tick.text, x: tick.value, y: y.domain.low, down: 15, .middle)
        }
        if let label { text(label, x: x.domain.high, y: y.domain.low, down: 28, .end) }
    }

    /// Numbers on the left, with lines to the right.
    mutating func yAxis(_ ticks: [LinearScale.Tick], label: String? = nil) {
        for tick in ticks {
            rule(y: tick.value, .grid)
            text(tick.text, x: x.domain.low, y: tick.value, right: -6, down: 4, .end)
        }
        if let label { text(label, x: x.domain.low, y: y.domain.high, right: -margins.left, down: -10, .start) }
    }

    // MARK: Marks

    /// Whole height.
    mutating func rule(x value: Double, _ style: Style) {
        segment(from: CurvePoint(x: value, y: y.domain.low), to: CurvePoint(x: value, y: y.domain.high), style)
    }

    /// Whole width.
    mutating func rule(y value: Double, _ style: Style) {
        segment(from: CurvePoint(x: x.domain.low, y: value), to: CurvePoint(x: x.domain.high, y: value), style)
    }

    mutating func segment(from: CurvePoint, to: CurvePoint, _ style: Style) {
        marks.empty("path", ["class": style.rawValue, "d": "M\(place(from))L\(place(to))"])
    }

    /// Straight pieces that don't touch, as one path.
    ///
    /// - Parameter opacity: 0 to 1; nil: the style's.
    mutating func strokes(_ pieces: [(from: CurvePoint, to: CurvePoint)], _ style: Style, opacity: Double? = nil) {
        let path = pieces.map { "M\(place($0.from))L\(place($0.to))" }.joined()
        guard !path.isEmpty else { return }
        if let opacity {
            marks.empty("path", ["class": style.rawValue, "stroke-opacity": fixed(opacity, 2), "d": path])
        } else {
            marks.empty("path", ["class": style.rawValue, "d": path])
        }
    }

    /// Straight lines from point to point. Where a point isn't finite there is a gap, and a point between two gaps is a
    /// dot.
    mutating func line(_ points: [CurvePoint], _ style: Style) {
        var path = ""
        for piece in points.split(whereSeparator: { !$0.x.isFinite || !$0.y.isFinite }) {
            path += "M" + piece.map(place).joined(separator: "L")
            if piece.count == 1, let only = piece.first { path += "L\(place(only))" }
        }
        guard !path.isEmpty else { return }
        marks.empty("path", ["class": style.rawValue, "d": path])
    }

    /// - Parameters:
    ///   - radius: pixels.
    ///   - title: what a pointer over it tells.
    mutating func dot(_ point: CurvePoint, radius: Double, _ style: Style, title: String? = nil, hollow: Bool = false) {
        guard point.x.isFinite, point.y.isFinite else { return }
        marks.element(
            "circle",
            [
                "class": hollow ? "\(style.rawValue) hollow" : style.rawValue, "cx": fixed(x(point.x), 1),
                "cy": fixed(y(point.y), 1), "r": fixed(radius, 1),
            ]
        ) { circle in
            if let title { circle.element("title", text: title) }
        }
    }

    /// The whole height between two values.
    mutating func band(x from: Double, to: Double, _ style: Style) {
        marks.empty(
            "rect",
            [
                "class": style.rawValue, "x": fixed(x(from), 1), "y": fixed(margins.top, 1),
                "width": fixed(max(0, x(to) - x(from)), 1),
                "height": fixed(height - margins.top - margins.bottom, 1),
            ])
    }

    /// From the axis up.
    mutating func bar(x from: Double, to: Double, y value: Double, _ style: Style) {
        marks.empty(
            "rect",
            [
                "class": style.rawValue, "x": fixed(x(from), 1), "y": fixed(y(value), 1),
                "width": fixed(max(0, x(to) - x(from)), 1), "height": fixed(max(0, y(y.domain.low) - y(value)), 1),
            ])
    }

    /// - Parameters:
    ///   - right: pixels from the place.
    ///   - down: pixels from the place.
    mutating func text(
        _ text: String, x xValue: Double, y yValue: Double, right: Double = 0, down: Double = 0, _ anchor: Anchor,
        _ style: Style? = nil
    ) {
        marks.element(
            "text",
            [
                "class": style?.rawValue ?? "axis", "x": fixed(x(xValue) + right, 1), "y": fixed(y(yValue) + down, 1),
                "text-anchor": anchor.rawValue,
            ], text: text)
    }

    private func place(_ point: CurvePoint) -> String { "\(fixed(x(point.x), 1)) \(fixed(y(point.y), 1))" }
}
