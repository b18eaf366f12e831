import Testing

@testable import Core

@Suite("Epoch records")
struct EpochRecordTests {
    private let record = EpochRecord(
        epoch: 12, stage: 4, learningRate: 0.000016, trainLoss: 0.1 + 0.2, validLoss: .leastNonzeroMagnitude,
        validROCAUC: 0.872,
        segments: 18_897, seconds: 1e17 / 3, isBest: true)

    @Test("A line is an object in the documented order, and brings back the same bits")
    func exact() throws {
        var small = record
        small.validLoss = 0.25
        small.seconds = 61.5
        #expect(
            small.line == """
                {"epoch":12,"stage":4,"learning_rate":1.6e-05,"train_loss":0.30000000000000004,"valid_loss":0.25,\
                "valid_roc_auc":0.872,"segments":18897,"seconds":61.5,"best":true}

                """)
        var generator = SplitMix64(state: 9)
        for _ in 0..<200 {
            var random = record
            random.trainLoss = Double(bitPattern: generator.next() >> 2)
            random.validROCAUC = generator.next() % 2 == 0 ? nil : Double(generator.next()) / 1.9e19
            #expect(try EpochRecord(parsing: random.line.utf8) == random)
        }
    }

    @Test("A loss that has left the numbers is null, and not a number again")
    func notFinite() throws {
        var diverged = record
        diverged.trainLoss = .nan
        diverged.validLoss = .infinity
        diverged.validROCAUC = nil
        let found = try EpochRecord(parsing: diverged.line.utf8)
        #expect(found.trainLoss.isNaN && found.validLoss.isNaN && found.validROCAUC == nil)
    }

    @Test("A log is its whole lines; one that a killed run left unfinished is none")
    func log() throws {
        var second = record
        second.epoch = 13
        second.isBest = false
        let text = record.line + second.line
        #expect(try EpochRecord.log(parsing: Array(text.utf8), path: "log") == [record, second])
        let cut = Array((text + record.line.dropLast(5)).utf8)
        #expect(try EpochRecord.log(parsing: cut, path: "log") == [record, second])
        #expect(try EpochRecord.log(parsing: [], path: "log").isEmpty)
    }

    @Test("What is wrong is one line that says where")
    func wrong() {
        let good = record.line.dropLast()
        let cases = [
            ("[]", "log: line 2: an object wanted, an array found"),
            ("{\"epoch\":1", "log: line 2: byte 10: a comma or } wanted"),
            (
                good.replacing("\"epoch\":12", with: "\"epoch\":0"),
                "log: line 2: epoch: a whole number from 1 wanted, 0 found"
            ),
            (
                good.replacing("\"train_loss\":0.30000000000000004", with: "\"train_loss\":\"low\""),
                "log: line 2: train_loss: a number wanted, a string found"
            ),
            (good.replacing("\"stage\":4,", with: ""), "log: line 2: stage: a whole number from 0 wanted, not there"),
            (good.replacing("true", with: "1"), "log: line 2: best: a truth value wanted, a number found"),
        ]
        for (line, message) in cases {
            #expect(throws: EpochLogError(.invalid, message)) {
                try EpochRecord.log(parsing: Array("\(good)\n\(line)\n".utf8), path: "log")
            }
        }
        #expect(throws: EpochLogError(.missing, "/nonexistent/log: No such file or directory")) {
            try EpochRecord.log(path: "/nonexistent/log")
        }
    }
}
