import Glibc
import Streaming
import Synchronization

/// What the engine's thread tells the server.
enum LiveEvent: Sendable {
    /// The report stands beside it in the ring.
    case tags
    case song(SongReport)
    case gap(position: Int64, lost: Int64, GapReason)
    /// The machine can't keep up, or can again: another level of `OverloadLevel` holds.
    case overload(level: Int, isMore: Bool, hop: Int, nets: [String])
    /// Another tagger is in the engine's place: what comes stands in another ring.
    case replaced(by: EngineSuccessor)
    /// No sound has come for as long as the settings say, or it comes again.
    case stalled(Bool)
    /// The device hasn't the channel that was wanted; the mean of all it has is heard.
    case channelMissing(found: Int)
    case end
}

/// Reports on their way from the engine's thread to the server's event loop: one writer, one reader, no lock, no allocation.
///
/// The writer never waits; where there is no room, the report is counted as lost.
// Safe to share: a slot belongs to the writer until `written` passes it, and to the reader until `read` does.
final class ReportRing: @unchecked Sendable {
    struct Slot {
        var event: LiveEvent
        /// When the sample of a `tags` event was captured, nanoseconds since 1970.
        var time: Int64
        var report: TagReport
    }

    /// Wakes the reader; shared with the ring that comes after this one.
    let bell: ReportBell
    private let slots: UnsafeMutablePointer<Slot>
    private let capacity: Int
    private let written = Atomic<Int>(0)
    private let read = Atomic<Int>(0)
    /// Whether the reader may be asleep: only then is it woken, so that a reader that has fallen behind costs the writer
    /// no system call.
    private let readerSleeps = Atomic<Bool>(true)

    /// - Parameter bell: that of the ring whose place this one takes; nil: one of its own.
    init(capacity: Int, tags: Int, songTags: Int? = nil, nets: Int, bell: ReportBell = ReportBell()) {
        self.bell = bell
        self.capacity = capacity
        slots = .allocate(capacity: capacity)
        for index in 0..<capacity {
            // Each slot's arrays are its own: copies of one would be copied again at the first write.
            (slots + index).initialize(
                to: Slot(event: .end, time: 0, report: TagReport(tags: tags, songTags: songTags, nets: nets)))
            slots[index].report.detach()
        }
    }

    deinit {
        slots.deinitialize(count: capacity)
        slots.deallocate()
    }

    /// The descriptor that is readable when there are reports; whoever takes it closes it.
    func takeReadDescriptor() -> Int32 { bell.takeReadDescriptor() }

    // MARK: The writer's side

    func publish(_ event: LiveEvent, time: Int64) { publish(event, time: time, report: nil) }

    func publish(_ report: TagReport, time: Int64) { publish(.tags, time: time, report: report) }

    private func publish(_ event: LiveEvent, time: Int64, report: TagReport?) {
        let index = written.load(ordering: .relaxed)
        guard index - read.load(ordering: .acquiring) < capacity else {
            bell.lost.add(1, ordering: .relaxed)
            return
        }
        let slot = slots + index % capacity
        slot.pointee.event = event
        slot.pointee.time = time
        if let report { slot.pointee.report.overwrite(with: report) }
        // This store and the exchange, and in `drain` the store and the load in the other order, are sequentially
        // consistent: either the reader sees the report, or the writer sees that the reader sleeps.
        written.store(index + 1, ordering: .sequentiallyConsistent)
        guard readerSleeps.exchange(false, ordering: .sequentiallyConsistent) else { return }
        bell.ring()
    }

    /// Whether there is room; for a writer that may wait.
    var hasRoom: Bool { written.load(ordering: .relaxed) - read.load(ordering: .acquiring) < capacity }

    // MARK: The reader's side

    /// Hands the reports that are there to `body`, the oldest first. For those that come meanwhile the descriptor is
    /// readable again, so that a fast writer doesn't keep the reader from its other work.
    func drain(_ body: (borrowing Slot) -> Void) {
        readerSleeps.store(true, ordering: .sequentiallyConsistent)
        let start = read.load(ordering: .relaxed)
        let end = written.load(ordering: .sequentiallyConsistent)
        for index in start..<end {
            body(slots[index % capacity])
            // What an event holds is freed here, and not when the writer comes round.
            slots[index % capacity].event = .tags
            read.store(index + 1, ordering: .releasing)
        }
    }
}

/// The pipe that wakes a reader of report rings, and what found no room in any of them.
final class ReportBell: Sendable {
    /// Reports that found no room.
    let lost = Atomic<Int>(0)
    private let pipe: (reader: Int32, writer: Int32)
    private let readerOwned = Atomic<Bool>(true)

    init() {
        var descriptors: [Int32] = [0, 0]
        precondition(Glibc.pipe(&descriptors) == 0, "no descriptor left for a pipe")
        for descriptor in descriptors {
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        pipe = (descriptors[0], descriptors[1])
    }

    deinit {
        close(pipe.writer)
        if readerOwned.load(ordering: .relaxed) { close(pipe.reader) }
    }

    fileprivate func takeReadDescriptor() -> Int32 {
        readerOwned.store(false, ordering: .relaxed)
        return pipe.reader
    }

    fileprivate func ring() {
        var byte: UInt8 = 0
        // Can't be full: there is at most one byte for each time that the reader went to sleep.
        _ = write(pipe.writer, &byte, 1)
    }
}

extension TagReport {
    /// Copies numbers into the arrays that are there, without an allocation.
    fileprivate mutating func overwrite(with other: TagReport) {
        position = other.position
        songStart = other.songStart
        songWindows = other.songWindows
        for tag in window.indices { window[tag] = other.window[tag] }
        for tag in song.indices { song[tag] = other.song[tag] }
        for net in nets.indices {
            nets[net].end = other.nets[net].end
            for tag in nets[net].probabilities.indices {
                nets[net].probabilities[tag] = other.nets[net].probabilities[tag]
            }
        }
    }

    /// Gives every array memory of its own.
    fileprivate mutating func detach() {
        for tag in window.indices.prefix(1) { window[tag] = 0 }
        for tag in song.indices.prefix(1) { song[tag] = 0 }
        for net in nets.indices {
            for tag in nets[net].probabilities.indices.prefix(1) { nets[net].probabilities[tag] = 0 }
        }
    }
}
