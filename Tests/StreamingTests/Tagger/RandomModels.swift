import Core

extension Model {
    /// A model of narrow nets with random weights, and, where wanted, a classifier over the first net's levels −1 and −3.
    static func random(
        nets shapes: [(Int, Int)], tags: [String] = ["guitar", "techno", "piano"], withClassifier: Bool = false
    ) throws -> Model {
        let nets = try shapes.enumerated().map { index, shape in
            NetParameters.random(try .narrow(m: shape.0, n: shape.1), tags: tags.count, seed: UInt64(index) + 1)
        }
        var classifier: ClassifierParameters?
        if withClassifier {
            let shape = nets[0].shape
            let inputs = shape.widths[shape.n + 1] + shape.widths[shape.n - 1]
            var generator = SeededGenerator(seed: 99)
            classifier = ClassifierParameters(
                configuration: ClassifierConfiguration(
                    nets: [shape.name], levels: [-1, -3], hidden: [4], batchNormEpsilon: 1e-5),
                norm: nil,
                layers: [
                    LinearParameters(weight: generator.floats(4 * inputs), bias: generator.floats(4)),
                    LinearParameters(weight: generator.floats(tags.count * 4), bias: generator.floats(tags.count)),
                ],
                batchNorms: [
                    BatchNormParameters(
                        weight: generator.floats(4), bias: generator.floats(4), runningMean: generator.floats(4),
                        runningVariance: generator.floats(4, in: 0.5...1))
                ])
        }
        return Model(tags: tags, output: .sigmoid, batchNormEpsilon: 1e-5, nets: nets, classifier: classifier)
    }
}
