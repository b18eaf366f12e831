import Foundation
import Logging
import Synchronization
import Testing

@testable import Daemon

@Suite struct LogTests {
    private static let repository = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")

    @Test("each kind has an id of its own; the page on operation and the catalog have it too")
    func identifiers() throws {
        let page = try String(contentsOfFile: Self.repository + "/docs/operation.md", encoding: .utf8)
        let catalog = try String(contentsOfFile: Self.repository + "/systemd/wavetag.catalog", encoding: .utf8)
        for kind in LogKind.allCases {
            #expect(kind.identifier.count == 32 && kind.identifier.allSatisfy { "0123456789abcdef".contains($0) })
            #expect(page.contains("| \(kind.rawValue) |") && page.contains("`\(kind.identifier)`"), "\(kind)")
            #expect(catalog.contains("-- \(kind.identifier)\nSubject: "), "\(kind)")
        }
        #expect(Set(LogKind.allCases.map(\.identifier)).count == LogKind.allCases.count)
        #expect(catalog.split(separator: "\n").filter { $0.hasPrefix("-- ") }.count == LogKind.allCases.count)
    }

    @Test("all that the daemon's sources log is a kind with an id")
    func complete() throws {
        let folder = Self.repository + "/Sources/Daemon"
        let call = /logger\.(?:notice|info|warning|error|critical)\(\s*"([^"]+)"/
        var logged: Set<LogKind> = []
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder) where path.hasSuffix(".swift") {
            let source = try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8)
            for match in source.matches(of: call) {
                let kind = LogKind(message: String(match.1))
                #expect(kind != nil, "\(path): \"\(match.1)\" is no LogKind")
                if let kind { logged.insert(kind) }
            }
        }
        // The search has found something.
        #expect(logged.isSuperset(of: [.listening, .deviceLost, .soundLost, .clientRefused, .metricsUnwritten]))
        // None is another's beginning or end.
        for kind in LogKind.allCases { #expect(LogKind(message: kind.rawValue) == kind) }
    }

    @Test("an entry of the journal has the id, the level as syslog numbers it, and a field for each value")
    func entry() {
        let entry = JournalEntry(
            message: "device lost", level: .error, values: ["reason": "a\nb", "odd name-é": "1"], file: "f", line: 7)
        #expect(
            entry.fields.map { "\($0.name)=\($0.value)" } == [
                "MESSAGE=device lost: odd name-é=1, reason=a\nb", "PRIORITY=3", "SYSLOG_IDENTIFIER=wavetag",
                "CODE_FILE=f",
                "CODE_LINE=7", "MESSAGE_ID=\(LogKind.deviceLost.identifier)", "WAVETAG_ODD_NAME__=1",
                "WAVETAG_REASON=a\nb",
            ])
        let plain = JournalEntry(message: "something else", level: .debug, values: [:], file: "f", line: 1)
        #expect(plain.fields.map(\.name) == ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "CODE_FILE", "CODE_LINE"])
        #expect(plain.fields[0].value == "something else")
        #expect(JournalEntry.fieldName(String(repeating: "x", count: 100)).count == 64)
    }

    @Test("the journal is used where systemd says that standard error is the journal")
    func connected() {
        var status = stat()
        fstat(STDERR_FILENO, &status)
        let stream = "\(status.st_dev):\(status.st_ino)"
        #expect(JournalLogHandler.isConnected(environment: ["JOURNAL_STREAM": stream]))
        for other in ["", "1", "\(status.st_dev):\(status.st_ino + 1)", stream + ":1"] {
            #expect(!JournalLogHandler.isConnected(environment: ["JOURNAL_STREAM": other]))
        }
        #expect(!JournalLogHandler.isConnected(environment: [:]))
    }

    @Test("so many lines of one kind a minute, then their number; other kinds are not held back")
    func limit() {
        let clock = Atomic<Int>(0)
        let recorder = LogRecorder()
        let limiter = LogLimiter(most: 2, out: recorder) { Int64(clock.load(ordering: .relaxed)) * 1_000_000_000 }
        let logger = Logger(label: "test") { _ in LimitedLogHandler(limiter) }
        for loss in 1...5 { logger.error("device lost", metadata: ["reason": "\(loss)"]) }
        logger.warning("sound was lost")
        #expect(recorder.all == ["error device lost reason=1", "error device lost reason=2", "warning sound was lost"])
        #expect(limiter.leftOut == 3)
        clock.store(59, ordering: .relaxed)
        limiter.sayLeftOut()
        #expect(recorder.all.count == 3)
        clock.store(60, ordering: .relaxed)
        logger.error("device lost", metadata: ["reason": "6"])
        #expect(
            recorder.all.suffix(2) == [
                "error lines of the same kind were left out count=3 kind=device lost", "error device lost reason=6",
            ])
        logger.error("device lost")
        logger.error("device lost")
        limiter.sayLeftOut(all: true)
        #expect(recorder.all.last == "error lines of the same kind were left out count=1 kind=device lost")
        #expect(recorder.all.count == 7 && limiter.leftOut == 4)
    }

    @Test("what goes on for a year, a line a second: some hundred lines a day; afterwards it is as it was")
    func year() {
        let clock = Atomic<Int>(0)
        let recorder = LogRecorder()
        let limiter = LogLimiter(most: 10, out: recorder) { Int64(clock.load(ordering: .relaxed)) * 1_000_000_000 }
        let logger = Logger(label: "test") { _ in LimitedLogHandler(limiter) }
        for second in 0..<86_400 {
            clock.store(second, ordering: .relaxed)
            logger.error("device lost")
        }
        let lines = recorder.all.count
        // Ten and their remainder's number, each of ninety quarters of an hour; a few more before they were as long.
        #expect(lines >= 990 && lines < 1050, "\(lines)")
        // A quarter of an hour that is over, and another in which nothing is left out.
        for quarter in 1...2 {
            clock.store(86_400 + quarter * 960, ordering: .relaxed)
            limiter.sayLeftOut()
        }
        let before = recorder.all.count
        for second in 0..<120 {
            clock.store(90_000 + second, ordering: .relaxed)
            logger.error("device lost")
        }
        // Ten of each of two minutes, of which only the first is over and told.
        #expect(recorder.all.count - before == 21)
    }

    @Test("what is no kind counts as one; 0 limits nothing")
    func others() {
        let recorder = LogRecorder()
        let limiter = LogLimiter(most: 2, out: recorder) { 0 }
        let logger = Logger(label: "test") { _ in LimitedLogHandler(limiter) }
        for number in 1...1000 { logger.info("number \(number)") }
        #expect(recorder.all == ["info number 1", "info number 2"] && limiter.leftOut == 998)
        let everything = LogRecorder()
        let free = LogLimiter(most: 0, out: everything) { 0 }
        let other = Logger(label: "test") { _ in LimitedLogHandler(free) }
        for _ in 1...1000 { other.info("device opened") }
        #expect(everything.all.count == 1000)
    }

    private static let journald = "/lib/systemd/systemd-journald"

    /// Root, since the daemon of the journal takes its messages' senders from the kernel.
    private static let hasJournal: Bool = {
        let found = access(journald, X_OK) == 0 && getuid() == 0 && MountNamespace.isAvailable
        if !found { print("no journal of one's own here (systemd, root): it isn't tested with a real one") }
        return found
    }()

    @Test("a real journal: entries are found by their id and have their fields", .enabled(if: hasJournal))
    func journal() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            // As systemd starts a service: standard error is the journal's stream, and the variable names it. The journal
            // ends with its shell, which ends when the daemon does.
            let shell = try MountNamespace.start(
                """
                mount -t tmpfs tmpfs /run && mkdir -p /run/log/journal && \(Self.journald) 2>/dev/null & journal=$!
                trap 'kill $journal; wait $journal' EXIT
                while [ ! -S /run/systemd/journal/socket ]; do kill -0 $journal || exit 1; done
                systemd-cat sh -c 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$0" "$@"' "$@"
                journalctl --sync
                journalctl -D /run/log/journal -o json --no-pager SYSLOG_IDENTIFIER=wavetag
                """,
                [
                    "sh", ChildProcess.wavetag, "run", "--device", "sound", "--rate", "22050", "--channels", "1",
                    "--pace", "wait", "--duration", "1", "--socket", fixture.socket, "--model", LiveFixture.model,
                ], environment: ["ALSA_CONFIG_PATH": fixture.folder + "/asound.conf"])
            let result = try shell.end()
            #expect(result.code == 0, "\(result.errors)")
            var entries: [String: [String: Any]] = [:]
            for line in result.output.split(separator: "\n") {
                let entry = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                if let kind = entry["MESSAGE_ID"] as? String { entries[kind] = entry }
            }
            let opened = try #require(entries[LogKind.deviceOpened.identifier], "\(result.output)")
            #expect(opened["WAVETAG_DEVICE"] as? String == "sound")
            #expect(opened["WAVETAG_RATE"] as? String == "22050")
            #expect(opened["PRIORITY"] as? String == "6")
            #expect(opened["_TRANSPORT"] as? String == "journal")
            #expect(
                opened["MESSAGE"] as? String == "device opened: channels=1, device=sound, format=s16, rate=22050")
            #expect(entries[LogKind.listening.identifier]?["WAVETAG_SOCKET"] as? String == fixture.socket)
            #expect(entries[LogKind.captureEnded.identifier] != nil)
        }
    }
}
