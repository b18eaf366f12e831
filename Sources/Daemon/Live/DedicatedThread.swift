import CLinux
import Glibc

/// Asks for real-time priority (SCHED_FIFO) for the calling thread.
///
/// - Parameter priority: 1 to 99; 0: none is asked for.
/// - Returns: why it isn't to be had; nil where all is well.
func requestRealtimePriority(_ priority: Int) -> String? {
    guard priority > 0 else { return nil }
    var parameters = sched_param()
    parameters.sched_priority = Int32(priority)
    let error = pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters)
    return error == 0 ? nil : String(cString: strerror(error))
}

/// A thread of the system's, for work that must not share one: capture and the engine.
struct DedicatedThread {
    private let thread: pthread_t

    /// - Parameter name: as `ps` and `top` show it, 15 characters at most.
    init(name: String, _ body: @escaping @Sendable () -> Void) {
        do throws(ThreadError) {
            thread = try Self.start(name: name, body)
        } catch { fatalError(error.description) }
    }

    /// Runs what takes long on a thread of its own, and not on one of the few that all tasks share.
    ///
    /// - Throws: what `body` throws; `ThreadError` where the system has no thread to give.
    static func run<Result: Sendable>(
        name: String, _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            do throws(ThreadError) {
                pthread_detach(try start(name: name) { continuation.resume(with: Swift.Result { try body() }) })
            } catch { continuation.resume(throwing: error) }
        }
    }

    private static func start(
        name: String, _ body: @escaping @Sendable () -> Void
    ) throws(ThreadError) -> pthread_t {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Context(name: name, body: body))
        let error = pthread_create(
            &thread, nil,
            { raw in
                let context = Unmanaged<Context>.fromOpaque(raw!).takeRetainedValue()
                wavetag_name_thread(context.name)
                context.body()
                return nil
            }, context.toOpaque())
        guard error == 0 else {
            context.release()
            throw ThreadError(number: error)
        }
        return thread
    }

    /// Nobody will wait for it: what it took goes with its end.
    func detach() { pthread_detach(thread) }

    /// Waits for the thread's end.
    func join() { pthread_join(thread, nil) }

    private final class Context: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}

/// The system has no thread to give.
struct ThreadError: Error, CustomStringConvertible {
    let number: Int32

    var description: String { "no thread could be started: \(String(cString: strerror(number)))" }
}
