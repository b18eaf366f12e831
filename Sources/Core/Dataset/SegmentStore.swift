import Glibc

/// A data set's segments, ready to be drawn in any order from any thread: sound in a cache on disk, labels in memory.
///
/// Cut as `SegmentReader` cuts. Sound is read from the cache when it is asked for, so memory holds 24 bytes a segment,
/// some 200 a file, and the labels; the system keeps in its page cache what is read again and again.
public final class SegmentStore: Sendable {
    /// One window of one row.
    public struct Segment: Sendable, Equatable {
        /// In `rows`.
        public let row: Int
        /// In `songs`: rows of one file are one song.
        public let song: Int
        /// The first sample, in the file.
        public let start: Int
    }

    /// Samples of a segment.
    public let window: Int
    public let tags: [String]
    public let rows: [Manifest.Row]
    /// Files, as the manifest has them, in its order; also those that can't be read.
    public let songs: [String]
    /// In the manifest's order.
    public let segments: [Segment]
    /// Why files can't be read, a line each, in the manifest's order. None of their rows has segments.
    public let failures: [String]
    private let manifest: Manifest
    private let cache: SoundCache
    /// By song; nil where it can't be read.
    private let sounds: [CachedSound?]
    /// The names of the songs' sounds in the cache, each `nameSize` bytes with a zero at its end.
    private nonisolated(unsafe) let names: UnsafeMutableBufferPointer<CChar>
    private let nameSize: Int
    /// By row: its samples in the file.
    private let extents: [Range<Int>]
    /// [rows][tags].
    private nonisolated(unsafe) let labels: UnsafeMutableBufferPointer<Float>

    /// Decodes what the cache lacks.
    ///
    /// - Parameters:
    ///   - rows: of the manifest.
    ///   - window: samples of a segment.
    ///   - tags: of the manifest's, in the order that labels are wanted; nil: all in its order.
    ///   - threads: that decode.
    ///   - keepsGoing: decodes all however many files can't be read; otherwise it stops when they are more than 1 %. Either
    ///     way the caller judges by `failures` and `songs`.
    ///   - progress: called from any thread.
    /// - Throws: `SoundCacheError` if the cache can't hold the data set.
    public init(
        _ manifest: Manifest, rows: [Manifest.Row], window: Int, tags: [String]? = nil, cache: SoundCache,
        threads: Int, keepsGoing: Bool = false, progress: @Sendable @escaping (SoundCache.Progress) -> Void = { _ in }
    ) async throws(SoundCacheError) {
        var songs: [String] = []
        var files: [String] = []
        var places: [String: Int] = [:]
        var songOfRow: [Int] = []
        for row in rows {
            let song = places[row.path] ?? songs.count
            if song == songs.count {
                places[row.path] = song
                songs.append(row.path)
                files.append(manifest.file(of: row))
            }
            songOfRow.append(song)
        }
        let results = try await cache.sounds(
            .init(files: files, threads: threads, keepsGoing: keepsGoing, progress: progress))
        let sounds: [CachedSound?] = results.map { if case .success(let sound)? = $0 { sound } else { nil } }

        var segments: [Segment] = []
        var extents: [Range<Int>] = []
        for (index, row) in rows.enumerated() {
            let song = songOfRow[index]
            let cut = SegmentCut(row, samples: sounds[song]?.count ?? 0, window: window)
            extents.append(cut.extent)
            for segment in 0..<cut.count { segments.append(Segment(row: index, song: song, start: cut.start(segment))) }
        }
        let wanted = tags ?? manifest.tags
        let columns = wanted.map { tag in
            guard let column = manifest.tags.firstIndex(of: tag) else {
                preconditionFailure("\(tag) is none of the manifest's tags")
            }
            return column
        }
        labels = .allocate(capacity: rows.count * columns.count)
        for (index, row) in rows.enumerated() {
            for (place, column) in columns.enumerated() {
                labels.initializeElement(at: index * columns.count + place, to: row.labels[column])
            }
        }
        let texts = sounds.map { $0.map { Array(CachedSoundFile.name($0.key).utf8CString) } ?? [0] }
        nameSize = texts.map(\.count).max() ?? 1
        names = .allocate(capacity: nameSize * texts.count)
        names.initialize(repeating: 0)
        for (song, text) in texts.enumerated() {
            for (place, character) in text.enumerated() { names[song * nameSize + place] = character }
        }
        self.manifest = manifest
        self.cache = cache
        self.rows = rows
        self.window = window
        self.tags = wanted
        self.songs = songs
        self.sounds = sounds
        self.segments = segments
        self.extents = extents
        failures = results.compactMap { if case .failure(let error)? = $0 { error.description } else { nil } }
    }

