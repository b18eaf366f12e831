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
        var thread = pthread_t()
        let error = Self.create(&thread, name: name, body)
        precondition(error == 0, "no thread could be started: \(String(cString: strerror(error)))")
        self.thread = thread
    }

    /// Starts a thread that nobody waits for: what it took goes with its end.
    ///
    /// - Returns: an error's number where the system has none to give, and then `body` is never called.
    static func startDetached(name: String, _ body: @escaping @Sendable () -> Void) -> Int32 {
        var thread = pthread_t()
        let error = create(&thread, name: name, body)
        if error == 0 { pthread_detach(thread) }
        return error
    }

    private static func create(
        _ thread: inout pthread_t, name: String, _ body: @escaping @Sendable () -> Void
    ) -> Int32 {
        let context = Unmanaged.passRetained(Context(name: name, body: body))
        let error = pthread_create(
            &thread, nil,
            { raw in
                let context = Unmanaged<Context>.fromOpaque(raw!).takeRetainedValue()
                wavetag_name_thread(context.name)
                context.body()
                return nil
            }, context.toOpaque())
        if error != 0 { context.release() }
        return error
    }

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
