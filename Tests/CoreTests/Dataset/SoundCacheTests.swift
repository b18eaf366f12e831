import CSndfile
import Foundation
import Synchronization
import Testing

@testable import Core

@Suite("Sound cache")
struct SoundCacheTests {
    private let folder: SoundFolder
    init() throws { folder = try SoundFolder() }

    private static func size(_ frames: Int) -> Int { CachedSoundFile.size(samples: frames) }

    private func sounds(_ count: Int, frames: Int = 5000) throws -> [String] {
        try (0..<count).map {
            try folder.write("\($0).wav", SoundFolder.noise(seed: UInt64($0 + 1), frames: frames))
        }
    }

    /// A run of its own.
    ///
    /// - Returns: files that had to be decoded.
    @discardableResult
    private func run(_ files: [String], limit: Int = 1 << 30, threads: Int = 2) async throws -> Int {
        let decoded = Atomic(0)
        let cache = try SoundCache(folder: folder.cache, limit: limit)
        let failures = try await cache.prepare(files, threads: threads, keepsGoing: false) { progress in
            if progress.stage == .decoding { decoded.store(progress.total, ordering: .relaxed) }
        }
        try #require(failures.isEmpty, "\(failures)")
        for file in files {
            // 16-bit sound at the nets' rate comes back as it was.
            #expect(try cache.readMono(path: file) == SoundFile.readMono(path: file))
        }
        return decoded.load(ordering: .relaxed)
    }

