import CSndfile
import Foundation
import Synchronization
import Testing

@testable import Core

@Suite("Segment store")
struct SegmentStoreTests {
    private let folder: SoundFolder
    init() throws { folder = try SoundFolder() }

    private func store(
        _ manifest: Manifest, window: Int = 2187, tags: [String]? = nil, limit: Int = 1 << 30, keepsGoing: Bool = false
    ) async throws -> SegmentStore {
        try await SegmentStore(
            manifest, rows: manifest.rows, window: window, tags: tags,
            cache: SoundCache(folder: folder.cache, limit: limit), threads: 2, keepsGoing: keepsGoing)
    }

    private func samples(_ store: SegmentStore, _ segment: Int, shift: Int = 0) throws -> [Float] {
        try [Float](unsafeUninitializedCapacity: store.window) { buffer, count in
            try store.copy(segment: segment, shiftedBy: shift, into: buffer.baseAddress!)
            count = store.window
        }
    }

    /// The largest difference in 16-bit steps from sound that was clipped to what 16 bits hold.
    private func steps(_ found: [Float], _ expected: ArraySlice<Float>) -> Float {
        guard found.count == expected.count else { return .infinity }
        return zip(found, expected).reduce(0) { most, pair in
            max(most, abs(pair.0 - max(-1, min(32_767 / 32_768, pair.1))) * 32_768)
        }
    }

