import Core
import Streaming

/// What `wavetag inspect` says of a model: for people, or as JSON.
struct ModelInspection {
    private let file: ModelFile
    private let plans: [EnginePlan]

    /// - Parameter planHop: the hop to plan for; nil: no plans.
    init(_ file: ModelFile, planHop: Int?) {
        self.file = file
        plans =
            planHop.map { hop in
                file.model.nets.map {
                    .cheapest(
                        shape: $0.shape, precision: file.model.usualPrecision, tags: file.model.tags.count, hop: hop)
                }
            } ?? []
    }

    var text: String {
        let model = file.model
        var text = """
            name       \(file.name)
            sha256     \(file.sha256)
            size       \(file.size) bytes
            output     \(model.output.rawValue)
            tags       \(model.tags.count): \(model.tags.joined(separator: ", "))

            """
        if !model.thresholds.isEmpty { text += "thresholds \(describe(model.thresholds, of: model.tags))\n" }
        for net in model.nets {
            text += describe(net.shape, tags: model.tags.count)
            text += describe(precisionsOf: net)
        }
        if let classifier = model.classifier {
            let parts = classifier.configuration
            text += "\nclassifier over \(parts.nets.joined(separator: ", ")), "
            text += "levels \(parts.levels.map(String.init).joined(separator: " ")), "
            text += "\(classifier.layers.first?.inputs ?? 0) features, "
            text += "hidden \(parts.hidden.map(String.init).joined(separator: " "))\n"
            if let tags = parts.tags { text += "songs' tags \(tags.count): \(tags.joined(separator: ", "))\n" }
            if let output = parts.output { text += "songs' output \(output.rawValue)\n" }
            if let thresholds = parts.thresholds {
                text += "songs' thresholds \(describe(thresholds, of: model.songTags))\n"
            }
        } else {
            text += "\nno song-level classifier: a song is the mean of its windows\n"
        }
        for plan in plans { text += describe(plan) }
        return text
    }

    private func describe(_ thresholds: [String: Float], of tags: [String]) -> String {
        tags.compactMap { tag in thresholds[tag].map { "\(tag) \(fixed(Double($0)))" } }.joined(separator: ", ")
    }

    private func describe(precisionsOf net: ModelNet) -> String {
        var text = "weights: \(precisions(net).joined(separator: ", "))\n"
        if let steps = net.steps {
            text += net.int8 == nil ? "ranges for int8 of layers 0 to " : "ranges of layers 0 to "
            text += "\(net.shape.n): \(steps.map { fixed(Double($0 * 255), 2) }.joined(separator: " "))\n"
        }
        return text
    }

    private func precisions(_ net: ModelNet) -> [String] {
        (net.float == nil ? [] : ["float"]) + (net.int8 == nil ? [] : ["int8"])
    }

    private func describe(_ shape: NetShape, tags: Int) -> String {
        var text = "\nnet \(shape.name): window \(shape.window) samples, \(milliseconds(shape.window)) ms; "
        text +=
            "\(parameterCount(shape, tags: tags)) parameters; \(shape.multiplyAdds(tags: tags)) multiply-adds a window"
        text += shape.firstPadding > 0 ? "; first padding \(shape.firstPadding)" : ""
        text +=
            shape.leftPadding != NetShape.usualLeftPadding(m: shape.m) ? "; left padding \(shape.leftPadding)\n" : "\n"
        text += row(["layer", "width", "columns", "parameters", "multiply-adds"])
        for layer in 0..<shape.layerCount {
            text += row([
                "\(layer)", "\(shape.widths[layer])", "\(shape.columns(layer: layer))",
                "\(parameterCount(shape, layer: layer))", "\(multiplyAdds(shape, layer: layer))",
            ])
        }
        return text
    }

    private func describe(_ plan: EnginePlan) -> String {
        var text = "\nplan for \(plan.shape.name) at hop \(plan.hop): "
        text += plan.isWholeWindow ? "whole windows\n" : "layers 0 to \(plan.sharedLayers - 1) shared between windows\n"
        text += row(["layer", "shared", "phases", "columns/hop", "edges/hop", "multiply-adds", "bytes"])
        for (index, layer) in plan.layers.enumerated() {
            let edges = layer.isShared ? layer.columnsPerHop - layer.newColumns : 0
            text += row([
                "\(index)", layer.isShared ? "yes" : "no", "\(layer.phases)", "\(layer.columnsPerHop - edges)",
                "\(edges)", "\(layer.multiplyAdds)", "\(layer.bytes)",
            ])
        }
        let full = plan.shape.multiplyAdds(tags: file.model.tags.count)
        let ratio = Double(full) / Double(plan.multiplyAdds)
        text += "\(plan.multiplyAdds) multiply-adds a hop, a full window's \(full) divided by "
        text += "\(oneDecimal(ratio)); \(plan.bytes) bytes of state\n"
        return text
    }

