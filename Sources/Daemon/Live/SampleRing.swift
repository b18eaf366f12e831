import Synchronization

/// Samples on their way from the engine's thread to the one that warms a successor: one writer, one reader, no lock.
// Safe to share: each counter has one writer, and what it guards is written before it is published and read after.
final class SampleRing: @unchecked Sendable {
    private let samples: UnsafeMutablePointer<Float>
    private let capacity: Int
    private let written = Atomic<Int>(0)
    private let read = Atomic<Int>(0)

    init(capacity: Int) {
        self.capacity = capacity
        samples = .allocate(capacity: capacity)
    }

    deinit { samples.deallocate() }

    /// Adds all of `new`, or nothing.
    ///
    /// - Returns: whether there was room.
    func write(_ new: UnsafeBufferPointer<Float>) -> Bool {
        let start = written.load(ordering: .relaxed)
        guard start + new.count - read.load(ordering: .acquiring) <= capacity else { return false }
        let offset = start % capacity
        let first = min(new.count, capacity - offset)
        if let source = new.baseAddress {
            (samples + offset).update(from: source, count: first)
            samples.update(from: source + first, count: new.count - first)
        }
        written.store(start + new.count, ordering: .releasing)
        return true
    }

    /// Hands at most `most` samples to `body`, the oldest first and in one piece.
    ///
    /// - Returns: false where there were none.
    func take(atMost most: Int, _ body: (UnsafeBufferPointer<Float>) -> Void) -> Bool {
        let start = read.load(ordering: .relaxed)
        let offset = start % capacity
        let count = min(written.load(ordering: .acquiring) - start, capacity - offset, most)
        guard count > 0 else { return false }
        body(UnsafeBufferPointer(start: samples + offset, count: count))
        read.store(start + count, ordering: .releasing)
        return true
    }
}
