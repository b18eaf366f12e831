import Core
import Synchronization

/// How far decoding into the cache has come: a line that lives, on a terminal only. May be told from any thread.
final class CacheProgress: Sendable {
    private struct State {
        var stage: SoundCache.Progress.Stage?
        var line: WorkProgress?
    }

    private let state = Mutex(State())

    func show(_ progress: SoundCache.Progress) {
        state.withLock { state in
            if state.stage != progress.stage {
                state.stage = progress.stage
                // Each stage has its own pace.
                state.line = WorkProgress(progress.stage == .finding ? "looking up sounds" : "decoding")
            }
            state.line?.show(Double(progress.done) / Double(max(1, progress.total)))
        }
    }

    /// Takes the line away.
    func clear() { state.withLock { $0.line?.clear() } }
}
