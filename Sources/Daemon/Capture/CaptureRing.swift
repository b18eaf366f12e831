import CLinux
import Glibc
import Synchronization

/// Sound on its way from the capture thread to the engine's: one writer, one reader, no lock, no allocation.
///
/// The device writes straight into the ring. The writer never waits: where there is no room it is told so.
// Safe to share: each counter has one writer, and what it guards is written before it is published (release) and read after (acquire).
final class CaptureRing: @unchecked Sendable {
    private let bytes: UnsafeMutableRawPointer
    /// Bytes of sound.
    let capacity: Int
    private let blocks: UnsafeMutablePointer<CaptureBlock>
    private let starts: UnsafeMutablePointer<Int>
    private let blockCapacity: Int

    /// Bytes and blocks ever written and ever read; positions in memory are these modulo the capacities.
    private let writtenBytes = Atomic<Int>(0)
    private let readBytes = Atomic<Int>(0)
    private let writtenBlocks = Atomic<Int>(0)
    private let readBlocks = Atomic<Int>(0)
    /// Signalled at every block, for a reader that waits, and at every release, for a writer that may wait.
    private let dataReady: Int32
    private let roomReady: Int32

    /// - Parameters:
    ///   - capacity: bytes of sound.
    ///   - blocks: blocks that may wait.
    init(capacity: Int, blocks blockCapacity: Int = 4096) {
        self.capacity = capacity
        self.blockCapacity = blockCapacity
        bytes = .allocate(byteCount: capacity, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: capacity)
        blocks = .allocate(capacity: blockCapacity)
        blocks.initialize(
            repeating: CaptureBlock(
                kind: .end, format: CaptureFormat(sample: .s16, rate: 0, channels: 0), frames: 0, time: 0),
            count: blockCapacity)
        starts = .allocate(capacity: blockCapacity)
        starts.initialize(repeating: 0, count: blockCapacity)
        dataReady = wavetag_event_counter()
        roomReady = wavetag_event_counter()
        precondition(dataReady >= 0 && roomReady >= 0, "no descriptor left for an event counter")
    }

    deinit {
        bytes.deallocate()
        blocks.deallocate()
        starts.deallocate()
        close(dataReady)
        close(roomReady)
    }

    // MARK: The writer's side

    /// Room for `count` bytes in one piece, or nil where the reader is too far behind.
    func reserve(_ count: Int) -> UnsafeMutableRawPointer? {
        // Sound may need two marks before it, and the end one behind it.
        guard writtenBlocks.load(ordering: .relaxed) - readBlocks.load(ordering: .acquiring) < blockCapacity - 4 else {
            return nil
        }
        let start = placed(count)
        guard start + count - readBytes.load(ordering: .acquiring) <= capacity else { return nil }
        return bytes + start % capacity
    }

    /// Publishes what was written where `reserve` said, `reserved` bytes having been asked for.
    func commit(_ block: CaptureBlock, reserved: Int = 0) {
        let index = writtenBlocks.load(ordering: .relaxed)
        let start = placed(reserved)
        starts[index % blockCapacity] = start
        blocks[index % blockCapacity] = block
        writtenBytes.store(start + block.frames * block.format.frameBytes, ordering: .releasing)
        writtenBlocks.store(index + 1, ordering: .releasing)
        signal(dataReady)
    }

    /// Whether a block without sound has room.
    var hasRoomForMark: Bool {
        writtenBlocks.load(ordering: .relaxed) - readBlocks.load(ordering: .acquiring) < blockCapacity
    }

    /// A descriptor that is readable after the reader has made room.
    var roomDescriptor: Int32 { roomReady }

    /// Forgets earlier signals of room.
    func clearRoomSignal() { clear(roomReady) }

    /// Where `count` bytes in one piece begin: a piece that would cross the memory's end begins at its start.
    private func placed(_ count: Int) -> Int {
        let written = writtenBytes.load(ordering: .relaxed)
        let offset = written % capacity
        return offset + count <= capacity ? written : written + capacity - offset
    }

    // MARK: The reader's side

    /// Hands the oldest block to `body`, waiting for one where there is none.
    ///
    /// - Parameters:
    ///   - timeout: milliseconds.
    ///   - body: is given the block and its frames, valid until it returns.
    /// - Returns: false when no block came in time.
    func next(timeout: Int32, _ body: (CaptureBlock, UnsafeRawBufferPointer) -> Void) -> Bool {
        let index = readBlocks.load(ordering: .relaxed)
        if writtenBlocks.load(ordering: .acquiring) == index {
            var descriptor = pollfd(fd: dataReady, events: Int16(POLLIN), revents: 0)
            // Signals of blocks already read may be left over: one more look decides.
            while writtenBlocks.load(ordering: .acquiring) == index {
                guard poll(&descriptor, 1, timeout) > 0 else { return false }
                clear(dataReady)
            }
        }
        let block = blocks[index % blockCapacity]
        let start = starts[index % blockCapacity]
        let count = block.frames * block.format.frameBytes
        body(block, UnsafeRawBufferPointer(start: bytes + start % capacity, count: count))
        readBytes.store(start + count, ordering: .releasing)
        readBlocks.store(index + 1, ordering: .releasing)
        signal(roomReady)
        return true
    }

    /// Bytes that wait to be read.
    var backlog: Int {
        let read = readBytes.load(ordering: .acquiring)
        return max(0, writtenBytes.load(ordering: .acquiring) - read)
    }

    private func signal(_ descriptor: Int32) {
        var one: UInt64 = 1
        // Fails only when the counter is full, and then it is readable anyway.
        _ = write(descriptor, &one, 8)
    }

    private func clear(_ descriptor: Int32) {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}
