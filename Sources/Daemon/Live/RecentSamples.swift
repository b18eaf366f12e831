import Core

/// The newest samples of the stream since its last gap, at 22 050 Hz: what a tagger is warmed with that takes another's
/// place. Belongs to the engine's thread; nothing is allocated after construction.
final class RecentSamples {
    /// Six seconds: more than the longest window of any published net.
    static let capacity = 1 << 17

    private let samples = UnsafeMutablePointer<Float>.allocate(capacity: RecentSamples.capacity)
    /// Samples added since the last gap.
    private var added = 0

    /// Samples that are held.
    var count: Int { min(added, Self.capacity) }

    deinit { samples.deallocate() }

    func append(_ new: UnsafeBufferPointer<Float>) {
        // Of more than fits only the end stays.
        var rest = UnsafeBufferPointer(rebasing: new.suffix(Self.capacity))
        added += new.count - rest.count
        while !rest.isEmpty {
            let offset = added % Self.capacity
            let part = min(rest.count, Self.capacity - offset)
            (samples + offset).update(from: rest.baseAddress!, count: part)
            added += part
            rest = UnsafeBufferPointer(rebasing: rest[part...])
        }
    }

    /// Forgets all: what comes next doesn't follow on it.
    func clear() { added = 0 }

    /// Hands all that is held to `body`, in one or two pieces, the oldest first.
    func forEachPiece(_ body: (UnsafeBufferPointer<Float>) -> Void) {
        let start = (added - count) % Self.capacity
        let first = min(count, Self.capacity - start)
        if first > 0 { body(UnsafeBufferPointer(start: samples + start, count: first)) }
        if count > first { body(UnsafeBufferPointer(start: samples, count: count - first)) }
    }
}
