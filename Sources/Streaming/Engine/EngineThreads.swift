import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Steps the engines of several nets, on the calling thread and on helpers, which sleep in between.
///
/// Nothing is allocated by a step. With one thread there are no helpers, and a step is a plain loop.
final class EngineThreads {
    private let work: SharedWork
    private var helpers: [pthread_t] = []

    /// - Parameters:
    ///   - engines: most engines there will be.
    ///   - threads: threads in all, the calling one among them; more than engines are of no use, and not made.
    init(engines capacity: Int, threads: Int) {
        work = SharedWork(capacity: capacity)
        for _ in 1..<max(1, min(threads, capacity)) {
            var thread = pthread_t()
            let context = Unmanaged.passRetained(work)
            let error = pthread_create(
                &thread, nil,
                { raw in
                    Unmanaged<SharedWork>.fromOpaque(raw!).takeRetainedValue().help()
                    return nil
                }, context.toOpaque())
            if error == 0 { helpers.append(thread) } else { context.release() }
        }
    }

    deinit {
        work.isEnding.store(true, ordering: .releasing)
        for _ in helpers { sem_post(work.start) }
        for thread in helpers { pthread_join(thread, nil) }
    }

    /// The engines to step from now on.
    func use(_ engines: [any WindowEngine]) { work.engines = engines }

    /// Steps every engine.
    ///
    /// - Returns: how many windows each has ready; valid until the next step.
    func step() -> UnsafePointer<Int> {
        work.next.store(0, ordering: .releasing)
        for _ in helpers { sem_post(work.start) }
        work.run()
        for _ in helpers { work.wait(for: work.done) }
        return UnsafePointer(work.ready)
    }
}

/// What the threads share.
// Safe to share: `engines` changes only while no helper works (before `start` is posted, after `done` was awaited), and
// each engine and its place in `ready` belong to the one thread that has drawn its number.
private final class SharedWork: @unchecked Sendable {
    var engines: [any WindowEngine] = []
    let ready: UnsafeMutablePointer<Int>
    let next = Atomic<Int>(0)
    let isEnding = Atomic<Bool>(false)
    let start: UnsafeMutablePointer<sem_t>
    let done: UnsafeMutablePointer<sem_t>

    init(capacity: Int) {
        ready = .allocate(capacity: capacity)
        ready.initialize(repeating: 0, count: capacity)
        start = .allocate(capacity: 1)
        done = .allocate(capacity: 1)
        sem_init(start, 0, 0)
        sem_init(done, 0, 0)
    }

    deinit {
        sem_destroy(start)
        sem_destroy(done)
        start.deallocate()
        done.deallocate()
        ready.deallocate()
    }

    /// A helper's life.
    func help() {
        while true {
            wait(for: start)
            if isEnding.load(ordering: .acquiring) { return }
            run()
            sem_post(done)
        }
    }

    /// Steps engines until none is left that nobody has taken.
    func run() {
        while true {
            let index = next.add(1, ordering: .acquiringAndReleasing).oldValue
            guard index < engines.count else { return }
            ready[index] = engines[index].step()
        }
    }

    func wait(for semaphore: UnsafeMutablePointer<sem_t>) {
        // A signal may end the wait early.
        while sem_wait(semaphore) != 0 {}
    }
}
