import COpenBLAS
import Dispatch

/// One net while it learns: a step forward, the loss, back, and an update, on a batch of windows.
///
/// All memory is taken at once, when it is made. Threads share out strips of columns, always the same way: the same
/// net, batch, seed and number of threads give the same bits.
public final class NetTrainer {
    public struct Settings: Sendable, Equatable {
        /// Windows that a batch has at most.
        public var batch: Int
        public var threads: Int
        public var batchNormEpsilon: Double
        /// Share of layer n + 1's outputs that a step leaves out.
        public var dropout: Double
        /// Layers that learn nothing, from below: 0 to n + 2.
        public var frozenLayers: Int
        public var optimiser: OptimiserSettings
        public var loss: Loss

        public init(
            batch: Int = 23, threads: Int = 1, batchNormEpsilon: Double = 1e-5, dropout: Double = 0.5,
            frozenLayers: Int = 0, optimiser: OptimiserSettings = .papers, loss: Loss
        ) {
            self.batch = batch
            self.threads = threads
            self.batchNormEpsilon = batchNormEpsilon
            self.dropout = dropout
            self.frozenLayers = frozenLayers
            self.optimiser = optimiser
            self.loss = loss
        }
    }

    public let shape: NetShape
    public let tags: Int
    public let settings: Settings
    /// Labels of the batch, [batch, tags].
    public let labels: UnsafeMutablePointer<Float>

    let layout: ParameterLayout
    let parameters: UnsafeMutablePointer<Float>
    let statistics: UnsafeMutablePointer<Float>
    let optimiser: Optimiser
    private let first: FirstLayerTrainer
    /// Layers 1 … n + 1.
    private let layers: [ConvolutionTrainer]
    private let scratches: [TrainingScratch]
    /// What layer n + 1 gives, after dropout, and the logits: [batch, channels], [batch, tags].
    private let top: UnsafeMutablePointer<Float>
    private let logits: UnsafeMutablePointer<Float>
    private let logitGradient: UnsafeMutablePointer<Float>
    private let kept: UnsafeMutablePointer<Float>
    /// The loss by outputs of layers, [batch, columns, channels]: odd layers' and even ones' by turns.
    private let odd: UnsafeMutablePointer<Float>
    private let even: UnsafeMutablePointer<Float>
    private let floatCount: Int

    public init(_ net: NetParameters, _ settings: Settings, kernel: Kernel = .best) {
        precondition(
            settings.batch > 0 && settings.threads > 0 && (0...net.shape.layerCount).contains(settings.frozenLayers))
        openblas_set_num_threads(1)
        shape = net.shape
        tags = net.output.outputs
        self.settings = settings
        let (shape, tags, batch) = (shape, tags, settings.batch)
        let layout = ParameterLayout(shape, tags: tags)
        self.layout = layout
        let parameters = allocateFloats(layout.count)
        let statistics = allocateFloats(layout.statisticsCount)
        layout.load(net, into: parameters, statistics: statistics)
        self.parameters = parameters
        self.statistics = statistics
        optimiser = Optimiser(settings.optimiser, layout)
        first = FirstLayerTrainer(
            layout, batch: batch, parameters: parameters, statistics: statistics, epsilon: settings.batchNormEpsilon,
            isFrozen: settings.frozenLayers > 0, kernel: kernel)
        layers = (1...(shape.n + 1)).map { layer in
            ConvolutionTrainer(
                layout, layer: layer, batch: batch, parameters: parameters, statistics: statistics,
                epsilon: settings.batchNormEpsilon, isFrozen: layer < settings.frozenLayers, kernel: kernel)
        }
        let geometries = layers.map(\.geometry)
        scratches = (0..<settings.threads).map { _ in
            TrainingScratch(geometries, layout: layout, batch: batch, kernel: kernel)
        }
        let width = shape.widths[shape.n + 1]
        labels = allocateFloats(batch * tags)
        top = allocateFloats(batch * width)
        kept = allocateFloats(batch * width)
        logits = allocateFloats(batch * tags)
        logitGradient = allocateFloats(batch * tags)
        func most(_ parity: Int) -> Int {
            (1...(shape.n + 1)).filter { $0 % 2 == parity }
                .map { batch * shape.columns(layer: $0) * shape.widths[$0] }.max() ?? 0
        }
        odd = allocateFloats(most(1))
        even = allocateFloats(most(0))
        floatCount =
            layout.count + layout.statisticsCount + optimiser.floatCount + first.floatCount
            + layers.reduce(0) { $0 + $1.floatCount } + scratches.reduce(0) { $0 + $1.floatCount }
            + batch * (2 * width + 3 * tags) + most(1) + most(0)
    }

