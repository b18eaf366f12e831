/// A model whose output layers are changed: tags left out, calibration taken in. Nothing below them changes, so that
/// every reader of the file hears the same nets.
extension Model {
    /// The same model with some of its tags, in its order. A classifier with tags of its own keeps those.
    ///
    /// - Precondition: at least one of the tags is the model's.
    public func keeping(tags kept: Set<String>) -> Model {
        let places = tags.indices.filter { kept.contains(tags[$0]) }
        precondition(!places.isEmpty)
        var model = self
        model.tags = places.map { tags[$0] }
        model.thresholds = thresholds.filter { kept.contains($0.key) }
        for net in model.nets.indices {
            model.nets[net].float?.output.keep(places)
            model.nets[net].int8?.output.keep(places)
        }
        if let classifier, classifier.configuration.tags == nil {
            model.classifier?.layers[classifier.layers.count - 1].keep(places)
            model.classifier?.configuration.thresholds = classifier.configuration.thresholds?.filter {
                kept.contains($0.key)
            }
        }
        return model
    }

    /// The same model with calibration in its nets' output layers, float and 8-bit alike.
    ///
    /// - Parameter scalings: [nets][tags].
    public func taking(_ scalings: [[LogitScaling]]) -> Model {
        precondition(scalings.count == nets.count && scalings.allSatisfy { $0.count == tags.count })
        var model = self
        for net in model.nets.indices {
            model.nets[net].float?.output.take(scalings[net])
            model.nets[net].int8?.output.take(scalings[net])
        }
        return model
    }

    /// The same model with calibration in the last layer of its song-level classifier, where it has one.
    ///
    /// - Parameter scalings: [song tags].
    public func taking(songs scalings: [LogitScaling]) -> Model {
        guard let count = classifier?.layers.count else { return self }
        precondition(scalings.count == songTags.count)
        var model = self
        model.classifier?.layers[count - 1].take(scalings)
        return model
    }
}

extension LinearParameters {
    fileprivate mutating func keep(_ places: [Int]) {
        let inputs = inputs
        weight = places.flatMap { weight[($0 * inputs)..<(($0 + 1) * inputs)] }
        bias = places.map { bias[$0] }
    }

    fileprivate mutating func take(_ scalings: [LogitScaling]) {
        let inputs = inputs
        for (tag, scaling) in scalings.enumerated() where scaling != .none {
            for place in (tag * inputs)..<((tag + 1) * inputs) {
                weight[place] = Float(Double(weight[place]) * scaling.scale)
            }
            bias[tag] = Float(scaling(bias[tag]))
        }
    }
}

extension Int8Layer {
    fileprivate mutating func keep(_ places: [Int]) {
        let inputs = weight.count / scale.count
        weight = places.flatMap { weight[($0 * inputs)..<(($0 + 1) * inputs)] }
        scale = places.map { scale[$0] }
        bias = places.map { bias[$0] }
    }

    /// The whole numbers stay: a row's scale takes the factor.
    fileprivate mutating func take(_ scalings: [LogitScaling]) {
        for (tag, scaling) in scalings.enumerated() where scaling != .none {
            scale[tag] = Float(Double(scale[tag]) * scaling.scale)
            bias[tag] = Float(scaling(bias[tag]))
        }
    }
}
