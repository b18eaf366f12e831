import Core

/// Every window for the price of its new samples, with the numbers of a full forward pass. `EnginePlan` states the rule; this is its execution.
///
/// At the end of each window — and, before the first window is full, at the same spacing, so that no hop ever has
/// more to do than another — the layers are passed from below. Each layer's columns of this hop, shared ones and
/// edges alike, go to the kernel in one call, so that weights are read once a hop (once a batch, for files).
public final class IncrementalEngine: WindowEngine {
    public let plan: EnginePlan
    public let net: PackedNet
    public var shape: NetShape { plan.shape }
    public var hop: Int { plan.hop }

    private let layers: [LayerState]
    private let samples: SampleHistory
    private let gather: ColumnGather
    /// A column of zeros, as long as the longest; zero is all bits zero in either precision.
    private let zeros: UnsafeMutableRawPointer
    /// Layer 0's first column where zeros stand before the window: [batch, m] samples.
    private let firstInputs: UnsafeMutablePointer<Float>
    /// [batch, widths[n + 1]]: floats, even of an 8-bit net.
    private let top: UnsafeMutablePointer<Float>
    private let probabilities: UnsafeMutablePointer<Float>
    private let features: UnsafeMutablePointer<Float>
    /// The next window to end; negative while the first window is not yet full.
    private var nextWindow = 0
    /// The first window of the newest step that was full, for `result`.
    private var firstResult = 0

    public init(net: PackedNet, plan: EnginePlan) {
        precondition(net.shape == plan.shape && net.precision == plan.precision)
        self.net = net
        self.plan = plan
        layers = (0...plan.shape.n).map { LayerState(plan.layers[$0], batch: plan.batch) }
        samples = SampleHistory(capacity: plan.sampleCapacity)
        let spread = net.layers.map(\.spread).max() ?? 1
        gather = ColumnGather(capacity: 1024, spread: spread)
        zeros = allocateColumns(plan.layers.map(\.columnBytes).max() ?? 0)
        firstInputs = allocateFloats(plan.batch * plan.shape.m)
        top = allocateFloats(plan.batch * plan.shape.widths[plan.shape.n + 1])
        probabilities = allocateFloats(plan.batch * net.tags)
        features = allocateFloats(plan.batch * plan.shape.featureCount)
        reset()
    }

    deinit {
        layers.forEach { $0.deallocate() }
        zeros.deallocate()
        firstInputs.deallocate()
        top.deallocate()
        probabilities.deallocate()
        features.deallocate()
    }

    public var samplesWanted: Int { end(of: nextWindow + plan.batch - 1) - samples.end }

    public var samplesToNextWindow: Int { end(of: nextWindow) - samples.end }

    public func push(_ new: UnsafeBufferPointer<Float>) {
        precondition(new.count <= samplesWanted)
        samples.append(new, keepingFrom: end(of: nextWindow) - plan.sampleHistory)
    }

    public func step() -> Int {
        guard samples.end >= end(of: nextWindow) else { return 0 }
        let windows = nextWindow..<(nextWindow + (samples.end - end(of: nextWindow)) / hop + 1)
        nextWindow = windows.upperBound
        for layer in 0...shape.n { compute(layer, windows: windows) }
        guard windows.upperBound > 0 else { return 0 }
        let full = max(0, windows.lowerBound)..<windows.upperBound
        firstResult = full.lowerBound
        computeTop(full)
        return full.count
    }

    public func result(_ index: Int) -> WindowResult {
        let window = firstResult + index
        let slot = window % plan.batch
        return WindowResult(
            end: end(of: window),
            probabilities: UnsafeBufferPointer(start: probabilities + slot * net.tags, count: net.tags),
            features: UnsafeBufferPointer(start: features + slot * shape.featureCount, count: shape.featureCount))
    }

    public func reset() {
        samples.reset()
        for layer in layers { layer.reset() }
        // The earliest window whose end lies behind the first sample.
        nextWindow = -((shape.window - 1) / hop)
        firstResult = 0
    }

    private func end(of window: Int) -> Int { shape.window + window * hop }

    // MARK: One layer

    /// All of a layer's columns that are due when `windows` end.
    private func compute(_ layer: Int, windows: Range<Int>) {
        let state = layers[layer]
        gather.begin(net.layers[layer])
        for window in windows {
            if state.isShared {
                computeShared(layer, state, window: window)
                if state.hasFirstEdge, window + state.lead >= 0 {
                    add(layer, window: window + state.lead, column: 0, to: state.firstEdge(of: window + state.lead))
                }
                if state.hasLastEdge, window >= 0 {
                    add(layer, window: window, column: state.columns - 1, to: state.lastEdge(of: window))
                }
            } else if window >= 0 {
                for column in 0..<state.columns {
                    add(layer, window: window, column: column, to: state.windowColumn(column, of: window))
                }
            }
        }
        gather.finish()
    }

