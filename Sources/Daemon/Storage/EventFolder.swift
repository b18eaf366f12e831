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
    /// When something was last said to be wrong, monotonic nanoseconds.
    private var complained: Int64?
    /// Whether it was said that events are being lost.
    private var isLossSaid = false
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
        guard let file else { return lose(reason) }
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
            if isLossSaid { say("\(file.path): written to again; \(lost) events are missing") }
            isLossSaid = false
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
        lost += 1
        reason = error
        guard !isLossSaid else { return }
        isLossSaid = complain(
            "\(path): \(String(cString: strerror(error))); events are counted until they can be written")
    }

    /// Says what is wrong, once a minute: a disk that has room for an event now and then would fill another with it.
    ///
    /// - Returns: whether it was said.
    @discardableResult
    private func complain(_ text: String) -> Bool {
        let time = now()
        if let complained, time - complained < 60_000_000_000 { return false }
        complained = time
        say(text)
        return true
    }

    /// Where another folder stands by this name than the one that is locked, locks that; where there is none, makes it
    /// anew, if its disk is still there: what is meant for a disk must not fill the one below it.
    ///
    /// - Returns: the error's number; 0: the folder is the one that is locked.
    private func find() -> Int32 {
        var (held, found) = (stat(), stat())
        fstat(folder, &held)
        if stat(path, &found) != 0 {
            guard errno == ENOENT else { return errno }
            guard stat(parent, &found) == 0, found.st_dev == held.st_dev else {
                return ENOENT
            }
        } else if held.st_ino == found.st_ino, held.st_dev == found.st_dev {
            return 0
        }
        do throws(Failure) {
            let opened = try Self.opened(path)
            close(folder)
            folder = opened
            complain("\(path): another folder than before")
            return 0
        } catch { return error.isTaken ? EBUSY : EIO }
    }

    /// The folder's own.
    private var parent: String {
        let end = path.utf8.last == UInt8(ascii: "/") ? path.dropLast() : path[...]
        guard let slash = end.lastIndex(of: "/") else { return "." }
        return slash == end.startIndex ? "/" : String(end[..<slash])
    }

    /// Sees to it that a day's file is open, if it can be.
    private func turn(to new: String) {
        guard new != day || file == nil else { return }
        if new != day { flush() }
        let isFirst = day.isEmpty
        day = new
        file = nil
        let error = find()
        guard error == 0 else {
            reason = error
            return
        }
        do throws(DayFile.Failure) {
            let opened = try DayFile(path: "\(path)/\(Self.name(of: day))")
            if opened.cut > 0 { say("\(opened.path): part of a line at its end, \(opened.cut) bytes, was cut off") }
            file = opened
            // So that the file itself outlives a power cut.
            if opened.isEmpty { fsync(folder) }
            if opened.isEmpty || isFirst { removeOldest() }
        } catch { reason = error.error }
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
