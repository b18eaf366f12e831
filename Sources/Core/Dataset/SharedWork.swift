import Synchronization

/// Independent pieces of work, shared out to threads: whoever is free takes the next.
struct SharedWork: Sendable {
    private let places: Range<Int>
    private let threads: Int

    init(_ places: Range<Int>, threads: Int) {
        self.places = places
        self.threads = threads
    }

    /// - Parameters:
    ///   - body: called once for each place, from any thread.
    ///   - progress: called from any thread with the number of places done.
    /// - Returns: what the body gave, by place.
    func run<Value: Sendable>(
        _ body: @Sendable @escaping (Int) -> Value, progress: @Sendable @escaping (Int) -> Void
    ) async -> [(place: Int, value: Value)] {
        let counters = Counters(next: places.lowerBound)
        return await withTaskGroup(of: [(place: Int, value: Value)].self) { group in
            for _ in 0..<max(1, min(threads, places.count)) {
                group.addTask {
                    var values: [(place: Int, value: Value)] = []
                    while true {
                        let place = counters.next.add(1, ordering: .relaxed).oldValue
                        guard place < places.upperBound, !Task.isCancelled else { return values }
                        values.append((place, body(place)))
                        progress(counters.done.add(1, ordering: .relaxed).newValue)
                    }
                }
            }
            var all: [(place: Int, value: Value)] = []
            for await values in group { all += values }
            return all.sorted { $0.place < $1.place }
        }
    }

    private final class Counters: Sendable {
        let next: Atomic<Int>
        let done = Atomic(0)
        init(next: Int) { self.next = Atomic(next) }
    }
}

/// Counts files that can't be read: more than one in a hundred end the work, since what is left is another data set.
public final class FailureLimit: Sendable {
    public static func isExceeded(failures: Int, files: Int) -> Bool { failures * 100 > files }

    private let files: Int
    private let keepsGoing: Bool
    private let failures: Atomic<Int>
    private let isStopped = Atomic(false)

    init(files: Int, failures: Int, keepsGoing: Bool) {
        self.files = files
        self.keepsGoing = keepsGoing
        self.failures = Atomic(failures)
    }

    func add() { failures.add(1, ordering: .relaxed) }

    /// Ends the work for another reason.
    func reach() { isStopped.store(true, ordering: .relaxed) }

    var isReached: Bool {
        isStopped.load(ordering: .relaxed)
            || !keepsGoing && Self.isExceeded(failures: failures.load(ordering: .relaxed), files: files)
    }
}
