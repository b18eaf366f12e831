/// What one thread works in while strips of layers pass; as large as the largest of them wants.
final class TrainingScratch {
    /// A strip's input columns, each segment's with its padding or its neighbours.
    let input: UnsafeMutablePointer<Float>
    /// What comes back to a strip's convolution rows, each segment's with the pool groups next to it.
    let returned: UnsafeMutablePointer<Float>
    /// What goes back to layer 0's columns.
    let lowest: UnsafeMutablePointer<Float>
    let panels: UnsafeMutablePointer<Float>
    let blocks: UnsafeMutablePointer<Float>
    let inputs: UnsafeMutablePointer<UnsafeRawPointer?>
    let outputs: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    /// A strip's sums, [2, channels].
    let sums: UnsafeMutablePointer<Float>
    /// All strips' sums, [2, channels].
    let totals: UnsafeMutablePointer<Double>
    /// Products of layer 0's taps, [taps, taps].
    let products: UnsafeMutablePointer<Double>
    /// Gradients of this thread's strips; the first thread's are the net's.
    let gradient: UnsafeMutablePointer<Float>
    let floatCount: Int
    private let widest: Int
    private let productCount: Int

    init(_ geometries: [LayerGeometry], layout: ParameterLayout, batch: Int, kernel: Kernel) {
        func most(_ size: (LayerGeometry) -> Int) -> Int { geometries.map(size).max() ?? 0 }
        func up(_ count: Int, _ step: Int) -> Int { (count + step - 1) / step * step }
        // Of layer 0 also the taps are summed.
        widest = max(most(\.outputs), layout.shape.widths[0], layout.shape.m)
        let sizes = (
            input: most { $0.mostInputRows(batch: batch) * $0.inputs },
            returned: most { $0.mostReturnedRows(batch: batch) * $0.outputs },
            lowest: (LayerGeometry.stripRows + layout.shape.m) * layout.shape.widths[0],
            // Layer 0's taps of the sound pass through here too: of a narrow net they are more than all channels.
            panels: most { $0.mostInputRows(batch: batch) * up(max($0.inputs, layout.shape.m), kernel.panel) },
            blocks: most { $0.mostInputRows(batch: batch) * up(max($0.outputs, layout.shape.widths[0]), kernel.lanes) }
        )
        input = allocateFloats(sizes.input)
        returned = allocateFloats(sizes.returned)
        lowest = allocateFloats(sizes.lowest)
        panels = allocateFloats(sizes.panels)
        blocks = allocateFloats(sizes.blocks)
        let pointers = most { $0.mostInputRows(batch: batch) * $0.taps }
        inputs = .allocate(capacity: pointers)
        inputs.initialize(repeating: nil, count: pointers)
        outputs = .allocate(capacity: pointers)
        outputs.initialize(repeating: nil, count: pointers)
        sums = allocateFloats(2 * widest)
        totals = .allocate(capacity: 2 * widest)
        totals.initialize(repeating: 0, count: 2 * widest)
        productCount = layout.shape.m * layout.shape.m
        products = .allocate(capacity: productCount)
        products.initialize(repeating: 0, count: productCount)
        gradient = allocateFloats(layout.count)
        floatCount =
            sizes.input + sizes.returned + sizes.lowest + sizes.panels + sizes.blocks + 4 * pointers + 6 * widest
            + layout.count
    }

    deinit {
        input.deallocate()
        returned.deallocate()
        lowest.deallocate()
        panels.deallocate()
        blocks.deallocate()
        inputs.deallocate()
        outputs.deallocate()
        sums.deallocate()
        totals.deallocate()
        products.deallocate()
        gradient.deallocate()
    }

    func resetTotals() {
        totals.update(repeating: 0, count: 2 * widest)
        products.update(repeating: 0, count: productCount)
    }

    func resetSums(channels: Int) { sums.update(repeating: 0, count: 2 * channels) }

    /// Adds the strip's sums to all strips': few floats added in a float, many of those in a double.
    func addSumsToTotals(channels: Int) {
        for index in 0..<(2 * channels) { totals[index] += Double(sums[index]) }
    }
}
