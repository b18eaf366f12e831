import Core

/// What an engine does at every hop: which layers it shares between windows, in how many phases, and what that costs.
///
/// # The rule
///
/// Number the samples of the endless stream from 0. Window j covers samples [jH, jH + W), H being the hop and
/// W = m^(n+1). Layer i's pooled columns lie on a grid of spacing gᵢ = m^(i+1) samples that starts where the window
/// starts, so that windows j and j′ share layer i's grid when (j − j′)·H is a multiple of gᵢ. Layer i has therefore
///
///     Pᵢ = gᵢ / gcd(H, gᵢ)   phases;   window j is in phase j mod Pᵢ;
///     Kᵢ = Pᵢ·H / gᵢ = H / gcd(H, gᵢ)   columns pass between two windows of one phase.
///
/// A convolution of width m with "same" zero padding reads `left` = ⌊(m−1)/2⌋ columns before and `right` = m−1−left
/// behind its own; a max-pool of m stands behind it. Pooled column u of layer i thus reads columns mu − left …
/// mu + m − 1 + right of layer i − 1. Only u = 0 can reach a zero or column 0 below it, and only the last u a zero or
/// the last column below it: of every layer, **at most the first and the last column of a window differ from
/// those of the endless stream**. By induction over i:
///
/// - *shared* columns (all but those two) are computed once in each phase and kept in a ring;
/// - the *first edge* column is computed once a window. It needs only the window's beginning, so it is computed as
///   soon as that beginning is in the rings, dᵢ windows ahead of the window that ends now; rings stay a few columns
///   long instead of a whole window, and only the edge itself waits for its window's end;
/// - the *last edge* column is computed when the window ends.
///
/// With m = 2 and no first padding there are no zeros on the left, and no first edges. Layer n has one column, which
/// is both edges. The upper layers may not be worth sharing: where Kᵢ is no less than the columns a window has to
/// share, no column would ever be used twice, and where rings would be too large, sharing is given up from above.
/// `sharedLayers` says how many layers, counted from layer 0, share; the others are computed anew for each window.
public struct EnginePlan: Sendable, Equatable {
    public let shape: NetShape
    /// What the net computes in, which says how large columns are.
    public let precision: Precision
    /// Samples from one window's end to the next one's.
    public let hop: Int
    /// Windows computed together.
    public let batch: Int
    /// Layers 0 ..< sharedLayers share columns between windows; 0 means whole windows.
    public let sharedLayers: Int
    /// Layers 0 … n + 1.
    public let layers: [Layer]
    /// Multiply-adds of the output layer a hop.
    public let outputMultiplyAdds: Int
    /// Samples before a window's end that its hop may read.
    public let sampleHistory: Int

    /// One layer's part of the plan.
    public struct Layer: Sendable, Equatable {
        /// Columns of one window: Lᵢ.
        public let columns: Int
        /// Samples between neighbouring columns: gᵢ.
        public let spacing: Int
        public let isShared: Bool
        /// Whether a window's first column differs from the stream's.
        public let hasFirstEdge: Bool
        /// Whether a window's last column differs from the stream's.
        public let hasLastEdge: Bool
        /// Pᵢ; 1 where the layer isn't shared.
        public let phases: Int
        /// Kᵢ: columns that pass between two windows of one phase; 0 where the layer isn't shared.
        public let period: Int
        /// Shared columns computed a hop: Kᵢ, or all that a window shares where windows of one phase don't overlap.
        public let newColumns: Int
        /// dᵢ: the first edge computed at window j's end is that of window j + lead; a multiple of Pᵢ₋₁.
        public let lead: Int
        /// Columns that a phase's ring holds.
        public let ringColumns: Int
        /// First edges that wait for their window's end.
        public let waitingEdges: Int
        /// Multiply-adds a hop.
        public let multiplyAdds: Int
        /// Bytes of one column.
        public let columnBytes: Int
        /// Bytes of rings, waiting edges and window columns.
        public let bytes: Int

        /// Columns computed a hop, edges and all.
        public var columnsPerHop: Int {
            isShared ? newColumns + (hasFirstEdge ? 1 : 0) + (hasLastEdge ? 1 : 0) : columns
        }

        /// The first column that all windows of a phase agree on.
        var firstShared: Int { hasFirstEdge ? 1 : 0 }
        /// Behind the last column that all windows of a phase agree on.
        var sharedEnd: Int { columns - (hasLastEdge ? 1 : 0) }
    }

