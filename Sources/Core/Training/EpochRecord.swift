/// What one epoch of training came to: a line of a model's log (`MODEL.log.ndjson`), a point of a report's curves.
///
/// Core knows no clock: whoever trains hands the seconds in.
public struct EpochRecord: Sendable, Equatable {
    /// Counted from 1.
    public var epoch: Int
    /// Which learning rate of the schedule it was, counted from 0.
    public var stage: Int
    /// At the epoch's end.
    public var learningRate: Double
    /// Mean over the epoch's segments, as they were trained on (dropout and all).
    public var trainLoss: Double
    /// Mean over the valid split's segments.
    public var validLoss: Double
    /// Mean over the tags that have both positives and negatives in the valid split; nil where none has.
    public var validROCAUC: Double?
    /// Trained on in this epoch.
    public var segments: Int
    /// What the epoch took, validation included.
    public var seconds: Double
    /// Whether no epoch before had a lower validation loss.
    public var isBest: Bool

    public init(
        epoch: Int, stage: Int, learningRate: Double, trainLoss: Double, validLoss: Double, validROCAUC: Double?,
        segments: Int, seconds: Double, isBest: Bool
    ) {
        self.epoch = epoch
        self.stage = stage
        self.learningRate = learningRate
        self.trainLoss = trainLoss
        self.validLoss = validLoss
        self.validROCAUC = validROCAUC
        self.segments = segments
        self.seconds = seconds
        self.isBest = isBest
    }
}

// MARK: A line of the log

extension EpochRecord {
    /// One JSON object in one line, its newline included.
    ///
    /// Numbers have as many digits as bring back the same bits. JSON has no NaN and no infinity: a loss that isn't
    /// finite is `null`, and is read as NaN.
    public var line: String {
        func number(_ value: Double?) -> String { value.flatMap { $0.isFinite ? "\($0)" : nil } ?? "null" }
        return "{\"epoch\":\(epoch),\"stage\":\(stage),\"learning_rate\":\(number(learningRate))"
            + ",\"train_loss\":\(number(trainLoss)),\"valid_loss\":\(number(validLoss))"
            + ",\"valid_roc_auc\":\(number(validROCAUC)),\"segments\":\(segments),\"seconds\":\(number(seconds))"
            + ",\"best\":\(isBest)}\n"
    }

    /// Reads what `line` has written. Members of other names are left alone, so that a log may grow more of them.
    ///
    /// - Throws: `EpochLogError` that says which member is wrong.
    public init(parsing line: some Sequence<UInt8>) throws(EpochLogError) {
        let object: JSONValue
        do throws(JSONError) { object = try JSONValue(parsing: line) } catch {
            throw EpochLogError(.invalid, error.description)
        }
        guard case .object = object else { throw EpochLogError(.invalid, "an object wanted, \(object.kind) found") }
        func member(_ name: String, _ wanted: String) throws(EpochLogError) -> JSONValue {
            guard let value = object[name] else {
                throw EpochLogError(.invalid, "\(name): \(wanted) wanted, not there")
            }
            return value
        }
        func integer(_ name: String, from least: Int) throws(EpochLogError) -> Int {
            let wanted = "a whole number from \(least)"
            let value = try member(name, wanted)
            guard case .integer(let integer) = value else {
                throw EpochLogError(.invalid, "\(name): \(wanted) wanted, \(value.kind) found")
            }
            guard integer >= least else { throw EpochLogError(.invalid, "\(name): \(wanted) wanted, \(integer) found") }
            return integer
        }
        func number(_ name: String) throws(EpochLogError) -> Double? {
            let value = try member(name, "a number")
            if value == .null { return nil }
            guard let number = value.double else {
                throw EpochLogError(.invalid, "\(name): a number wanted, \(value.kind) found")
            }
            return number
        }
        let best = try member("best", "a truth value")
        guard case .bool(let isBest) = best else {
            throw EpochLogError(.invalid, "best: a truth value wanted, \(best.kind) found")
        }
        self.init(
            epoch: try integer("epoch", from: 1), stage: try integer("stage", from: 0),
            learningRate: try number("learning_rate") ?? .nan, trainLoss: try number("train_loss") ?? .nan,
            validLoss: try number("valid_loss") ?? .nan, validROCAUC: try number("valid_roc_auc"),
            segments: try integer("segments", from: 0), seconds: try number("seconds") ?? .nan, isBest: isBest)
    }

    /// All records of a log.
    ///
    /// - Throws: `EpochLogError`, one line that says where.
    public static func log(path: String) throws(EpochLogError) -> [EpochRecord] {
        let bytes: [UInt8]
        do throws(ModelFileError) {
            let file = try MappedFile(path: path)
            bytes = Array(file.bytes)
        } catch {
            throw EpochLogError(error.kind == .missing ? .missing : .unreadable, error.description)
        }
        return try log(parsing: bytes, path: path)
    }

    /// - Parameter path: for messages.
    public static func log(parsing bytes: [UInt8], path: String) throws(EpochLogError) -> [EpochRecord] {
        let newline = UInt8(ascii: "\n")
        var lines = bytes.split(separator: newline, omittingEmptySubsequences: false)
        // What stands behind the last newline is being written, or never will be: a run may have been killed there.
        lines.removeLast()
        var records: [EpochRecord] = []
        for (index, line) in lines.enumerated() where !line.isEmpty {
            do throws(EpochLogError) { records.append(try EpochRecord(parsing: line)) } catch {
                throw EpochLogError(.invalid, "\(path): line \(index + 1): \(error)")
            }
        }
        return records
    }
}

/// Why a log of epochs can't be used; one line.
public struct EpochLogError: Error, Equatable, CustomStringConvertible {
    public enum Kind: Sendable {
        case missing, unreadable, invalid
    }

    public let kind: Kind
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
