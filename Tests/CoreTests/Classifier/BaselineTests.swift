import Testing

@testable import Core

@Suite("Ridge and logistic regression")
struct BaselineTests {
    private func set(_ name: String, labels: String, width: Int) throws -> SongSet {
        SongSet(
            width: width, tags: 3, features: try Fixture.tensor("\(name).x", in: "classifiers/baselines"),
            labels: try Fixture.tensor(labels, in: "classifiers/baselines"))
    }

    @Test(
        "Ridge is scikit-learn's, with more songs than features and with fewer", arguments: [("tall", 6), ("wide", 14)])
    func ridge(_ name: String, _ width: Int) throws {
        let set = try set(name, labels: "\(name).labels", width: width)
        let fits = RidgeRegression.fit(set, penalties: [0.1, 30])
        for (fit, penalty) in zip(fits, ["0.1", "30.0"]) {
            let expected = try Fixture.tensor("\(name).ridge.\(penalty)", in: "classifiers/baselines")
            #expect(relativeDifference(fit.scores(set), expected) <= 1e-5)
        }
    }

    @Test("Logistic regression is scikit-learn's", arguments: ["sigmoid", "softmax"], ["0.5", "20.0"])
    func logistic(_ output: String, _ penalty: String) throws {
        let set = try set("logistic", labels: "logistic.\(output).labels", width: 5)
        let fit = LogisticRegression.fit(
            set, output: try #require(OutputFunction(rawValue: output)), penalty: try #require(Double(penalty)),
            tolerance: 1e-8)
        let expected = try Fixture.tensor("logistic.\(output).\(penalty)", in: "classifiers/baselines")
        #expect(relativeDifference(fit.probabilities(set), expected) <= 1e-4)
        #expect(fit.iterations < 200)
    }
}