    /// Multiply-adds a hop, all layers.
    public var multiplyAdds: Int { layers.reduce(outputMultiplyAdds) { $0 + $1.multiplyAdds } }

    /// Bytes of the engine's state.
    public var bytes: Int { layers.reduce(sampleCapacity * MemoryLayout<Float>.stride) { $0 + $1.bytes } }

    /// Samples that the engine keeps: what a batch of hops reads, and as much again, so that moving them to the
    /// front is seldom.
    var sampleCapacity: Int { 2 * (sampleHistory + batch * min(hop, shape.window)) }

    /// Whether nothing is shared.
    public var isWholeWindow: Bool { sharedLayers == 0 }

    /// What was chosen and what it costs, for a log's line: `3^9 at hop 729: layers 0 to 7 shared, 31.3 M multiply-adds, 1.1 MB`.
    public var summary: String {
        func oneDecimal(_ value: Int) -> String { "\((Double(value) / 1e5).rounded() / 10)" }
        let choice = isWholeWindow ? "whole windows" : "layers 0 to \(sharedLayers - 1) shared"
        return
            "\(shape.name)\(precision == .float ? "" : " \(precision.rawValue)") at hop \(hop): \(choice), \(oneDecimal(multiplyAdds)) M multiply-adds, \(oneDecimal(bytes)) MB"
    }

    /// The cheapest plan by counted multiply-adds whose state fits in `memoryLimit` bytes; among equals the smallest.
    ///
    /// Whole windows always fit: where even they exceed the limit, they are what is left.
    public static func cheapest(
        shape: NetShape, precision: Precision = .float, tags: Int, hop: Int, batch: Int = 1,
        memoryLimit: Int = 256 << 20
    ) -> EnginePlan {
        let plans = (0...shape.n).map { sharedLayers in
            EnginePlan(
                shape: shape, precision: precision, tags: tags, hop: hop, batch: batch, sharedLayers: sharedLayers,
                memoryLimit: memoryLimit)
        }
        let affordable = plans.filter { $0.bytes <= memoryLimit || $0.isWholeWindow }
        return affordable.min { ($0.multiplyAdds, $0.bytes) < ($1.multiplyAdds, $1.bytes) } ?? plans[0]
    }

    /// The plan that shares exactly the layers below `sharedLayers` (0 … n).
    ///
    /// - Parameter batch: windows computed together; made smaller where the windows of unshared layers would
    ///   take more than `memoryLimit` bytes.
    public init(
        shape: NetShape, precision: Precision = .float, tags: Int, hop: Int, batch: Int, sharedLayers: Int,
        memoryLimit: Int
    ) {
        precondition(hop > 0 && batch > 0 && (0...shape.n).contains(sharedLayers))
        self.shape = shape
        self.precision = precision
        self.hop = hop
        self.sharedLayers = sharedLayers
        outputMultiplyAdds = shape.widths[shape.n + 1] * tags

        let windowBytes = (sharedLayers...(shape.n + 1)).reduce(0) {
            $0 + shape.columns(layer: $1) * precision.columnBytes(of: shape, layer: $1)
        }
        // Hops beyond the window read samples that lie apart; there is nothing to gain from many at once.
        let batch = hop > shape.window ? 1 : max(1, min(batch, memoryLimit / 2 / max(1, windowBytes)))
        self.batch = batch

        var geometry: [Geometry] = []
        for layer in 0..<shape.layerCount {
            geometry.append(
                Geometry(shape: shape, hop: hop, layer: layer, below: geometry.last, isShared: layer < sharedLayers))
        }
        layers = geometry.indices.map { index in
            Self.layer(
                index, of: shape, precision: precision, geometry: geometry, hop: hop, batch: batch)
        }
        sampleHistory = Self.sampleHistory(shape: shape, hop: hop, first: geometry[0])
    }
}

extension EnginePlan {
    /// What follows from a layer's place alone, before rings are measured.
    private struct Geometry {
        let columns: Int
        let spacing: Int
        let isShared: Bool
        let hasFirstEdge: Bool
        let hasLastEdge: Bool
        let phases: Int
        let period: Int
        let newColumns: Int
        let lead: Int