    @Test("Random cuts of every format are what decoding the file gives, within half a 16-bit step")
    func randomCuts() async throws {
        for (index, (name, format, rate, channels)) in [
            ("a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 22_050, 1),
            ("b.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 48_000, 2),
            ("c.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44_100, 2),
            ("d.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44_100, 1),
            ("e.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 8_000, 3),
        ].enumerated() {
            // The last one is louder than 16 bits can hold.
            let gain: Float = index == 4 ? 1.5 : 1
            let noise = SoundFolder.noise(seed: UInt64(index), frames: rate * 2, channels: channels).map { $0 * gain }
            try folder.write(name, noise, format: format, rate: rate, channels: channels)
        }
        let manifest = try folder.manifest(["a.wav", "b.flac 0.25 1", "c.ogg", "d.mp3 0.5", "b.flac 1.1", "e.wav"])
        let store = try await store(manifest, window: 2187)
        #expect(store.songs == ["a.wav", "b.flac", "c.ogg", "d.mp3", "e.wav"] && store.failures.isEmpty)
        #expect(Set(store.segments.map(\.song)) == Set(0..<5))
        #expect(store.segments.first { $0.row == 4 }?.song == 1)
        let decoded = try store.songs.indices.map { try SoundFile.readMono(path: store.path(song: $0)) }
        var generator = SplitMix64(state: 11)
        for _ in 0..<500 {
            let index = Int(generator.next() % UInt64(store.segments.count))
            let segment = store.segments[index]
            let shift = Int(generator.next() % 4000) - 2000
            let row = manifest.rows[segment.row]
            let most = decoded[segment.song].count
            let first = Int((row.start * 22_050).rounded())
            let end = row.length.map { min(most, first + Int(($0 * 22_050).rounded()) + 22) } ?? most
            let start = max(first, min(end - 2187, segment.start + shift))
            let found = try samples(store, index, shift: shift)
            let difference = steps(found, decoded[segment.song][start..<(start + 2187)])
            #expect(difference <= 0.5, "\(store.songs[segment.song]) at \(start): \(difference) steps")
        }
        // 16-bit sound at the nets' rate comes back as it was.
        #expect(try samples(store, 3) == Array(decoded[0][(3 * 2187)..<(4 * 2187)]))
    }

    @Test("Segments are cut as the segment reader cuts them, and as in the papers")
    func cuts() async throws {
        try folder.write("a.wav", SoundFolder.noise(seed: 1, frames: 640_000))
        try folder.write("b.wav", SoundFolder.noise(seed: 2, frames: 60_000))
        try folder.write("c.wav", SoundFolder.noise(seed: 3, frames: 59_048))
        // 2.678 s are 59 050 samples, 2.677 s 59 028: both are meant to be a window of 59 049.
        let manifest = try folder.manifest(["a.wav", "b.wav 0.01 2.678", "b.wav 0.02 2.677", "c.wav", "b.wav 0 2.6"])
        let store = try await store(manifest, window: 59_049)
        #expect(store.segments.map(\.row) == [Int](repeating: 0, count: 10) + [1, 2])
        var reader = SegmentReader(manifest, window: 59_049)
        var place = 0
        for (index, row) in manifest.rows.enumerated() {
            let segments = try reader.segments(of: row)
            for segment in 0..<segments.count {
                #expect(store.segments[place].row == index)
                #expect(store.segments[place].start == segments.range(segment).lowerBound)
                let found = try samples(store, place)
                #expect(steps(found, segments.samples[segments.range(segment)]) <= 0.5)
                place += 1
            }
        }
        #expect(place == store.segments.count)
        #expect(store.shifts(of: 0) == 0...(640_000 - 59_049))
        #expect(store.shifts(of: 9) == (-9 * 59_049)...(640_000 - 10 * 59_049))
    }

    @Test("Labels stand in the order asked for")
    func labels() async throws {
        try folder.write("a.wav", SoundFolder.noise(seed: 1, frames: 5000))
        let manifest = try folder.manifest(["a.wav", "a.wav 0.05"])
        let store = try await store(manifest, tags: ["b", "a"])
        #expect(store.segments.map(\.row) == [0, 0, 1])
        #expect(store.segments.indices.map { Array(store.labels(of: $0)) } == [[1, 0], [1, 0], [1, 0.1]])
        let usual = try await self.store(manifest)
        #expect(Array(usual.labels(row: 1)) == [0.1, 1])
    }

    @Test("Files that can't be read are named, and their rows have no segments")
    func unreadable() async throws {
        try folder.write("a.wav", SoundFolder.noise(seed: 1, frames: 5000))
        try folder.write("b.wav", SoundFolder.noise(seed: 2, frames: 5000))
        try folder.write("bad.mp3", text: "no sound at all")
        try FileManager.default.createDirectory(atPath: "\(folder.path)/dir.wav", withIntermediateDirectories: true)
        mkfifo("\(folder.path)/pipe.wav", 0o600)
        let manifest = try folder.manifest(["gone.wav", "a.wav", "bad.mp3", "dir.wav", "pipe.wav", "b.wav", "gone.wav"])
        for keepsGoing in [true, false] {
            let store = try await store(manifest, keepsGoing: keepsGoing)
            let reasons = store.failures.map { $0.replacing(folder.path + "/", with: "") }
            try #require(reasons.count == 4, "\(reasons)")
            #expect(reasons[0] == "gone.wav: No such file or directory")
            #expect(reasons[1].hasPrefix("bad.mp3: ") && reasons[2] == "dir.wav: a directory")
            #expect(reasons[3] == "pipe.wav: not a regular file")
            // With more than one file in a hundred missing nothing is decoded, unless asked for.
            if keepsGoing { #expect(store.segments.map(\.row) == [1, 1, 5, 5]) }
            if keepsGoing { try FileManager.default.removeItem(atPath: folder.cache) }
            if !keepsGoing { #expect(store.segments.isEmpty && folder.entries.isEmpty) }
        }
        #expect(folder.leftovers.isEmpty)
    }

    @Test("Many threads read at once, also while sounds vanish from the cache")
    func threads() async throws {
        for index in 0..<4 {
            try folder.write("\(index).wav", SoundFolder.noise(seed: UInt64(index), frames: 20_000))
        }
        let manifest = try folder.manifest((0..<4).map { "\($0).wav" })
        let store = try await store(manifest)
        let expected = try store.segments.indices.map { try samples(store, $0) }
        let wrong = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for index in 0..<400 {
                if index % 100 == 50, thread == 0 {
                    for name in folder.entries { unlink("\(folder.cache)/\(name)") }
                }
                let segment = (index * 7 + thread * 3) % store.segments.count
                if (try? samples(store, segment)) != expected[segment] { wrong.add(1, ordering: .relaxed) }
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(folder.entries.count == 4)

        // Gone for good: one line.
        for name in folder.entries { unlink("\(folder.cache)/\(name)") }
        try folder.write("0.wav", SoundFolder.noise(seed: 9, frames: 20_000))
        unlink("\(folder.path)/1.wav")
        let changed = #expect(throws: SoundCacheError.self) { try samples(store, 0) }
        #expect(changed?.description.hasSuffix("/0.wav has changed") == true)
        let gone = #expect(throws: SoundCacheError.self) { try samples(store, store.segments.count / 4) }
        #expect(gone?.description.hasSuffix("/1.wav: No such file or directory") == true)
    }
}