    var json: String {
        let model = file.model
        var text: [UInt8] = []
        func raw(_ string: String) { text += Array(string.utf8) }
        func list<Element>(_ elements: [Element], _ write: (Element) -> Void) {
            raw("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { raw(",") }
                write(element)
            }
            raw("]")
        }
        raw("{\"name\":")
        text.appendJSON(string: file.name)
        raw(",\"sha256\":\"\(file.sha256)\",\"size\":\(file.size),\"output\":\"\(model.output.rawValue)\",\"tags\":")
        list(model.tags) { text.appendJSON(string: $0) }
        if !model.thresholds.isEmpty {
            raw(",\"thresholds\":")
            text.appendJSON(thresholds: model.thresholds, of: model.tags)
        }
        raw(",\"nets\":")
        list(model.nets) { net in
            let shape = net.shape
            raw("{\"name\":")
            text.appendJSON(string: shape.name)
            raw(",\"m\":\(shape.m),\"n\":\(shape.n),\"first_padding\":\(shape.firstPadding)")
            raw(",\"left_padding\":\(shape.leftPadding),\"window\":\(shape.window)")
            raw(
                ",\"parameters\":\(parameterCount(shape, tags: model.tags.count)),\"multiply_adds\":\(shape.multiplyAdds(tags: model.tags.count))"
            )
            raw(",\"weights\":[\(precisions(net).map { "\"\($0)\"" }.joined(separator: ","))]")
            if let steps = net.steps { raw(",\"int8_steps\":\(steps)") }
            raw(",\"layers\":")
            list(Array(0..<shape.layerCount)) { layer in
                raw("{\"width\":\(shape.widths[layer]),\"columns\":\(shape.columns(layer: layer))")
                raw(",\"multiply_adds\":\(multiplyAdds(shape, layer: layer))}")
            }
            raw("}")
        }
        if let classifier = model.classifier {
            raw(",\"classifier\":{\"nets\":")
            list(classifier.configuration.nets) { text.appendJSON(string: $0) }
            raw(",\"levels\":\(classifier.configuration.levels),\"hidden\":\(classifier.configuration.hidden)")
            if let tags = classifier.configuration.tags {
                raw(",\"tags\":")
                list(tags) { text.appendJSON(string: $0) }
            }
            if let output = classifier.configuration.output { raw(",\"output\":\"\(output.rawValue)\"") }
            if let thresholds = classifier.configuration.thresholds {
                raw(",\"thresholds\":")
                text.appendJSON(thresholds: thresholds, of: model.songTags)
            }
            raw("}")
        }
        if !plans.isEmpty {
            raw(",\"plans\":")
            list(plans) { plan in
                raw("{\"net\":")
                text.appendJSON(string: plan.shape.name)
                raw(
                    ",\"hop\":\(plan.hop),\"shared_layers\":\(plan.sharedLayers),\"multiply_adds\":\(plan.multiplyAdds)"
                )
                raw(",\"bytes\":\(plan.bytes),\"layers\":")
                list(plan.layers) { layer in
                    raw("{\"shared\":\(layer.isShared),\"phases\":\(layer.phases),\"columns\":\(layer.columnsPerHop)")
                    raw(",\"multiply_adds\":\(layer.multiplyAdds),\"bytes\":\(layer.bytes)}")
                }
                raw("}")
            }
        }
        raw("}")
        return String(decoding: text, as: UTF8.self)
    }

    /// A convolution's weights and bias, a batch norm's weight, bias, mean and variance.
    private func parameterCount(_ shape: NetShape, layer: Int) -> Int {
        shape.widths[layer] * (shape.inputChannels(layer: layer) * shape.kernelWidth(layer: layer) + 5)
    }

    private func parameterCount(_ shape: NetShape, tags: Int) -> Int {
        (0..<shape.layerCount).reduce(tags * (shape.widths[shape.n + 1] + 1)) {
            $0 + parameterCount(shape, layer: $1)
        }
    }

    private func multiplyAdds(_ shape: NetShape, layer: Int) -> Int {
        let rows = shape.columns(layer: layer) * ((1...shape.n).contains(layer) ? shape.m : 1)
        return rows * shape.kernelWidth(layer: layer) * shape.inputChannels(layer: layer) * shape.widths[layer]
    }

    private func milliseconds(_ samples: Int) -> Int {
        Int((Double(samples) * 1000 / Double(Model.sampleRate)).rounded())
    }

    private func oneDecimal(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

    private func row(_ cells: [String]) -> String {
        cells.map { String(repeating: " ", count: max(1, 14 - $0.count)) + $0 }.joined() + "\n"
    }
}
