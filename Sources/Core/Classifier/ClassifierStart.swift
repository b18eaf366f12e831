/// The nets' own output layers, as a layer over songs' features: where a classifier of the nets' tags starts.
///
/// A published net ends in one column, and its output layer is linear: the mean of a song's windows' logits is the output
/// layer of the mean of level −1. A share of that, averaged over nets, stands under the classifier from its first step
/// and doesn't change; what is trained adds to it, beginning at nothing, and reads the other levels. Level −1 is left to
/// the output layer: of all levels it fits the net's own training songs best, and tells least that is true of others.
public struct ClassifierStart: Sendable, Equatable {
    /// [tags, features], of features that aren't standardised.
    let weight: [Float]
    /// [tags].
    let bias: [Float]
    /// For each feature whether it is trained on.
    let isLearned: [Bool]

    /// Nil where the classifier can't start so: a net has no float weights, doesn't know all of the tags, has another
    /// output function, or its level −1 isn't among the features.
    ///
    /// - Parameters:
    ///   - tags: the classifier's.
    ///   - share: what the nets' logits are multiplied with, more than 0.
    public init?(_ model: Model, layout: FeatureLayout, tags: [String], output: OutputFunction, share: Double) {
        let places = tags.compactMap { model.tags.firstIndex(of: $0) }
        guard share > 0, output == model.output, places.count == tags.count, layout.levels.last == -1 else {
            return nil
        }
        let factor = share / Double(layout.nets.count)
        var weight = [Float](repeating: 0, count: tags.count * layout.count)
        var bias = [Double](repeating: 0, count: tags.count)
        var start = 0
        for part in layout.parts {
            defer { start += part.width }
            guard part.level == -1 else { continue }
            guard let net = model.nets.first(where: { $0.shape.name == part.net })?.float,
                net.output.inputs == part.width
            else { return nil }
            for (tag, place) in places.enumerated() {
                for input in 0..<part.width {
                    weight[tag * layout.count + start + input] = Float(
                        factor * Double(net.output.weight[place * part.width + input]))
                }
                bias[tag] += factor * Double(net.output.bias[place])
            }
        }
        self.weight = weight
        self.bias = bias.map { Float($0) }
        let hasOthers = layout.levels.count > 1
        isLearned = layout.parts.flatMap { [Bool](repeating: $0.level != -1 || !hasOthers, count: $0.width) }
    }

    /// Songs as a classifier that starts here sees them: standardised, what isn't learned from taken out, and the logits
    /// that it adds to.
    ///
    /// - Parameter songs: with features as the nets give them.
    func begun(_ songs: SongSet, norm: ClassifierParameters.Standardisation) -> SongSet {
        var set = songs.standardised(by: norm)
        set.offsets = linearScores(songs, weight: weight, bias: bias)
        for index in set.features.indices where !isLearned[index % songs.width] { set.features[index] = 0 }
        return set
    }

    /// One classifier of both, as a model file holds it: what was trained, and what it was added to.
    ///
    /// Without hidden layers that is a sum of weights. With them the nets' logits pass through beside: two units a tag in
    /// each, one that keeps what is above zero and one that keeps what is below.
    func added(to trained: ClassifierParameters) -> ClassifierParameters {
        var all = trained
        let (tags, width) = (bias.count, isLearned.count)
        guard let norm = trained.norm, !all.layers.isEmpty else { return trained }
        for index in all.layers[0].weight.indices where !isLearned[index % width] { all.layers[0].weight[index] = 0 }
        // Of standardised features z the nets' layer is (W σ) z + (W μ + b).
        let scaled = weight.indices.map { weight[$0] * norm.std[$0 % width] }
        let moved = (0..<tags).map { tag in
            Float(
                (0..<width).reduce(Double(bias[tag])) { $0 + Double(weight[tag * width + $1]) * Double(norm.mean[$1]) })
        }
        guard all.layers.count > 1 else {
            for index in scaled.indices { all.layers[0].weight[index] += scaled[index] }
            for tag in 0..<tags { all.layers[0].bias[tag] += moved[tag] }
            return all
        }
        let signs: [Float] = [1, -1]
        all.layers[0].weight += signs.flatMap { sign in scaled.map { sign * $0 } }
        all.layers[0].bias += signs.flatMap { sign in moved.map { sign * $0 } }
        let passing = 2 * tags
        for index in 1..<all.layers.count {
            let layer = trained.layers[index]
            let isLast = index == all.layers.count - 1
            var rows: [Float] = []
            for row in 0..<layer.outputs {
                rows += layer.weight[(row * layer.inputs)..<((row + 1) * layer.inputs)]
                rows += (0..<passing).map { isLast && $0 % tags == row ? signs[$0 / tags] : 0 }
            }
            for unit in 0..<(isLast ? 0 : passing) {
                rows += [Float](repeating: 0, count: layer.inputs) + (0..<passing).map { $0 == unit ? 1 : 0 }
            }
            all.layers[index] = LinearParameters(
                weight: rows, bias: layer.bias + [Float](repeating: 0, count: isLast ? 0 : passing))
        }
        // Batch norm that changes nothing.
        let (zeros, ones) = ([Float](repeating: 0, count: passing), [Float](repeating: 1, count: passing))
        let variance = Float(1 - trained.configuration.batchNormEpsilon)
        for index in all.batchNorms.indices {
            all.batchNorms[index].weight += ones
            all.batchNorms[index].bias += zeros
            all.batchNorms[index].runningMean += zeros
            all.batchNorms[index].runningVariance += ones.map { $0 * variance }
            all.configuration.hidden[index] += passing
        }
        return all
    }
}
