import CKernels

/// What training asks of an instruction set; shapes and meaning stand in CKernels.h.
extension Kernel {
    /// Input channels of one panel.
    var panel: Int { table.pointee.panel }

    func packPanels(
        rows: Int, width: Int, _ input: UnsafePointer<Float>, into panels: UnsafeMutablePointer<Float>
    ) { table.pointee.pack_panels(rows, width, input, panels) }

    func packBlocks(
        rows: Int, width: Int, _ input: UnsafePointer<Float>, at first: Int, of stride: Int,
        into blocks: UnsafeMutablePointer<Float>
    ) { table.pointee.pack_blocks(rows, width, input, first, stride, blocks) }

    /// Rows of blocks become zeros.
    func clearBlocks(rows: Int, width: Int, at first: Int, of stride: Int, in blocks: UnsafeMutablePointer<Float>) {
        for block in 0..<((width + lanes - 1) / lanes) {
            (blocks + (block * stride + first) * lanes).update(repeating: 0, count: rows * lanes)
        }
    }

    func accumulate(
        taps: Int, rows: Int, depth: Int, width: Int, panelRows: Int, panels: UnsafePointer<Float>,
        blocks: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>
    ) { table.pointee.accumulate(taps, rows, depth, width, panelRows, panels, blocks, gradient) }

    func statistics(
        columns: Int, pool: Int, width: Int, _ values: UnsafePointer<Float>, sign: UnsafePointer<Float>,
        extremes: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Float>,
        squares: UnsafeMutablePointer<Float>
    ) { table.pointee.statistics(columns, pool, width, values, sign, extremes, sums, squares) }

    func normalise(
        columns: Int, width: Int, _ values: UnsafePointer<Float>, scale: UnsafePointer<Float>,
        offset: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>
    ) { table.pointee.normalise(columns, width, values, scale, offset, output) }

    func rectify(
        columns: Int, width: Int, _ values: UnsafePointer<Float>, scale: UnsafePointer<Float>,
        offset: UnsafePointer<Float>, mean: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>,
        sums: UnsafeMutablePointer<Float>, products: UnsafeMutablePointer<Float>
    ) { table.pointee.rectify(columns, width, values, scale, offset, mean, gradient, sums, products) }

    func unpool(
        columns: Int, pool: Int, width: Int, _ values: UnsafePointer<Float>, extremes: UnsafePointer<Float>,
        gradient: UnsafePointer<Float>, factor: UnsafePointer<Float>, slope: UnsafePointer<Float>,
        constant: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>
    ) { table.pointee.unpool(columns, pool, width, values, extremes, gradient, factor, slope, constant, output) }
}
