import Core
import Glibc

/// Events in a folder, a file for each day of UTC. Which day is said by the events' own time.
///
/// A disk without room, or one that isn't there for a while, costs the events of that time and nothing else: they are counted, and the count is the first line that is written when there is room again.
final class EventFolder {
    private let path: String
    /// Holds the lock.
    private var folder: Int32
    private let keep: Int?
    /// Nanoseconds between two flushes.
    private let interval: Int64
    private let say: (String) -> Void
    private let now: () -> Int64

    private var file: DayFile?
    /// The day whose file is, or ought to be, open: `2026-11-25`.
    private var day = ""
    /// The last that a daemon said; a new file begins with it.
    private var hello: [UInt8] = []
    /// Events that couldn't be written since the last that was, and why.
    private var lost = 0
    private var reason: Int32 = 0
    /// Events since the last flush, and those of which the disk has said that it couldn't take them.
    private var unflushed = 0
    private var uncertain = 0
    /// When something was said to be wrong, monotonic nanoseconds, and whether it was said to be over.
    private var complained: Int64?
    private var isComplained = false
    /// Monotonic nanoseconds; nil while all is flushed.
    private(set) var nextFlush: Int64?

    /// A folder that can't be written to: `reason`, and whether because another program does.
    struct Failure: Error {
        let reason: String
        var isTaken = false
    }

    /// Makes the folder where it isn't there.
    ///
    /// - Parameters:
    ///   - keep: the newest files that stay; nil: all.
    ///   - flushInterval: seconds after which an event is on disk; 0: at once.
    ///   - now: monotonic nanoseconds.
    ///   - say: is told what goes wrong, and when it is over.
    init(
        path: String, keep: Int?, flushInterval: Double, now: @escaping () -> Int64 = monotonicTime,
        say: @escaping (String) -> Void
    ) throws(Failure) {
        folder = try Self.opened(path)
        self.path = path
        self.keep = keep
        interval = Int64(flushInterval * 1e9)
        self.say = say
        self.now = now
        removeOldest()
    }

    /// A folder that nobody else writes to, made where it isn't there.
    private static func opened(_ path: String) throws(Failure) -> Int32 {
        mkdir(path, 0o755)
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0, access(path, W_OK | X_OK) == 0 else {
            let reason = String(cString: strerror(errno))
            if folder >= 0 { close(folder) }
            throw Failure(reason: reason)
        }
        // Two writers would cut off each other's lines. Where a file system has no locks, nobody can be asked.
        guard flock(folder, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            close(folder)
            throw Failure(reason: "another wavetag writes there", isTaken: true)
        }
        return folder
    }

    deinit {
        // Not left to the descriptor's end: a program that is just being started from this one has it until it runs.
        flock(folder, LOCK_UN)
        close(folder)
    }

    /// Adds an event, without its newline.
    func append(_ line: [UInt8]) {
        let json = try? JSONValue(parsing: line, depth: 16)
        let isHello = json?["type"] == .string("hello")
        if isHello { hello = line + [UInt8(ascii: "\n")] }
        turn(to: Self.day(of: json) ?? (day.isEmpty ? Self.today : day))
        guard let file else {
            lost += 1
            return
        }
        var lines: [UInt8] = []
        if file.isEmpty, !isHello { lines += hello }
        if lost > 0 {
            lines.append("{\"type\":\"dropped\",\"count\":")
            lines.append(decimal: Int64(lost))
            lines.append(",\"reason\":")
            lines.appendJSON(string: String(cString: strerror(reason)))
            lines.append("}\n")
        }
        lines += line
        lines.append(UInt8(ascii: "\n"))
        let error = file.append(lines)
        guard error == 0 else { return lose(error) }
        unflushed += 1
        if lost > 0 {
            if isComplained { say("\(file.path): written to again; \(lost) events are missing") }
            isComplained = false
            lost = 0
        }
        if interval == 0 { flush() } else if nextFlush == nil { nextFlush = now() + interval }
    }

    /// Has the disk take all that was added.
    func flush() {
        nextFlush = nil
        guard let file else { return }
        let error = file.flush()
        if error != 0 {
            // Not tried again: what the kernel couldn't write it forgets.
            uncertain += unflushed
            complain("\(file.path): not certain to be on disk: \(String(cString: strerror(error)))")
        }
        unflushed = 0
        if !file.isInPlace { self.file = nil }
    }

    /// Flushes, and says what is missing.
    ///
    /// - Returns: whether nothing is.
    func finish() -> Bool {
        flush()
        file = nil
        if lost > 0 { say("\(path): \(lost) events are missing at the end: \(String(cString: strerror(reason)))") }
        if uncertain > 0 { say("\(path): \(uncertain) events are not certain to be on disk") }
        return lost == 0 && uncertain == 0
    }

    private func lose(_ error: Int32) {
        if lost == 0 { complain(of: error) }
        lost += 1
        reason = error
    }

    private func complain(of error: Int32) {
        complain("\(path): \(String(cString: strerror(error))); events are counted until they can be written")
    }

    /// Says what is wrong, once a minute: a disk that has room for an event now and then would fill another with it.
    private func complain(_ text: String) {
        let time = now()
        if let complained, time - complained < 60_000_000_000 { return }
        complained = time
        isComplained = true
        say(text)
    }

    /// Makes the folder anew where somebody has removed it.
    private func remake() {
        guard access(path, F_OK) != 0, errno == ENOENT, let made = try? Self.opened(path) else { return }
        close(folder)
        folder = made
    }

    /// Sees to it that a day's file is open, if it can be.
    private func turn(to new: String) {
        guard new != day || file == nil else { return }
        if new != day { flush() }
        day = new
        file = nil
        remake()
        do throws(DayFile.Failure) {
            let opened = try DayFile(path: "\(path)/\(Self.name(of: day))")
            if opened.cut > 0 { say("\(opened.path): part of a line at its end, \(opened.cut) bytes, was cut off") }
            file = opened
            if opened.isEmpty {
                // So that the file itself outlives a power cut.
                fsync(folder)
                removeOldest()
            }
        } catch {
            if lost == 0 { complain(of: error.error) }
            reason = error.error
        }
    }

    /// Removes files of days beyond those to keep. The newest are counted, not days: a clock that stood wrong for a moment
    /// must not cost a year; nor, where it stands in the past, the day that is being written.
    private func removeOldest() {
        guard let keep else { return }
        for name in Self.names(in: path).sorted().dropLast(keep) where name != Self.name(of: day) {
            unlink("\(path)/\(name)")
        }
    }

    // MARK: Names

    private static let prefix = "tags-"
    private static let suffix = ".ndjson"

    private static func name(of day: String) -> String { "\(prefix)\(day)\(suffix)" }

    private static func names(in path: String) -> [String] {
        FolderNames.read(path).filter {
            $0.hasPrefix(prefix) && $0.hasSuffix(suffix) && isDay($0.dropFirst(prefix.count).dropLast(suffix.count))
        }
    }

    /// Four digits, two and two. It becomes a file's name: nothing else may.
    private static func isDay(_ text: Substring) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.utf8.count) == [4, 2, 2]
            && parts.allSatisfy { $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }
    }

    /// The day of an event; nil of one that has no time.
    private static func day(of event: JSONValue?) -> String? {
        guard case .string(let time)? = event?["time"], isDay(time.prefix(10)) else { return nil }
        return String(time.prefix(10))
    }

    private static var today: String {
        var text: [UInt8] = []
        text.append(time: realTime())
        return String(decoding: text[1..<11], as: UTF8.self)
    }
}
