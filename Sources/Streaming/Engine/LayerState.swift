import Core

/// The memory of one layer: a ring of shared columns in each phase and the edges, or, where nothing is shared, the columns of the newest windows.
///
/// A plain bundle of pointers that `IncrementalEngine` owns and frees.
struct LayerState {
    let width: Int
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
    /// [phases, ringColumns, width].
    private let ring: UnsafeMutablePointer<Float>
    /// [waitingEdges, width].
    private let firstEdges: UnsafeMutablePointer<Float>
    /// [batch, 1 or columns, width]: the last edges of the newest windows, or all their columns.
    private let windows: UnsafeMutablePointer<Float>

    init(_ plan: EnginePlan.Layer, width: Int, batch: Int) {
        self.width = width
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
        ring = allocateFloats(plan.phases * plan.ringColumns * width)
        firstEdges = allocateFloats(plan.waitingEdges * width)
        windows = allocateFloats(batch * (plan.isShared ? 1 : plan.columns) * width)
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
    func shared(phase: Int, column: Int) -> UnsafeMutablePointer<Float> {
        ring + (phase * ringColumns + column % ringColumns) * width
    }

    @inline(__always)
    func firstEdge(of window: Int) -> UnsafeMutablePointer<Float> {
        firstEdges + window % waitingEdges * width
    }

    @inline(__always)
    func lastEdge(of window: Int) -> UnsafeMutablePointer<Float> { windows + window % batch * width }

    /// A column of a window of a layer that isn't shared.
    @inline(__always)
    func windowColumn(_ column: Int, of window: Int) -> UnsafeMutablePointer<Float> {
        windows + (window % batch * columns + column) * width
    }
}

/// One window's columns of one layer, wherever they stand: in the ring, as an edge, as zeros beyond the window.
struct WindowColumns {
    let state: LayerState
    let window: Int
    let phase: Int
    /// The window's first column, counted from the first window of the phase; negative before that window.
    let base: Int
    let zeros: UnsafeMutablePointer<Float>

    @inline(__always)
    init(_ state: LayerState, window: Int, zeros: UnsafeMutablePointer<Float>) {
        self.state = state
        self.window = window
        self.zeros = zeros
        phase = floorModulo(window, state.phases)
        base = (window - phase) / state.phases * state.period
    }

    /// `width` floats of column `column` of the window.
    @inline(__always)
    subscript(column: Int) -> UnsafeMutablePointer<Float> {
        if column < 0 || column >= state.columns { return zeros }
        if !state.isShared { return state.windowColumn(column, of: window) }
        if column == 0 && state.hasFirstEdge { return state.firstEdge(of: window) }
        if column == state.columns - 1 && state.hasLastEdge { return state.lastEdge(of: window) }
        return state.shared(phase: phase, column: base + column)
    }
}

/// The remainder that is never negative.
@inline(__always)
func floorModulo(_ value: Int, _ modulus: Int) -> Int {
    let remainder = value % modulus
    return remainder < 0 ? remainder + modulus : remainder
}
