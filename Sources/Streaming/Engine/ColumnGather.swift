import Core

/// Collects the output columns of one layer and hands them to its kernel together: every call reads the layer's weights once.
final class ColumnGather {
    private let inputs: UnsafeMutablePointer<UnsafeRawPointer?>
    private let outputs: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private let capacity: Int
    private var count = 0
    private var spread = 1
    private var layer: (any PackedLayer)?

    /// - Parameters:
    ///   - capacity: columns of one call; where there are more, weights are read once for each so many.
    ///   - spread: most input columns that an output column has.
    init(capacity: Int, spread: Int) {
        self.capacity = capacity
        inputs = .allocate(capacity: capacity * spread)
        inputs.initialize(repeating: nil, count: capacity * spread)
        outputs = .allocate(capacity: capacity)
        outputs.initialize(repeating: nil, count: capacity)
    }

    deinit {
        inputs.deallocate()
        outputs.deallocate()
    }

    func begin(_ layer: any PackedLayer) {
        self.layer = layer
        spread = layer.spread
        count = 0
    }

    /// Adds an output column.
    ///
    /// - Returns: where its `spread` input columns are to be named, before anything else is called.
    func add(_ output: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UnsafeRawPointer?> {
        if count == capacity { finish() }
        outputs[count] = output
        count += 1
        return inputs + (count - 1) * spread
    }

    func finish() {
        guard count > 0 else { return }
        layer?.apply(columns: count, inputs: inputs, outputs: outputs)
        count = 0
    }
}
