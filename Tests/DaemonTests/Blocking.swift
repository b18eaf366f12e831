@testable import Daemon

/// Runs what waits (for a socket, a device, a child process) on a thread of its own: the tests' own threads are as few as
/// the machine's cores, and while one waits on them another test can't run.
func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await DedicatedThread.run(name: "test", body)
}