    deinit {
        for memory in [parameters, statistics, labels, top, kept, logits, logitGradient, odd, even] {
            memory.deallocate()
        }
    }

    /// Bytes of all that it holds.
    public var memory: Int { floatCount * MemoryLayout<Float>.stride }

    /// Where a window of the batch goes: `shape.window` samples.
    public func window(_ index: Int) -> UnsafeMutablePointer<Float> { first.window(index) }

    /// The net as it has learnt so far.
    public var net: NetParameters { layout.net(parameters, statistics: statistics) }

    /// Whether all that has been learnt is finite.
    var isFinite: Bool {
        (0..<layout.count).allSatisfy { parameters[$0].isFinite }
            && (0..<layout.statisticsCount).allSatisfy { statistics[$0].isFinite }
    }

    /// Takes another net's weights and running statistics, and forgets earlier gradients.
    public func restart(from net: NetParameters) {
        precondition(net.shape == shape && net.output.outputs == tags)
        layout.load(net, into: parameters, statistics: statistics)
        optimiser.reset()
    }

    /// One step of learning.
    ///
    /// - Parameters:
    ///   - count: windows of the batch that are there, with their labels.
    ///   - rate: the learning rate.
    ///   - seed: of dropout.
    /// - Returns: the batch's loss before the step.
    public func step(count: Int, rate: Double, seed: UInt64) -> Double {
        let loss = gradient(count: count, seed: seed)
        guard loss.isFinite else { return loss }
        optimiser.step(parameters, scratches[0].gradient, learnt: learnt, rate: rate)
        return loss
    }

    /// Parameters that learn: all behind the frozen layers.
    private var learnt: Range<Int> {
        let frozen = settings.frozenLayers
        return (frozen == 0 ? 0 : layout.layers[frozen - 1].end)..<layout.count
    }

    /// The loss, and in `parameterGradient` its gradient.
    func gradient(count: Int, seed: UInt64) -> Double {
        precondition((1...settings.batch).contains(count))
        guard forward(count) else { return .nan }
        let loss = classify(count, seed: seed)
        backward(count)
        return loss
    }

    /// The newest gradient, in the layout's order.
    var parameterGradient: UnsafePointer<Float> { UnsafePointer(scratches[0].gradient) }

    // MARK: Forward

    /// - Returns: false where a layer's statistics are no numbers.
    private func forward(_ batch: Int) -> Bool {
        inParallel { thread, scratch in
            scratch.resetTotals()
            for segment in self.part(batch, thread) { self.first.measure(segment, scratch) }
        }
        var isFinite = first.normalise(batch: batch, scratches)
        for layer in layers {
            layer.pack()
            inParallel { thread, scratch in
                scratch.resetTotals()
                let geometry = layer.geometry
                for begin in geometry.strips(batch: batch, thread: thread, of: self.settings.threads) {
                    let strip = geometry.strip(at: begin, batch: batch)
                    self.gather(layer, strip, scratch)
                    layer.forward(strip, scratch)
                }
            }
            isFinite = layer.normalise(batch: batch, scratches) && isFinite
        }
        return isFinite
    }

    /// A strip's input columns: what the layer below gives, each segment's with its padding or its neighbours.
    private func gather(_ layer: ConvolutionTrainer, _ strip: Range<Int>, _ scratch: TrainingScratch) {
        let geometry = layer.geometry
        let (inputs, taps, pool) = (geometry.inputs, geometry.taps, geometry.pool)
        let below = layer.layer == 1 ? nil : layers[layer.layer - 2]
        geometry.forEachRun(of: strip) { run in
            let target = scratch.input + (run.before * pool + run.index * (taps - 1)) * inputs
            let begin = run.columns.lowerBound * pool - geometry.left
            let wanted = begin..<(begin + run.columns.count * pool + taps - 1)
            let there = wanted.clamped(to: 0..<geometry.rows)
            let before = there.lowerBound - wanted.lowerBound
            target.update(repeating: 0, count: before * inputs)
            (target + (before + there.count) * inputs).update(
                repeating: 0, count: (wanted.upperBound - there.upperBound) * inputs)
            if let below {
                let place = run.segment * geometry.rows
                below.outputs(
                    (place + there.lowerBound)..<(place + there.upperBound), into: target + before * inputs)
            } else {
                first.outputs(run.segment, there, into: target + before * inputs, scratch)
            }
        }
    }

    // MARK: Output layer and loss

