import Testing

@testable import Core

/// Against scikit-learn's and SciPy's (`Tests/Fixtures/make_calibration.py`).
@Suite("Calibration of logits")
struct LogitScalingTests {
    private func logits(_ name: String) throws -> (nets: [[Float]], labels: [Float]) {
        let labels = try Fixture.tensor("\(name).labels", in: "calibration")
        let all = try Fixture.tensor("\(name).logits", in: "calibration")
        return (
            stride(from: 0, to: all.count, by: labels.count).map { Array(all[$0..<($0 + labels.count)]) }, labels
        )
    }

    /// One tag's, of each net.
    private func predictions(_ nets: [[Float]], _ labels: [Float]) -> [Predictions] {
        nets.map { net in
            var predictions = Predictions(tags: ["tag"])
            for (window, (logit, label)) in zip(net, labels).enumerated() {
                predictions.add(scores: [logit], labels: [label], song: window)
            }
            return predictions
        }
    }

    @Test(
        "Scale and shift are logistic regression's, or the minimum that SciPy finds",
        arguments: ["sure", "cautious", "held", "few", "wrong", "mean"])
    func fitted(name: String) throws {
        let (nets, labels) = try logits(name)
        let prior = Double(try Fixture.tensor("\(name).prior", in: "calibration")[0])
        let expected = try Fixture.doubles("\(name).expected", in: "calibration")
        let found = LogitScaling.fitted(logits: nets, labels: labels, prior: prior)
        #expect(abs(found.scale - expected[0]) < 1e-5 && abs(found.shift - expected[1]) < 1e-5, "\(found)")

        let before = ModelCalibration(nets: nets.count, tags: 1, output: .sigmoid)
            .probabilities(of: predictions(nets, labels))
        #expect(abs(before.calibration(tag: 0).expectedError - expected[2]) < 1e-6)
    }

    @Test("A model's calibration is each net's, and its error is NumPy's", arguments: ["sure", "cautious", "held"])
    func model(name: String) throws {
        let (nets, labels) = try logits(name)
        let prior = Double(try Fixture.tensor("\(name).prior", in: "calibration")[0])
        let expected = try Fixture.doubles("\(name).expected", in: "calibration")
        let calibration = ModelCalibration(fitting: predictions(nets, labels), output: .sigmoid, prior: prior)
        let after = calibration.probabilities(of: predictions(nets, labels)).calibration(tag: 0).expectedError
        #expect(abs(after - expected[3]) < 1e-5 && after < expected[2] / 2)
    }

    @Test("Several nets: the mean of all is calibrated, though each net's scaling differs")
    func several() throws {
        let (nets, labels) = try logits("mean")
        // The second net speaks in other units.
        let both = predictions([nets[0], nets[1].map { 3 * $0 + 2 }], labels)
        let calibration = ModelCalibration(fitting: both, output: .sigmoid)
        let alone = both.map { ModelCalibration(fitting: [$0], output: .sigmoid).scalings[0][0] }
        let separate = zip(both, alone).map { net, scaling in
            predictions([net.scores.map { Float(scaling($0[0])) }], labels)[0]
        }
        let unscaled = ModelCalibration(nets: 2, tags: 1, output: .sigmoid)
        func error(_ predictions: Predictions) -> Double { predictions.calibration(tag: 0).expectedError }
        let after = error(calibration.probabilities(of: both))
        #expect(after < 0.04 && after < error(unscaled.probabilities(of: separate)))
        #expect(error(unscaled.probabilities(of: both)) > 2 * after)
        #expect(abs(calibration.scalings[0][0].scale / calibration.scalings[1][0].scale - 3) < 1)
    }

    @Test("Labels are shares, or positives from a bound on")
    func labels() throws {
        let (nets, soft) = try logits("cautious")
        let found = ModelCalibration(fitting: predictions(nets, soft), output: .sigmoid, labels: .positive(from: 0.6))
        let hard = soft.map { $0 >= 0.6 ? Float(1) : 0 }
        #expect(found == ModelCalibration(fitting: predictions(nets, hard), output: .sigmoid))
        #expect(found != ModelCalibration(fitting: predictions(nets, soft), output: .sigmoid))
        let read = predictions(nets, soft)[0].with(.positive(from: 0.6))
        #expect(read.labels.map { $0[0] } == hard)
    }

    @Test("Nothing heard, all alike, or absurd logits: numbers all the same")
    func odd() {
        #expect(LogitScaling.fitted(logits: [[]], labels: []) == .none)
        for (logit, label) in [(Float(0), Float(0)), (0, 1), (-3e4, 1), (3e4, 0), (-3e38, 0)] {
            let found = LogitScaling.fitted(
                logits: [[Float](repeating: logit, count: 50)], labels: [Float](repeating: label, count: 50))
            #expect(found.scale.isFinite && found.scale > 0 && found.shift.isFinite, "\(logit), \(label): \(found)")
        }
    }

    @Test("Genres: the temperature that SciPy finds, of one net and of two for their mean")
    func temperature() throws {
        let labels = try Fixture.tensor("genres.labels", in: "calibration")
        let all = try Fixture.tensor("genres.logits", in: "calibration")
        let expected = try Fixture.doubles("genres.expected", in: "calibration")
        func rows(_ values: ArraySlice<Float>) -> [[Float]] {
            stride(from: values.startIndex, to: values.endIndex, by: 4).map { Array(values[$0..<($0 + 4)]) }
        }
        let nets = [rows(all[..<labels.count]), rows(all[labels.count...])]
        for (chosen, scale) in zip([[nets[0]], nets], expected) {
            let found = LogitScaling.temperature(logits: chosen, labels: rows(labels[...]), prior: 10)
            #expect(abs(found.scale - scale) < 1e-5 && found.shift == 0, "\(found)")
        }
        #expect(LogitScaling.temperature(logits: [[]], labels: []) == .none)
    }
}
