import Core

/// One net's newest windows of the playing song, added up such that the song can still be cut at any recent block's
/// start: the windows that end before the cut on one side, those that begin behind it on the other. Windows across the
/// cut are on neither, as if each song had been heard alone.
///
/// Windows of one cell end in the same block and begin in the same block. As windows go on, one of the two grows at a
/// time, so that there are at most two cells for each block, in a ring of constant size.
struct RecentWindows {
    private struct Cell {
        /// The windows end at or before this block's start, and behind the start of the one before.
        var end: Int64 = .min
        /// The block that the windows begin in.
        var start: Int64 = .min
        var sums: WindowSums
    }

    private let window: Int64
    private var cells: [Cell]
    /// The cell that was filled last.
    private var newest = 0

    /// - Parameter reach: blocks between the newest window's end and the earliest cut.
    init(shape: NetShape, tags: Int, reach: Int) {
        window = Int64(shape.window)
        // Windows that end behind the cut end in so many blocks; two cells each.
        let blocks = reach + 2
        // Each cell's arrays are its own: copies of one would be copied again at the first write.
        cells = (0..<(2 * blocks)).map { _ in
            Cell(sums: WindowSums(features: shape.featureCount, tags: tags))
        }
    }

    mutating func add(_ result: WindowResult, endingAt end: Int64) {
        let block = Int64(NoveltyDetector.block)
        let endBlock = (end + block - 1) / block
        let startBlock = (end - window) / block
        if cells[newest].end != endBlock || cells[newest].start != startBlock {
            newest = (newest + 1) % cells.count
            cells[newest].sums.clear()
            cells[newest].end = endBlock
            cells[newest].start = startBlock
        }
        cells[newest].sums.add(result)
    }

    /// Takes the windows that end behind a block's start off a song's sums.
    func remove(endingBehind block: Int64, from sums: inout WindowSums) {
        for index in cells.indices where cells[index].end > block { sums.subtract(cells[index].sums) }
    }

    /// Adds the windows that begin at or behind a block's start, the oldest first.
    func add(beginningAt block: Int64, to sums: inout WindowSums) {
        for offset in 1...cells.count {
            let index = (newest + offset) % cells.count
            if cells[index].start >= block { sums.add(cells[index].sums) }
        }
    }

    mutating func clear() {
        for index in cells.indices {
            cells[index].end = .min
            cells[index].start = .min
        }
    }
}