    /// Dropout, logits, the loss, and what goes back to layer n + 1's outputs.
    private func classify(_ batch: Int, seed: UInt64) -> Double {
        let width = shape.widths[shape.n + 1]
        layers[shape.n].outputs(0..<batch, into: top)
        var generator = SplitMix64(state: seed)
        let factor = Float(1 / (1 - settings.dropout))
        for index in 0..<(batch * width) {
            kept[index] = generator.nextUnit() < settings.dropout ? 0 : factor
            top[index] *= kept[index]
        }
        for segment in 0..<batch {
            (logits + segment * tags).update(from: parameters + layout.outputBias, count: tags)
        }
        let (rows, columns, channels) = (Int32(batch), Int32(tags), Int32(width))
        let weight = parameters + layout.outputWeight
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, channels, 1, top, channels, weight, columns, 1,
            logits, columns)
        let loss = settings.loss.value(
            count: batch, tags: tags, logits: logits, labels: labels, gradient: logitGradient)

        let gradient = scratches[0].gradient
        cblas_sgemm(
            CblasRowMajor, CblasTrans, CblasNoTrans, channels, columns, rows, 1, top, channels, logitGradient,
            columns, 0, gradient + layout.outputWeight, columns)
        for tag in 0..<tags {
            var sum: Float = 0
            for segment in 0..<batch { sum += logitGradient[segment * tags + tag] }
            gradient[layout.outputBias + tag] = sum
        }
        let target = outputGradient(of: shape.n + 1)
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, rows, channels, columns, 1, logitGradient, columns, weight,
            columns, 0, target, channels)
        for index in 0..<(batch * width) { target[index] *= kept[index] }
        return loss
    }

    private func outputGradient(of layer: Int) -> UnsafeMutablePointer<Float> { layer % 2 == 1 ? odd : even }

    // MARK: Backward

    private func backward(_ batch: Int) {
        // The output layer's gradient stands behind the convolutions'.
        for scratch in scratches { scratch.gradient.update(repeating: 0, count: layout.outputWeight) }
        for layer in layers.reversed() where !layer.isFrozen {
            let geometry = layer.geometry
            let returned = outputGradient(of: layer.layer)
            inParallel { thread, scratch in
                scratch.resetTotals()
                for begin in geometry.strips(batch: batch, thread: thread, of: self.settings.threads) {
                    layer.rectify(geometry.strip(at: begin, batch: batch), returned, scratch)
                }
            }
            layer.prepareBackward(batch: batch, scratches)
            inParallel { thread, scratch in
                scratch.resetTotals()
                for begin in geometry.strips(batch: batch, thread: thread, of: self.settings.threads) {
                    let strip = geometry.strip(at: begin, batch: batch)
                    self.gather(layer, strip, scratch)
                    layer.backward(strip, returned, scratch)
                    self.passOn(layer, strip, scratch)
                }
            }
        }
        addGradients()
        if settings.frozenLayers == 0 { first.finishBackward(batch: batch, scratches) }
    }

    /// What goes back to the layer below: kept for it, or, of layer 0, used at once.
    private func passOn(_ layer: ConvolutionTrainer, _ strip: Range<Int>, _ scratch: TrainingScratch) {
        guard layer.layer > settings.frozenLayers else { return }
        let geometry = layer.geometry
        let (pool, inputs, taps) = (geometry.pool, geometry.inputs, geometry.taps)
        if layer.layer > 1 {
            layer.backwardToInputs(
                strip, into: outputGradient(of: layer.layer - 1) + strip.lowerBound * pool * inputs, scratch)
            return
        }
        layer.backwardToInputs(strip, into: scratch.lowest, scratch)
        geometry.forEachRun(of: strip) { run in
            let place = run.before * pool + run.index * (taps - 1) + geometry.left
            first.backward(
                run.segment, (run.columns.lowerBound * pool)..<(run.columns.upperBound * pool),
                values: scratch.input + place * inputs, gradient: scratch.lowest + run.before * pool * inputs, scratch)
        }
    }

    /// Adds all threads' gradients of weights into the first one's. What is no weight stands there already.
    private func addGradients() {
        let target = scratches[0].gradient
        for scratch in scratches.dropFirst() {
            for layer in layout.layers {
                for index in layer.weight..<layer.bias { target[index] += scratch.gradient[index] }
            }
        }
    }

    // MARK: Threads

    /// Segments of one thread.
    private func part(_ batch: Int, _ thread: Int) -> Range<Int> {
        (batch * thread / settings.threads)..<(batch * (thread + 1) / settings.threads)
    }

    private func inParallel(_ body: (Int, TrainingScratch) -> Void) {
        guard settings.threads > 1 else { return body(0, scratches[0]) }
        withoutActuallyEscaping(body) { body in
            // Safe to share: each thread writes only to its own scratch and its own strips, and all have ended here.
            nonisolated(unsafe) let (body, scratches) = (body, scratches)
            DispatchQueue.concurrentPerform(iterations: settings.threads) { body($0, scratches[$0]) }
        }
    }
}
