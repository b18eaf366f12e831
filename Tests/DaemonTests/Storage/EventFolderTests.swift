import Foundation
import Synchronization
import Testing

@testable import Daemon

@Suite struct EventFolderTests {
    private static func folder() -> String { "/tmp/wavetag-folder-\(UUID().uuidString.prefix(8))" }

    /// A folder, written to in `body`; what it said.
    @discardableResult
    private static func with(
        _ path: String, keep: Int? = nil, flushInterval: Double = 0, _ body: (EventFolder) throws -> Void
    ) throws -> [String] {
        var said: [String] = []
        let folder = try EventFolder(path: path, keep: keep, flushInterval: flushInterval) { said.append($0) }
        try body(folder)
        #expect(folder.finish())
        return said
    }

    private static func tags(_ time: String, _ number: Int = 0) -> [UInt8] {
        Array(#"{"type":"tags","position":\#(number),"time":"\#(time)","window":{}}"#.utf8)
    }

    private static let hello = Array(#"{"type":"hello","source":"x"}"#.utf8)

    private static func lines(_ path: String) throws -> [String] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.hasSuffix("\n"))
        return text.split(separator: "\n").map(String.init)
    }

    @Test(
        "a file a day by the events' own time; each begins with what the daemon is; what has no time goes where the last went"
    )
    func days() throws {
        let path = Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let gap = Array(#"{"type":"gap","position":1,"lost":1,"reason":"overrun"}"#.utf8)
        try Self.with(path) { folder in
            folder.append(Self.tags("2026-11-25T23:59:59.999Z", 1))
            folder.append(Self.hello)
            folder.append(gap)
            folder.append(Self.tags("2026-11-26T00:00:00.000Z", 2))
            folder.append(gap)
            // The clock is put back.
            folder.append(Self.tags("2026-11-25T23:00:00.000Z", 3))
            folder.append(Self.tags("2028-02-29T12:00:00.000Z", 4))
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        #expect(names == ["tags-2026-11-25.ndjson", "tags-2026-11-26.ndjson", "tags-2028-02-29.ndjson"])
        let text = { (bytes: [UInt8]) in String(decoding: bytes, as: UTF8.self) }
        #expect(
            try Self.lines(path + "/" + names[0])
                == [
                    Self.tags("2026-11-25T23:59:59.999Z", 1), Self.hello, gap, Self.tags("2026-11-25T23:00:00.000Z", 3),
                ].map(text))
        #expect(
            try Self.lines(path + "/" + names[1])
                == [Self.hello, Self.tags("2026-11-26T00:00:00.000Z", 2), gap].map(text))
        #expect(
            try Self.lines(path + "/" + names[2]) == [Self.hello, Self.tags("2028-02-29T12:00:00.000Z", 4)].map(text))
    }

    @Test("a clock that stands in the past: its day's file stays, however many newer ones there are")
    func past() throws {
        let path = Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Self.with(path) { folder in
            for day in ["2026-11-24", "2026-11-25", "2026-11-26"] { folder.append(Self.tags("\(day)T12:00:00.000Z")) }
        }
        let said = try Self.with(path, keep: 2) { folder in
            for number in 1...3 { folder.append(Self.tags("1970-01-01T00:00:0\(number).000Z", number)) }
        }
        // Also where it is begun anew.
        try Self.with(path, keep: 2) { $0.append(Self.tags("1970-01-01T00:00:04.000Z", 4)) }
        #expect(said.isEmpty)
        let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        #expect(names == ["tags-1970-01-01.ndjson", "tags-2026-11-25.ndjson", "tags-2026-11-26.ndjson"])
        #expect(try Self.lines(path + "/" + names[0]).count == 4)
    }

    @Test("a folder that somebody removes is made anew, and is nobody else's")
    func removedFolder() throws {
        let path = Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let said = try Self.with(path) { folder in
            folder.append(Self.tags("2026-11-25T12:00:00.000Z", 1))
            try FileManager.default.removeItem(atPath: path)
            // What is written into a removed file is lost with it; that shows at its flush.
            folder.append(Self.tags("2026-11-25T12:00:01.000Z", 2))
            folder.append(Self.tags("2026-11-25T12:00:02.000Z", 3))
            #expect(throws: EventFolder.Failure.self) {
                try EventFolder(path: path, keep: nil, flushInterval: 0) { _ in }
            }
        }
        #expect(said == ["\(path): another folder than before"])
        #expect(
            try Self.lines(path + "/tags-2026-11-25.ndjson")
                == [String(decoding: Self.tags("2026-11-25T12:00:02.000Z", 3), as: UTF8.self)])
    }

    @Test(
        "another's folder by the same name is not written to; that is said, and counted where it can be written again")
    func replaced() throws {
        let path = Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let said = try Self.with(path) { folder in
            folder.append(Self.tags("2026-11-25T12:00:00.000Z", 1))
            try FileManager.default.removeItem(atPath: path)
            try Self.with(path) { (other: EventFolder) throws -> Void in
                other.append(Self.tags("2026-11-25T12:00:00.000Z", 7))
                for number in 2...4 { folder.append(Self.tags("2026-11-25T12:00:01.000Z", number)) }
                #expect(try Self.lines(path + "/tags-2026-11-25.ndjson").count == 1)
            }
            folder.append(Self.tags("2026-11-25T12:00:02.000Z", 5))
        }
        #expect(said[0].contains("Device or resource busy") && said.last?.contains("2 events are missing") == true)
        let lines = try Self.lines(path + "/tags-2026-11-25.ndjson")
        #expect(lines.count == 3 && lines[1].contains(#""count":2"#) && lines[2].contains(#""position":5"#))
    }

    /// A folder by a clock of its own, whose day's file somebody puts another thing in the place of.
    private final class TroubledFolder {
        let path = EventFolderTests.folder()
        let file: String
        var seconds: Int64 = 0
        private(set) var said: [String] = []
        private var folder: EventFolder?

        init() throws {
            file = path + "/tags-2026-11-25.ndjson"
            folder = try EventFolder(
                path: path, keep: nil, flushInterval: 0, now: { [unowned self] in seconds * 1_000_000_000 }
            ) { [unowned self] in said.append($0) }
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        /// From here on nothing can be written.
        func breakFile() throws {
            try? FileManager.default.removeItem(atPath: file)
            try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
            folder?.flush()
        }

        func mendFile() throws { try FileManager.default.removeItem(atPath: file) }

        func append() { folder?.append(EventFolderTests.tags("2026-11-25T12:00:00.000Z")) }

        func finish() -> Bool { folder?.finish() == true }
    }

    @Test("a loss that begins soon after another trouble is said when a minute is over")
    func saidLater() throws {
        let folder = try TroubledFolder()
        for outage in [1, 200] {
            try folder.breakFile()
            for _ in 0..<outage {
                folder.append()
                folder.seconds += 1
            }
            #expect(folder.said.last?.contains("Is a directory") == true)
            try folder.mendFile()
            folder.append()
            #expect(folder.said.last?.contains("written to again; \(outage) events are missing") == true)
        }
        #expect(folder.said.count == 4 && folder.finish())
    }

    @Test("a disk that fails and recovers at every event: said once a minute, every event counted in the file")
    func flapping() throws {
        let folder = try TroubledFolder()
        for _ in 0..<100 {
            try folder.breakFile()
            folder.append()
            try folder.mendFile()
            folder.append()
            #expect(
                try Self.lines(folder.file)[0].contains(#"{"type":"dropped","count":1,"reason":"Is a directory"}"#))
            folder.seconds += 1
        }
        #expect(folder.said.count == 4)
        #expect(folder.said[0].contains("Is a directory") && folder.said[1].contains("written to again; 1"))
        #expect(folder.finish())
    }

    @Test("what is no day is no file's name", arguments: ["../../etc/x", "2026-11", "２０２６-11-25T", "", "2026-1-250"])
    func names(_ time: String) throws {
        let path = Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Self.with(path) { folder in
            folder.append(Self.tags(time))
            folder.append(Array("no JSON".utf8))
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: path)
        #expect(names.count == 1)
        #expect(names.first?.wholeMatch(of: /tags-[0-9]{4}-[0-9]{2}-[0-9]{2}\.ndjson/) != nil)
    }

    @Test("a torn line of a crash is cut off, however long; whole ones stay", arguments: [1, 70_000, 200_000])
    func torn(_ length: Int) throws {
        let path = Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = path + "/tags-2026-11-25.ndjson"
        let event = Self.tags("2026-11-25T10:00:00.000Z")
        try Self.with(path) { $0.append(event) }
        let whole = try Data(contentsOf: URL(fileURLWithPath: file))
        for head in [whole, Data()] {
            try (head + Data(repeating: UInt8(ascii: "x"), count: length)).write(to: URL(fileURLWithPath: file))
            let said = try Self.with(path) { $0.append(event) }
            #expect(said == ["\(file): part of a line at its end, \(length) bytes, was cut off"])
            #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == head + whole)
        }
    }

    @Test("the newest files stay, and what isn't a day's file is left alone")
    func keep() throws {
        let path = Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Self.with(path) { folder in
            for day in 10...15 { folder.append(Self.tags("2026-11-\(day)T00:00:00.000Z")) }
        }
        for name in ["tags-2020-01-01.ndjson.gz", "tags-2020-1-01.ndjson", "notes.txt"] {
            #expect(FileManager.default.createFile(atPath: path + "/" + name, contents: nil))
        }
        func days() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasPrefix("tags-2026") }.sorted()
        }
        try Self.with(path, keep: 4) { folder throws in
            // Which day is the newest is said by the first event.
            #expect(try days().count == 6)
            folder.append(Self.tags("2026-11-16T00:00:00.000Z"))
            #expect(try days().first == "tags-2026-11-13.ndjson")
        }
        #expect(try days().count == 4)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).count == 7)
    }

    @Test("a second writer is refused while the first is there")
    func taken() throws {
        let path = Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Self.with(path) { _ in
            let error = #expect(throws: EventFolder.Failure.self) {
                try EventFolder(path: path, keep: nil, flushInterval: 0) { _ in }
            }
            #expect(error?.isTaken == true)
        }
        try Self.with(path) { $0.append(Self.hello) }
    }

    @Test("a file that somebody has removed is made anew at the next flush")
    func removed() throws {
        let path = Self.folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = path + "/tags-2026-11-25.ndjson"
        try Self.with(path, flushInterval: 3600) { folder in
            #expect(folder.nextFlush == nil)
            folder.append(Self.hello)
            folder.append(Self.tags("2026-11-25T10:00:00.000Z", 1))
            #expect((folder.nextFlush ?? 0) > monotonicTime())
            unlink(file)
            folder.flush()
            #expect(folder.nextFlush == nil)
            folder.append(Self.tags("2026-11-25T10:00:01.000Z", 2))
        }
        #expect(try Self.lines(file).count == 2)
    }

    @Test("a folder that can't be: one line, exit 74; options that don't fit: 64")
    func refused() async throws {
        try await blocking {
            let watch = { (arguments: [String]) in
                try ChildProcess([ChildProcess.wavetag, "watch", "--socket", "/nowhere"] + arguments).end()
            }
            let missing = try watch(["--format", "json", "--output-dir", "/nowhere/at/all"])
            #expect(missing.code == 74)
            #expect(missing.errors == "wavetag: watch: /nowhere/at/all: No such file or directory\n")
            for arguments in [
                ["--output-dir", "/tmp"], ["--format", "json", "--output-dir", "/tmp", "--keep", "0"],
                ["--format", "json", "--output-dir", "/tmp", "--sync", "-1"], ["--keep", "3"],
                ["--status", "--metrics"],
            ] { #expect(try watch(arguments).code == 64) }
        }
    }
}
