#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How the learning rate falls, and when training ends.
public enum LearningRateSchedule: Sendable, Equatable {
    /// The papers': the next rate whenever the validation loss hasn't improved for `patience` epochs, from the best
    /// weights; the end behind the last rate.
    case plateau(rates: [Double], patience: Int)
    /// From `rate` to nothing over `epochs`, as a quarter of a cosine's period, after a rise over the first twentieth.
    /// Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5, without restarts.
    case cosine(rate: Double, epochs: Int)

    /// Lee, Park, Kim and Nam, SMC 2017, section 4.2: from 0.01, five times divided by 5; patience 3.
    public static let papers = plateau(from: 0.01, patience: 3)

    /// Five rates, each a fifth of the one before.
    public static func plateau(from rate: Double, patience: Int) -> LearningRateSchedule {
        .plateau(rates: [1, 5, 25, 125, 625].map { rate / $0 }, patience: patience)
    }

    /// Where a training stands in its schedule.
    public struct State: Sendable, Equatable {
        /// Which of the rates.
        public var stage = 0
        /// Epochs since the validation loss last improved.
        public var epochsWithoutBest = 0
        public var bestLoss = Double.infinity

        public init() {}
    }

    /// What follows an epoch.
    public enum Next: Sendable, Equatable {
        case goOn
        /// The next rate, from the best weights, with no memory of earlier gradients.
        case restartFromBest
        case end
    }

    /// - Parameters:
    ///   - epoch: counted from 0.
    ///   - progress: the share of the epoch that is done, 0 to 1.
    public func rate(_ state: State, epoch: Int, progress: Double) -> Double {
        switch self {
        case .plateau(let rates, _): return rates[min(state.stage, rates.count - 1)]
        case .cosine(let rate, let epochs):
            let place = (Double(epoch) + progress) / Double(max(1, epochs))
            let rise = min(1, 20 * place + 0.01)
            return rise * rate * 0.5 * (1 + cos(.pi * min(1, place)))
        }
    }

    /// - Parameters:
    ///   - epoch: that has ended, counted from 0.
    ///   - validLoss: its validation loss.
    public func next(_ state: inout State, epoch: Int, validLoss: Double) -> Next {
        let isBest = validLoss < state.bestLoss
        if isBest { state.bestLoss = validLoss }
        state.epochsWithoutBest = isBest ? 0 : state.epochsWithoutBest + 1
        switch self {
        case .plateau(let rates, let patience):
            guard state.epochsWithoutBest >= patience else { return .goOn }
            state.epochsWithoutBest = 0
            state.stage += 1
            return state.stage < rates.count ? .restartFromBest : .end
        case .cosine(_, let epochs):
            return epoch + 1 < epochs ? .goOn : .end
        }
    }
}
