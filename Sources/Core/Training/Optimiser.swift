#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How weights follow their gradient.
public struct OptimiserSettings: Sendable, Equatable {
    public enum Method: Sendable, Equatable {
        /// Nesterov's momentum, as Sutskever, Martens, Dahl and Hinton, ICML 2013, and as PyTorch writes it.
        case sgd(momentum: Double)
        /// Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.
        case adamW(beta1: Double, beta2: Double, epsilon: Double)
    }

    public var method: Method
    /// Of weights of convolutions and the output layer; never of biases or batch norm.
    public var weightDecay: Double

    public init(_ method: Method, weightDecay: Double = 0) {
        self.method = method
        self.weightDecay = weightDecay
    }

    /// The papers': momentum 0.9, no decay.
    public static let papers = OptimiserSettings(.sgd(momentum: 0.9))
    public static let adamW = OptimiserSettings(.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), weightDecay: 0.01)
}

/// The optimiser's memory of earlier gradients, and its step.
final class Optimiser {
    let settings: OptimiserSettings
    private let layout: ParameterLayout
    /// Velocity, or mean of gradients: [parameters].
    let first: UnsafeMutablePointer<Float>
    /// Mean of squared gradients: [parameters]; of SGD nothing.
    let second: UnsafeMutablePointer<Float>
    let secondCount: Int
    /// Steps since the memory was empty.
    var steps = 0

    init(_ settings: OptimiserSettings, _ layout: ParameterLayout) {
        self.settings = settings
        self.layout = layout
        first = allocateFloats(layout.count)
        if case .adamW = settings.method { secondCount = layout.count } else { secondCount = 0 }
        second = allocateFloats(secondCount)
    }

    deinit {
        first.deallocate()
        second.deallocate()
    }

    var floatCount: Int { layout.count + secondCount }

    /// Forgets earlier gradients.
    func reset() {
        first.update(repeating: 0, count: layout.count)
        second.update(repeating: 0, count: secondCount)
        steps = 0
    }

    /// One step.
    ///
    /// - Parameter learnt: the parameters that move.
    func step(
        _ parameters: UnsafeMutablePointer<Float>, _ gradient: UnsafeMutablePointer<Float>, learnt: Range<Int>,
        rate: Double
    ) {
        steps += 1
        let decay = settings.weightDecay
        switch settings.method {
        case .sgd(let momentum):
            if decay != 0 {
                for run in layout.decayed where run.lowerBound >= learnt.lowerBound {
                    for index in run { gradient[index] += Float(decay) * parameters[index] }
                }
            }
            let (momentum, rate) = (Float(momentum), Float(rate))
            for index in learnt {
                first[index] = momentum * first[index] + gradient[index]
                parameters[index] -= rate * (gradient[index] + momentum * first[index])
            }
        case .adamW(let beta1, let beta2, let epsilon):
            if decay != 0 {
                let kept = Float(1 - rate * decay)
                for run in layout.decayed where run.lowerBound >= learnt.lowerBound {
                    for index in run { parameters[index] *= kept }
                }
            }
            let step = Float(rate / (1 - pow(beta1, Double(steps))))
            let correction = Float(1 / (1 - pow(beta2, Double(steps))).squareRoot())
            let (beta1, beta2, epsilon) = (Float(beta1), Float(beta2), Float(epsilon))
            for index in learnt {
                let g = gradient[index]
                first[index] = beta1 * first[index] + (1 - beta1) * g
                second[index] = beta2 * second[index] + (1 - beta2) * g * g
                parameters[index] -= step * first[index] / (second[index].squareRoot() * correction + epsilon)
            }
        }
    }
}
