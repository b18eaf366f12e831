import Core

/// The memory of one layer: a ring of shared columns in each phase and the edges, or, where nothing is shared, the columns of the newest windows.
///
/// A plain bundle of pointers that `IncrementalEngine` owns and frees.
struct LayerState {
    /// Bytes of a column.
    let columnBytes: Int
    let columns: Int
    let isShared: Bool
    let hasFirstEdge: Bool
    let hasLastEdge: Bool
    let phases: Int
    let period: Int
    let lead: Int
    let firstShared: Int
    let sharedEnd: Int
    let ringColumns: Int
    /// [phases]: the first column of each phase that is not yet computed, counted from the first window of the phase.
    let next: UnsafeMutablePointer<Int>

    private let batch: Int
    private let waitingEdges: Int
    /// [phases, ringColumns] columns.
    private let ring: UnsafeMutableRawPointer
    /// [waitingEdges] columns.
    private let firstEdges: UnsafeMutableRawPointer
    /// [batch, 1 or columns] columns: the last edges of the newest windows, or all their columns.
    private let windows: UnsafeMutableRawPointer

    init(_ plan: EnginePlan.Layer, batch: Int) {
        columnBytes = plan.columnBytes
        self.batch = batch
        columns = plan.columns
        isShared = plan.isShared
        hasFirstEdge = plan.hasFirstEdge
        hasLastEdge = plan.hasLastEdge
        phases = plan.phases
        period = plan.period
        lead = plan.lead
        firstShared = plan.firstShared
        sharedEnd = plan.sharedEnd
        ringColumns = plan.ringColumns
        waitingEdges = plan.waitingEdges
        next = .allocate(capacity: plan.phases)
        ring = allocateColumns(plan.phases * plan.ringColumns * columnBytes)
        firstEdges = allocateColumns(plan.waitingEdges * columnBytes)
        windows = allocateColumns(batch * (plan.isShared ? 1 : plan.columns) * columnBytes)
        reset()
    }

    func deallocate() {
        next.deallocate()
        ring.deallocate()
        firstEdges.deallocate()
        windows.deallocate()
    }

    /// Column 0 belongs to the stream only where no window has an edge there.
    func reset() { next.initialize(repeating: firstShared, count: phases) }

    /// A shared column, counted from the first window of the phase.
    @inline(__always)
    func shared(phase: Int, column: Int) -> UnsafeMutableRawPointer {
        ring + (phase * ringColumns + column % ringColumns) * columnBytes
    }

    @inline(__always)
    func firstEdge(of window: Int) -> UnsafeMutableRawPointer {
        firstEdges + window % waitingEdges * columnBytes
    }

    @inline(__always)
    func lastEdge(of window: Int) -> UnsafeMutableRawPointer { windows + window % batch * columnBytes }

    /// A column of a window of a layer that isn't shared.
    @inline(__always)
    func windowColumn(_ column: Int, of window: Int) -> UnsafeMutableRawPointer {
        windows + (window % batch * columns + column) * columnBytes
    }
}

/// One window's columns of one layer, wherever they stand: in the ring, as an edge, as zeros beyond the window.
struct WindowColumns {
    let state: LayerState
    let window: Int
    let phase: Int
    /// The window's first column, counted from the first window of the phase; negative before that window.
    let base: Int
    let zeros: UnsafeMutableRawPointer

    @inline(__always)
    init(_ state: LayerState, window: Int, zeros: UnsafeMutableRawPointer) {
        self.state = state
        self.window = window
        self.zeros = zeros
        phase = floorModulo(window, state.phases)
        base = (window - phase) / state.phases * state.period
    }

    /// Column `column` of the window.
    @inline(__always)
    subscript(column: Int) -> UnsafeMutableRawPointer {
        if column < 0 || column >= state.columns { return zeros }
        if !state.isShared { return state.windowColumn(column, of: window) }
        if column == 0 && state.hasFirstEdge { return state.firstEdge(of: window) }
        if column == state.columns - 1 && state.hasLastEdge { return state.lastEdge(of: window) }
        return state.shared(phase: phase, column: base + column)
    }
}

/// `count` bytes of zero on a cache line's boundary; the caller deallocates.
func allocateColumns(_ count: Int) -> UnsafeMutableRawPointer {
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: max(1, count), alignment: 64)
    bytes.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    return bytes
}

/// The remainder that is never negative.
@inline(__always)
func floorModulo(_ value: Int, _ modulus: Int) -> Int {
    let remainder = value % modulus
    return remainder < 0 ? remainder + modulus : remainder
}
