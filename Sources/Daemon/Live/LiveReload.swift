import CLinux
import Core
import Glibc
import Logging
import Streaming
import Synchronization

/// Settings and model read anew, beside the running ones, and put in their place; or refused, and nothing has changed.
final class LiveReload: Sendable {
    /// How often a reload succeeded, and how often it was refused.
    let reloads = Atomic<Int>(0)
    let refusals = Atomic<Int>(0)
    /// Why the last one was refused; empty where it wasn't.
    let refusal = Mutex("")
    /// Settings that are others now and that only a restart changes, by their paths.
    let waiting = Mutex<[String]>([])

    private struct Running {
        var settings: Settings
        var sha256: String
        var precision: Precision
    }

    private let running: Mutex<Running>
    private let environment: [String: String]
    private let engine: LiveEngine
    private let bell: ReportBell
    private let logger: Logger
    /// The settings, from where the program had them at start.
    private let settings: @Sendable () async throws -> Settings

    init(
        running: Settings, model: LiveModel, environment: [String: String], engine: LiveEngine, bell: ReportBell,
        logger: Logger, settings: @escaping @Sendable () async throws -> Settings
    ) {
        self.running = Mutex(
            Running(settings: running, sha256: model.facts.sha256, precision: model.tagger.precision))
        self.environment = environment
        self.engine = engine
        self.bell = bell
        self.logger = logger
        self.settings = settings
    }

    /// Reloads, and tells systemd, the log and `status` what became of it. Ends when the new model answers.
    func reload() async {
        ServiceNotification.reloading()
        defer { ServiceNotification.ready() }
        do {
            let new = try await settings()
            try await DedicatedThread.run(name: "reload") { [self] in try replace(with: new) }
        } catch is EngineHasEnded {
            // The program is ending: there is nothing that could change.
        } catch {
            let reason = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
            refusals.add(1, ordering: .relaxed)
            refusal.withLock { $0 = reason }
            logger.error("reload refused: model and settings stay as they are", metadata: ["reason": "\(reason)"])
            ServiceNotification.status("reload refused: \(reason)")
        }
    }

    private struct EngineHasEnded: Error {}

    /// On a thread of its own, which waits until the engine's thread has changed over.
    private func replace(with new: Settings) throws {
        let started = monotonicTime()
        let before = running.withLock { $0 }
        let model = try LiveModel(new, environment: environment)
        let facts = model.facts
        let next = Running(
            settings: new.keepingFixed(of: before.settings), sha256: facts.sha256, precision: model.tagger.precision)
        guard
            let successor = EngineSuccessor(
                tagger: model.tagger, choice: new.choice, reports: model.reports(bell: bell), encoder: model.encoder,
                sameNets: next.sha256 == before.sha256 && next.precision == before.precision)
        else { throw ReloadError(description: "reload: no descriptor left") }
        // The nets' own helper threads have been made: they are not to inherit this.
        wavetag_stand_back()
        guard successor.takePlace(in: engine) else { throw EngineHasEnded() }
        running.withLock { $0 = next }
        let fixed = before.settings.fixedPaths(differingIn: new)
        waiting.withLock { $0 = fixed }
        refusal.withLock { $0 = "" }
        reloads.add(1, ordering: .relaxed)
        let milliseconds = (monotonicTime() - started) / 1_000_000
        logger.notice(
            "reloaded",
            metadata: [
                "model": "\(facts.name)", "sha256": "\(facts.sha256.prefix(16))", "milliseconds": "\(milliseconds)",
                "engine": "\(engine.counters.plan.withLock { $0 })",
            ])
        if !fixed.isEmpty {
            logger.warning(
                "settings that only a restart changes", metadata: ["settings": "\(fixed.joined(separator: ", "))"])
        }
        ServiceNotification.status("reloaded: model \(facts.name)")
    }
}

/// What a reload needs and the system hasn't.
private struct ReloadError: Error, CustomStringConvertible {
    let description: String
}