        init(shape: NetShape, hop: Int, layer: Int, below: Geometry?, isShared: Bool) {
            columns = shape.columns(layer: layer)
            spacing = shape.stride(layer: layer)
            self.isShared = isShared
            if let below {
                hasFirstEdge = shape.leftPadding > 0 || below.hasFirstEdge
                hasLastEdge = shape.rightPadding > 0 || below.hasLastEdge
            } else {
                hasFirstEdge = shape.firstPadding > 0
                hasLastEdge = false
            }
            phases = isShared ? spacing / greatestCommonDivisor(hop, spacing) : 1
            period = isShared ? hop / greatestCommonDivisor(hop, spacing) : 0
            newColumns = min(period, columns - (hasFirstEdge ? 1 : 0) - (hasLastEdge ? 1 : 0))
            guard isShared, hasFirstEdge else {
                lead = 0
                return
            }
            if let below {
                // The edge's inputs reach to column m − 1 + right below; that one must be shared and computed.
                let reach = below.columns - (below.hasLastEdge ? 1 : 0) - shape.m - shape.rightPadding
                lead = reach / below.period * below.phases
            } else {
                lead = (shape.window - shape.m) / hop
            }
        }

        var sharedEnd: Int { columns - (hasLastEdge ? 1 : 0) }
    }

    private static func layer(
        _ index: Int, of shape: NetShape, precision: Precision, geometry: [Geometry], hop: Int, batch: Int
    ) -> Layer {
        let own = geometry[index]
        let columnBytes = precision.columnBytes(of: shape, layer: index)
        let pool = (1...shape.n).contains(index) ? shape.m : 1
        let perColumn = pool * shape.kernelWidth(layer: index) * shape.inputChannels(layer: index) * shape.widths[index]
        let ring = own.isShared ? ringColumns(index, shape: shape, geometry: geometry, hop: hop, batch: batch) : 0
        let leadAbove = index + 1 < geometry.count ? geometry[index + 1].lead : 0
        let waiting = own.isShared && own.hasFirstEdge ? own.lead - leadAbove + batch : 0
        let perWindow = own.isShared ? (own.hasLastEdge ? 1 : 0) : own.columns
        let columnsPerHop =
            own.isShared
            ? own.newColumns + (own.hasFirstEdge ? 1 : 0) + (own.hasLastEdge ? 1 : 0) : own.columns
        return Layer(
            columns: own.columns, spacing: own.spacing, isShared: own.isShared, hasFirstEdge: own.hasFirstEdge,
            hasLastEdge: own.hasLastEdge, phases: own.phases, period: own.period, newColumns: own.newColumns,
            lead: own.lead,
            ringColumns: ring, waitingEdges: waiting, multiplyAdds: perColumn * columnsPerHop,
            columnBytes: columnBytes, bytes: (own.phases * ring + waiting + perWindow * batch) * columnBytes)
    }

    /// Columns that a phase's ring of layer `index` must hold: from the oldest that anyone above reads at a hop to the
    /// newest, and those that later hops of the same batch have already written.
    private static func ringColumns(
        _ index: Int, shape: NetShape, geometry: [Geometry], hop: Int, batch: Int
    ) -> Int {
        let own = geometry[index]
        let above = geometry[index + 1]
        let m = shape.m
        // Oldest column read, in the columns of the window that ends at this hop.
        var oldest = own.sharedEnd - 1
        if above.isShared {
            oldest = min(oldest, m * (above.sharedEnd - above.newColumns) - shape.leftPadding)
            if above.hasFirstEdge {
                oldest = min(oldest, above.lead * hop / own.spacing + (own.hasFirstEdge ? 1 : 0))
            }
            if above.hasLastEdge { oldest = min(oldest, m * (above.columns - 1) - shape.leftPadding) }
        } else {
            oldest = own.hasFirstEdge ? 1 : 0
        }
        let visits = (batch + own.phases - 1) / own.phases
        return own.sharedEnd - max(0, oldest) + (visits - 1) * own.period
    }

    private static func sampleHistory(shape: NetShape, hop: Int, first: Geometry) -> Int {
        guard first.isShared else { return shape.window + shape.firstPadding }
        let forShared = first.newColumns * shape.m + shape.firstPadding
        let forEdge = first.hasFirstEdge ? shape.window - first.lead * hop : 0
        return max(forShared, forEdge)
    }
}

func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
