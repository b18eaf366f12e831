/// Metrics in Prometheus' text format, version 0.0.4.
struct MetricsText {
    private(set) var text = ""

    /// - Parameters:
    ///   - status: what a `status` event says.
    ///   - facts: what doesn't change, by metric and label: `["model": [("sha256", …)]]` is `wavetag_model_info{sha256="…"} 1`.
    init(status: [(name: String, value: StatusValue)], facts: KeyValuePairs<String, [(label: String, value: String)]>) {
        for (name, labels) in facts { add(info: name, labels) }
        for (name, value) in status {
            let metric = Metric.of(name)
            switch value {
            case .count(let count) where metric.scale == 1: add(metric, "\(count)")
            case .count(let count): add(metric, Self.shown(Double(count) * metric.scale))
            case .number(let number): add(metric, Self.shown(number * metric.scale))
            case .flag(let flag): add(metric, flag ? "1" : "0")
            case .text(let text): add(info: name, [(name, text)])
            }
        }
    }

    private mutating func add(_ metric: Metric, _ value: String) {
        let name = Metric.prefix + metric.name
        text += "# HELP \(name) \(metric.help)\n# TYPE \(name) \(metric.kind.rawValue)\n\(name) \(value)\n"
    }

    /// A text is the label of a metric that is 1.
    private mutating func add(info name: String, _ labels: [(label: String, value: String)]) {
        let full = "\(Metric.prefix)\(name)_info"
        let shown = labels.map { "\($0.label)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        text +=
            "# HELP \(full) 1, with what there is to know of it as labels.\n# TYPE \(full) gauge\n\(full){\(shown)} 1\n"
    }

    private static func shown(_ number: Double) -> String {
        number.isNaN ? "NaN" : number.isInfinite ? (number < 0 ? "-Inf" : "+Inf") : "\(number)"
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
