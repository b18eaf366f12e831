import Core

/// The newest samples of an endless signal, contiguous in memory, found by their position.
final class SampleHistory {
    /// Samples heard so far.
    private(set) var end = 0
    private let buffer: UnsafeMutablePointer<Float>
    private let capacity: Int
    /// Position of the sample at `buffer[0]`.
    private var origin = 0

    init(capacity: Int) {
        self.capacity = capacity
        buffer = allocateFloats(capacity)
    }

    deinit { buffer.deallocate() }

    func reset() {
        end = 0
        origin = 0
    }

    /// The sample at `position`, and behind it those that followed, up to `end`.
    func pointer(at position: Int) -> UnsafePointer<Float> {
        assert(position >= origin && position <= end)
        return UnsafePointer(buffer + (position - origin))
    }

    /// Adds samples; those before `oldest` are no longer wanted and may be forgotten, or not even taken.
    func append(_ samples: UnsafeBufferPointer<Float>, keepingFrom oldest: Int) {
        var new = samples
        if oldest > end {
            // Between windows that don't touch: nothing that is held is wanted, and maybe part of this neither.
            let skipped = min(new.count, oldest - end)
            new = UnsafeBufferPointer(rebasing: new.dropFirst(skipped))
            end += skipped
            origin = end
        } else if end - origin + new.count > capacity {
            let keep = max(origin, oldest)
            buffer.update(from: buffer + (keep - origin), count: end - keep)
            origin = keep
        }
        precondition(end - origin + new.count <= capacity)
        if let source = new.baseAddress { (buffer + (end - origin)).update(from: source, count: new.count) }
        end += new.count
    }
}