    deinit {
        names.deallocate()
        labels.deallocate()
    }

    /// Changes with the segments, their sound and their labels.
    public var fingerprint: UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ value: UInt64) {
            hash = (hash ^ value) &* 0x0000_0100_0000_01B3
            hash ^= hash >> 32
        }
        for segment in segments {
            add(UInt64(segment.row))
            add(UInt64(segment.song))
            add(UInt64(segment.start))
        }
        for label in labels { add(UInt64(label.bitPattern)) }
        for character in names { add(UInt64(UInt8(bitPattern: character))) }
        return hash
    }

    /// Where a song's file is.
    public func path(song: Int) -> String { manifest.file(of: songs[song]) }

    /// A segment's labels, [tags]; they live as long as the store.
    public func labels(of segment: Int) -> UnsafeBufferPointer<Float> { labels(row: segments[segment].row) }

    /// A row's labels, [tags]; they live as long as the store.
    public func labels(row: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(rebasing: labels[(row * tags.count)..<((row + 1) * tags.count)])
    }

    /// Shifts of a segment that stay within its row.
    public func shifts(of segment: Int) -> ClosedRange<Int> {
        let segment = segments[segment]
        let extent = extents[segment.row]
        return (extent.lowerBound - segment.start)...(extent.upperBound - window - segment.start)
    }

    /// Reads a segment's samples, floats in [-1, 1).
    ///
    /// May be called from any thread at any time. Neither allocates nor locks, unless somebody has removed the sound from
    /// the cache: then its file is decoded again.
    ///
    /// - Parameters:
    ///   - shift: samples by which it begins later, or earlier; held within the row's part of the file.
    ///   - target: `window` samples.
    /// - Throws: `SoundCacheError` if the sound is gone and can't be made again.
    public func copy(
        segment index: Int, shiftedBy shift: Int = 0, into target: UnsafeMutablePointer<Float>
    ) throws(SoundCacheError) {
        let segment = segments[index]
        let extent = extents[segment.row]
        let start = max(extent.lowerBound, min(extent.upperBound - window, segment.start + shift))
        if read(segment.song, start, into: target) { return }
        // Whoever made room once may do so again between a sound's making and its reading.
        for _ in 0..<Self.restorations {
            try restore(segment.song)
            if read(segment.song, start, into: target) { return }
        }
        throw .system(cache.folder)
    }

    /// How often a sound is made again before the folder is given up.
    private static let restorations = 20

    private func read(_ song: Int, _ start: Int, into target: UnsafeMutablePointer<Float>) -> Bool {
        let file = openat(cache.directory, names.baseAddress! + song * nameSize, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return CachedSoundFile.read(file, from: start, count: window, into: target)
    }

    /// Decodes a song's file again, since its sound is gone.
    private func restore(_ song: Int) throws(SoundCacheError) {
        func gone(_ reason: String) -> SoundCacheError {
            SoundCacheError(.unusable, cache.folder, "a sound is gone, and can't be made again: \(reason)")
        }
        let path = path(song: song)
        let file: SoundCache.Identified
        do throws(SoundFileError) { file = try cache.identify(path) } catch { throw gone(error.description) }
        guard file.key == sounds[song]?.key else { throw gone("\(path) has changed") }
        // Another thread may have been first.
        guard cache.sound(file.key) == nil else { return }
        if case .failure(let error) = try cache.make(file) { throw gone(error.description) }
    }
}