    @Test("A sound is known by what is in its file, whatever it is called")
    func keys() async throws {
        var files = try sounds(3)
        #expect(try await run(files) == 3)
        #expect(folder.entries.count == 3)
        #expect(try await run(files) == 0)
        try FileManager.default.moveItem(atPath: files[0], toPath: "\(folder.path)/moved.wav")
        try FileManager.default.copyItem(atPath: files[1], toPath: "\(folder.path)/copy.wav")
        files[0] = "\(folder.path)/moved.wav"
        #expect(try await run(files + ["\(folder.path)/copy.wav"]) == 0)
        #expect(folder.entries.count == 3)

        // Other sound of the same length, in the same inode, with the time of writing put back.
        var status = stat()
        stat(files[2], &status)
        let other = try Data(
            contentsOf: URL(fileURLWithPath: folder.write("x.wav", SoundFolder.noise(seed: 77, frames: 5000))))
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: files[2]))
        try handle.write(contentsOf: other)
        try handle.close()
        utimensat(AT_FDCWD, files[2], [status.st_atim, status.st_mtim], 0)
        #expect(try await run(files) == 1)
        #expect(folder.entries.count == 4)
    }

    @Test("Files that the index knows are not read again; without an index they are, and nothing is lost")
    func index() async throws {
        let files = try sounds(2)
        try await run(files)
        let cache = try SoundCache(folder: folder.cache, limit: 1 << 30)
        let stamps = try files.map { try cache.identify($0).stamp }
        let index = "\(folder.cache)/index"
        var saved = SoundCacheIndex(bytes: Array(try Data(contentsOf: URL(fileURLWithPath: index))))
        #expect(stamps.allSatisfy { saved[$0] != nil })
        // An index that lies is believed: so it was read, and the files weren't.
        (saved[stamps[0]], saved[stamps[1]]) = (saved[stamps[1]], saved[stamps[0]])
        try Data(saved.bytes).write(to: URL(fileURLWithPath: index))
        let misled = try SoundCache(folder: folder.cache, limit: 1 << 30)
        #expect(try misled.identify(files[0]).key == cache.identify(files[1]).key)

        for damage in 0..<4 {
            var bytes = saved.bytes
            if damage == 0 { bytes.removeLast() }
            if damage == 1 { bytes[40] ^= 1 }
            if damage == 2 { bytes = [] }
            if damage == 3 { bytes = Array("something else".utf8) }
            try Data(bytes).write(to: URL(fileURLWithPath: index))
            #expect(try await run(files) == 0)
        }
        // Files that are gone are forgotten with their sounds.
        unlink(files[0])
        try await run([files[1]], limit: Self.size(5000))
        let last = SoundCacheIndex(bytes: Array(try Data(contentsOf: URL(fileURLWithPath: index))))
        #expect(last[stamps[0]] == nil && last[stamps[1]] != nil)
    }

    @Test("A cached sound that isn't whole, or isn't what it is called, is made anew")
    func damage() async throws {
        let files = try sounds(2)
        try await run(files)
        func url(_ index: Int) -> URL { URL(fileURLWithPath: "\(folder.cache)/\(folder.entries[index])") }
        let (whole, other) = (try Data(contentsOf: url(0)), try Data(contentsOf: url(1)))
        var damaged: [(String, Data)] = [
            ("truncated", whole.prefix(whole.count - 2)), ("a header alone", whole.prefix(80)),
            ("cut in its header", whole.prefix(30)), ("empty", Data()), ("longer", whole + Data([0, 0])),
            ("odd", whole + Data([0])), ("another's", other), ("not ours", Data("RIFF".utf8) + whole.dropFirst(4)),
        ]
        for place in [0, 7, 8, 12, 16, 47, 48, 79, 80, 4000, whole.count - 1] {
            var bytes = whole
            bytes[place] ^= 0x40
            damaged.append(("byte \(place)", bytes))
        }
        for (name, bytes) in damaged {
            try bytes.write(to: url(0))
            #expect(try await run(files) == 1, "\(name)")
            #expect(try Data(contentsOf: url(0)) == whole, "\(name)")
        }
        // Without an index all is checked.
        var bytes = whole
        bytes[3000] ^= 1
        try bytes.write(to: url(0))
        unlink("\(folder.cache)/index")
        #expect(try await run(files) == 1)
    }

    @Test("What was used longest ago makes room, never what the run needs")
    func limit() async throws {
        let files = try sounds(5)
        let limit = 3 * Self.size(5000) + 100
        try await run(Array(files[0...1]), limit: limit)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(folder.cache)/notes.txt"))
        // Used now, so 0 is older.
        try setTimes(ago: 100)
        #expect(try await run([files[1]], limit: limit) == 0)
        #expect(try await run(Array(files[2...3]), limit: limit) == 2)
        #expect(folder.entries.count == 3)
        #expect(try await run([files[1]], limit: limit) == 0)
        #expect(try await run(Array(files[0...2]), limit: limit) == 1)
        #expect(folder.entries.count == 3)
        #expect(FileManager.default.fileExists(atPath: "\(folder.cache)/notes.txt"))

        // Two data sets of one run.
        let cache = try SoundCache(folder: folder.cache, limit: limit)
        _ = try await cache.prepare([files[3]], threads: 1, keepsGoing: false)
        _ = try await cache.prepare(Array(files[0...1]), threads: 1, keepsGoing: false)
        let kept = try cache.identify(files[3]).key
        #expect(folder.entries.count == 3 && cache.sound(kept) != nil)
        let error = await #expect(throws: SoundCacheError.self) {
            _ = try await cache.prepare([files[4]], threads: 1, keepsGoing: false)
        }
        #expect(error?.kind == .tooSmall)
        #expect(
            error?.description
                == "\(folder.cache): this data set needs 39.38 KiB of decoded sound, 29.62 KiB are allowed "
                + "(--cache-size)"
        )
        #expect(folder.entries.count == 3 && folder.leftovers.isEmpty)
    }

    /// Makes all cached sounds look as if they hadn't been used for some time.
    private func setTimes(ago seconds: Int) throws {
        for name in folder.entries {
            var status = stat()
            stat("\(folder.cache)/\(name)", &status)
            status.st_atim.tv_sec -= seconds
            utimensat(AT_FDCWD, "\(folder.cache)/\(name)", [status.st_atim, status.st_mtim], 0)
        }
    }

    @Test("Two runs may fill and use one cache at once")
    func twoAtOnce() async throws {
        let files = try sounds(12, frames: 30_000)
        async let first = run(files)
        async let second = run(files.reversed())
        let counts = try await (first, second)
        #expect(counts.0 + counts.1 >= 12)
        #expect(folder.entries.count == 12 && folder.leftovers.isEmpty)
        #expect(try await run(files) == 0)
        // And while each makes room for its own.
        let limit = 7 * Self.size(30_000)
        async let left = run(Array(files[..<6]), limit: limit)
        async let right = run(Array(files[6...]), limit: limit)
        _ = try await (left, right)
        #expect(folder.leftovers.isEmpty)
    }

    @Test("What killed programs have left is cleared, what others are writing stays")
    func leftovers() async throws {
        let files = try sounds(1)
        try await run(files)
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: "\(folder.cache)/.partial-dead"))
        let cache = try SoundCache(folder: folder.cache, limit: 1 << 30)
        var writer: CachedSoundWriter? = try CachedSoundWriter(directory: cache.directory, folder: folder.cache)
        #expect(folder.leftovers.count == 2)
        try await run(files)
        #expect(folder.leftovers.count == 1 && !folder.leftovers.contains(".partial-dead"))
        #expect(writer?.hasFailed == false)
        writer = nil
        #expect(folder.leftovers.isEmpty)
    }

    @Test("A folder that can't be had is one line")
    func noFolder() throws {
        let file = try folder.write("file", text: "")
        for (place, reason) in [(file, "Not a directory"), ("\(file)/below", "Not a directory")] {
            let error = #expect(throws: SoundCacheError.self) { try SoundCache(folder: place, limit: 1) }
            #expect(error?.description == "\(place): \(reason)" && error?.kind == .unusable)
        }
    }

    @Test("A full disk is one line, and leaves nothing half written")
    func fullDisk() async throws {
        guard folder.mountSmall(at: folder.cache, size: "128k") else {
            print("a full disk is not tested: this user may not mount a tmpfs")
            return
        }
        defer { folder.unmount(folder.cache) }
        let small = try sounds(2, frames: 10_000)
        try await run(small)
        let big = try folder.write("big.wav", SoundFolder.noise(seed: 9, frames: 200_000))
        let error = await #expect(throws: SoundCacheError.self) { try await run(small + [big]) }
        #expect(error?.kind == .unusable && error?.description == "\(folder.cache): No space left on device")
        #expect(folder.entries.count == 2 && folder.leftovers.isEmpty)
        // What fits still works.
        #expect(try await run(small) == 0)
    }
}