    /// The stream's columns that have become complete in this window's phase.
    private func computeShared(_ layer: Int, _ state: LayerState, window: Int) {
        let own = WindowColumns(state, window: window, zeros: zeros)
        let end = own.base + state.sharedEnd
        let first = max(state.next[own.phase], own.base + state.firstShared)
        guard first < end else { return }
        for column in first..<end {
            add(layer, window: window, column: column - own.base, to: state.shared(phase: own.phase, column: column))
        }
        state.next[own.phase] = end
    }

    /// Hands one output column to the kernel. `column` counts from the window's first.
    private func add(_ layer: Int, window: Int, column: Int, to output: UnsafeMutableRawPointer) {
        let inputs = gather.add(output)
        if layer == 0 {
            inputs[0] = UnsafeRawPointer(firstLayerInput(window: window, column: column))
            return
        }
        let below = WindowColumns(layers[layer - 1], window: window, zeros: zeros)
        let first = column * shape.m - shape.leftPadding
        for index in 0..<(2 * shape.m - 1) { inputs[index] = UnsafeRawPointer(below[first + index]) }
    }

    /// The m samples that layer 0 makes a column from.
    private func firstLayerInput(window: Int, column: Int) -> UnsafePointer<Float> {
        let start = window * hop - shape.firstPadding + column * shape.m
        guard column == 0, shape.firstPadding > 0 else { return samples.pointer(at: start) }
        let padded = firstInputs + floorModulo(window, plan.batch) * shape.m
        let count = shape.m - shape.firstPadding
        (padded + shape.firstPadding).update(from: samples.pointer(at: window * hop), count: count)
        return UnsafePointer(padded)
    }

    // MARK: Behind the last pool

    /// Layer n + 1, features and probabilities of the windows that are full.
    private func computeTop(_ windows: Range<Int>) {
        let last = shape.n + 1
        gather.begin(net.layers[last])
        for window in windows {
            gather.add(top(of: window))[0] = UnsafeRawPointer(layers[shape.n].windowColumn(0, of: window))
        }
        gather.finish()
        gather.begin(net.output)
        for window in windows {
            gather.add(probabilities + window % plan.batch * net.tags)[0] = UnsafeRawPointer(top(of: window))
        }
        gather.finish()
        for window in windows {
            net.function.apply(
                UnsafeMutableBufferPointer(start: probabilities + window % plan.batch * net.tags, count: net.tags))
            collectFeatures(of: window)
        }
    }

    private func top(of window: Int) -> UnsafeMutablePointer<Float> {
        top + window % plan.batch * shape.widths[shape.n + 1]
    }

    /// Levels −3, −2 and −1: of layer n − 1 the maximum over its m columns, of the others their only column.
    private func collectFeatures(of window: Int) {
        let target = features + window % plan.batch * shape.featureCount
        let below = WindowColumns(layers[shape.n - 1], window: window, zeros: zeros)
        let widths = (shape.widths[shape.n - 1], shape.widths[shape.n])
        let last = layers[shape.n].windowColumn(0, of: window)
        switch net.precision {
        case .float:
            maximum(of: below, width: widths.0, step: 1, as: Float.self, into: target)
            (target + widths.0).update(from: last.assumingMemoryBound(to: Float.self), count: widths.1)
        case .int8:
            maximum(of: below, width: widths.0, step: net.featureSteps.0, as: UInt8.self, into: target)
            let bytes = last.assumingMemoryBound(to: UInt8.self)
            for channel in 0..<widths.1 { target[widths.0 + channel] = Float(bytes[channel]) * net.featureSteps.1 }
        }
        (target + widths.0 + widths.1).update(from: top(of: window), count: shape.widths[shape.n + 1])
    }

    /// target[channel] = step · the largest of all columns' activations.
    @inline(__always)
    private func maximum<Activation: FeatureActivation>(
        of columns: WindowColumns, width: Int, step: Float, as type: Activation.Type,
        into target: UnsafeMutablePointer<Float>
    ) {
        for column in 0..<columns.state.columns {
            let source = columns[column].assumingMemoryBound(to: type)
            for channel in 0..<width {
                let value = source[channel].real * step
                target[channel] = column == 0 ? value : max(target[channel], value)
            }
        }
    }
}

/// What a layer's activations are held as.
private protocol FeatureActivation {
    var real: Float { get }
}

extension Float: FeatureActivation {
    fileprivate var real: Float { self }
}

extension UInt8: FeatureActivation {
    fileprivate var real: Float { Float(self) }
}
