import Core

/// One of the papers' tables: which nets and levels stand in its rows.
///
/// Lee and Nam, "Multi-level and multi-scale feature aggregation using sample-level deep convolutional neural networks for
/// music classification", ICML workshop 2017, tables 1 and 2.
struct ReproductionTable {
    struct Row: Equatable {
        let name: String
        let nets: [String]
        let levels: [Int]
    }

    let title: String
    let rows: [Row]
    /// Rows of the paper that the model has no nets for, and why.
    let missing: [String]

    static let levels = [-3, -2, -1]

    /// Levels of one net, each alone and all together.
    ///
    /// - Parameter net: nil: 3^9, or the model's first net where it has none.
    static func levels(of model: Model, net: String?) -> ReproductionTable {
        let chosen = usualNet(of: model, net)
        return ReproductionTable(
            title: "Table 1: levels of \(chosen)",
            rows: levels.map { Row(name: "level \($0)", nets: [chosen], levels: [$0]) } + [
                Row(name: "levels -3 -2 -1", nets: [chosen], levels: levels)
            ], missing: [])
    }

    /// The net whose levels are looked at: the one asked for, 3^9, or the model's first where it has none.
    static func usualNet(of model: Model, _ net: String?) -> String {
        let names = model.nets.map(\.shape.name)
        return net ?? (names.contains("3^9") ? "3^9" : names[0])
    }

    private static let scales: [[String]] = [
        ["3^9"], ["3^8", "3^9"], ["2^13", "2^14", "3^8", "3^9"],
        ["2^13", "2^14", "3^8", "3^9", "4^6", "4^7", "5^5", "5^6"],
    ]

    /// More and more nets, all levels of each; last, what the model has beside the paper's combinations.
    static func scales(of model: Model) -> ReproductionTable {
        let names = model.nets.map(\.shape.name)
        var rows: [Row] = []
        var missing: [String] = []
        for nets in scales {
            let absent = nets.filter { !names.contains($0) }
            if absent.isEmpty {
                rows.append(Row(name: nets.joined(separator: " "), nets: nets, levels: levels))
            } else {
                missing.append(
                    "\(nets.joined(separator: " ")): the model has no \(absent.joined(separator: ", "))")
            }
        }
        // Nets of its own, each alone, then together.
        let own = names.filter { $0 != "3^9" }.map { [$0] } + (names.count > 1 ? [names] : [])
        for nets in own where !rows.contains(where: { Set($0.nets) == Set(nets) }) {
            rows.append(Row(name: nets.joined(separator: " "), nets: nets, levels: levels))
        }
        return ReproductionTable(title: "Table 2: scales", rows: rows, missing: missing)
    }
}

/// A data set of a reproduction: `NAME=MANIFEST`, or a manifest alone, whose file's name is the set's.
struct NamedManifest {
    let name: String
    let path: String

    init(_ argument: String) {
        if let sign = argument.firstIndex(of: "="), !argument[..<sign].contains("/"), sign > argument.startIndex {
            name = String(argument[..<sign])
            path = String(argument[argument.index(after: sign)...])
        } else {
            let file = argument.split(separator: "/").last.map(String.init) ?? argument
            name = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
            path = argument
        }
    }
}
