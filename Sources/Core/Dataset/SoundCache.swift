import Glibc
import Synchronization

/// A folder of decoded sound: 22 050 Hz, mono, 16 bits, one file a sound, so that only the first run over a data set
/// decodes it.
///
/// A sound is kept under a hash of its file's content and of what else it depends on (the resampler, the channel rule,
/// this format), so a file that was moved or renamed is found, and one that has changed is not. Several programs may
/// use one folder at once: files appear whole, by renaming, and who finds one gone makes it anew.
public final class SoundCache: Sendable {
    public let folder: String
    /// Bytes that the folder's sounds may take in all.
    public let limit: Int
    let directory: Int32
    let state = Mutex(State())

    struct State {
        var index = SoundCacheIndex()
        /// What this run works with, and bytes of each; these stay.
        var needed: [ContentHash: Int] = [:]
    }

    /// What keeps a sound apart from others made of the same file.
    private static let settings = Array("wavetag sound 1; \(MonoResampler.settings); mean of channels".utf8)
    static let partialPrefix = ".partial-"

    /// Makes the folder if there is none.
    public init(folder: String, limit: Int) throws(SoundCacheError) {
        self.folder = folder
        self.limit = limit
        directory = try Self.opened(folder)
        let index = readIndex()
        state.withLock { $0.index = index }
    }

    deinit { close(directory) }

    private static func opened(_ folder: String) throws(SoundCacheError) -> Int32 {
        var end = folder.startIndex
        while end < folder.endIndex {
            end = folder[folder.index(after: end)...].firstIndex(of: "/") ?? folder.endIndex
            // Whatever stands in the way is said when the folder is opened.
            mkdir(String(folder[..<end]), 0o755)
        }
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw .system(folder) }
        return directory
    }

    // MARK: One sound

    /// A sound file, and what it holds.
    struct Identified: Sendable {
        let path: String
        let stamp: FileStamp
        let key: ContentHash
    }

    /// Finds out which sound a file is; reads all of it unless the index knows it.
    func identify(_ path: String) throws(SoundFileError) -> Identified {
        func failure() -> SoundFileError {
            SoundFileError(errno == ENOENT ? .missing : .unreadable, path, String(cString: strerror(errno)))
        }
        // A pipe without a writer would wait for one.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw failure() }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure() }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            throw SoundFileError(.invalid, path, isFolder ? "a directory" : "not a regular file")
        }
        let stamp = FileStamp(status)
        if let content = state.withLock({ $0.index[stamp] }) {
            return Identified(path: path, stamp: stamp, key: Self.key(content))
        }
        let hasher = ContentHasher()
        guard hasher.add(file: file, from: 0), fstat(file, &status) == 0 else { throw failure() }
        guard FileStamp(status) == stamp else { throw SoundFileError(.unreadable, path, "changes while it is read") }
        let content = hasher.finish()
        state.withLock { $0.index[stamp] = content }
        return Identified(path: path, stamp: stamp, key: Self.key(content))
    }

    static func key(_ content: ContentHash) -> ContentHash { ContentHash(of: settings + content.bytes) }

    /// The sound of a key, if it is there and whole; marks it as used.
    func sound(_ key: ContentHash) -> CachedSound? {
        let file = openat(directory, CachedSoundFile.name(key), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let stamp = FileStamp(status, ofEntry: true)
        let trusted = state.withLock { $0.index[stamp] } == key
        guard let sound = CachedSoundFile.check(file, size: Int(status.st_size), key: key, trusted: trusted) else {
            return nil
        }
        if !trusted { state.withLock { $0.index[stamp] = key } }
        // Read now; its time of writing stays (UTIME_NOW, UTIME_OMIT).
        let times = [timespec(tv_sec: 0, tv_nsec: (1 << 30) - 1), timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2)]
        futimens(file, times)
        return sound
    }

    /// Decodes a file into the cache.
    func make(_ file: Identified) throws(SoundCacheError) -> Result<CachedSound, SoundFileError> {
        let writer = try CachedSoundWriter(directory: directory, folder: folder)
        do throws(SoundFileError) {
            try SoundFile.decodeMono(path: file.path) {
                writer.add($0)
                return !writer.hasFailed
            }
        } catch { return .failure(error) }
        var status = stat()
        guard stat(file.path, &status) == 0, FileStamp(status) == file.stamp else {
            return .failure(SoundFileError(.unreadable, file.path, "changed while it was read"))
        }
        let (sound, stamp) = try writer.finish(file.key)
        state.withLock { $0.index[stamp] = file.key }
        return .success(sound)
    }

    // MARK: All of a run's sounds

    /// How far `prepare` has come.
    public struct Progress: Sendable {
        public enum Stage: Sendable {
            /// Files are looked up.
            case finding
            /// Those that weren't there are decoded.
            case decoding
        }

        public let stage: Stage
        /// Files.
        public let done: Int
        public let total: Int
    }

    /// Makes sure that all files' sounds are there, and makes room for them.
    ///
    /// - Parameters:
    ///   - keepsGoing: decodes all however many files can't be read; otherwise it stops when they are too many.
    ///   - progress: called from any thread.
    /// - Returns: why files can't be read, a line each.
    /// - Throws: `SoundCacheError` if the disk is full or refuses, or if all sounds this run needs are more than the limit.
    public func prepare(
        _ files: [String], threads: Int, keepsGoing: Bool, progress: @Sendable @escaping (Progress) -> Void = { _ in }
    ) async throws(SoundCacheError) -> [String] {
        try await sounds(.init(files: files, threads: threads, keepsGoing: keepsGoing, progress: progress))
            .compactMap { if case .failure(let error)? = $0 { error.description } else { nil } }
    }

    /// A file as the nets hear it, 22 050 Hz mono: from here, or decoded where it isn't here.
    public func readMono(path: String) throws(SoundFileError) -> [Float] {
        let key = try identify(path).key
        guard let sound = sound(key) else { return try SoundFile.readMono(path: path) }
        let file = openat(directory, CachedSoundFile.name(key), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return try SoundFile.readMono(path: path) }
        defer { close(file) }
        var isRead = true
        let samples = [Float](unsafeUninitializedCapacity: sound.count) { buffer, count in
            if let target = buffer.baseAddress, sound.count > 0 {
                isRead = CachedSoundFile.read(file, from: 0, count: sound.count, into: target)
            }
            count = isRead ? sound.count : 0
        }
        return isRead ? samples : try SoundFile.readMono(path: path)
    }

    /// What a run asks for.
    struct Request: Sendable {
        let files: [String]
        let threads: Int
        /// Decoding goes on however many files can't be read; otherwise it stops when they are more than 1 %.
        let keepsGoing: Bool
        let progress: @Sendable (Progress) -> Void
    }

    /// As `prepare`.
    ///
    /// - Returns: for each file its sound, or why there is none; nil where decoding stopped before.
    func sounds(_ request: Request) async throws(SoundCacheError) -> [Result<CachedSound, SoundFileError>?] {
        var results = [Result<CachedSound, SoundFileError>?](repeating: nil, count: request.files.count)
        var missing: [(place: Int, file: Identified)] = []
        let found = await SharedWork(request.files.indices, threads: request.threads).run { place in
            self.find(request.files[place])
        } progress: { done in
            request.progress(Progress(stage: .finding, done: done, total: request.files.count))
        }
        for (place, outcome) in found {
            switch outcome {
            case .there(let sound): results[place] = .success(sound)
            case .missing(let file, let size):
                missing.append((place, file))
                state.withLock { $0.needed[file.key] = size }
            case .unreadable(let error): results[place] = .failure(error)
            }
        }
        let unreadable = results.count { if case .failure = $0 { true } else { false } }
        try makeRoom()
        guard !missing.isEmpty else { return results }
        let stop = FailureLimit(
            files: request.files.count, failures: unreadable, keepsGoing: request.keepsGoing)
        let total = missing.count
        let todo = missing
        let made = await SharedWork(todo.indices, threads: request.threads).run { index in
            stop.isReached ? .skipped : self.decode(todo[index].file, stop)
        } progress: { done in
            request.progress(Progress(stage: .decoding, done: done, total: total))
        }
        var failure: SoundCacheError?
        for (index, outcome) in made {
            switch outcome {
            case .done(let result): results[todo[index].place] = result
            case .skipped: break
            case .failed(let error): failure = failure ?? error
            }
        }
        if let failure { throw failure }
        try makeRoom()
        return results
    }

    private enum Finding: Sendable {
        case there(CachedSound)
        /// And what it will take, as far as its file says.
        case missing(Identified, size: Int)
        case unreadable(SoundFileError)
    }

    private func find(_ path: String) -> Finding {
        do throws(SoundFileError) {
            let file = try identify(path)
            if let sound = sound(file.key) {
                state.withLock { $0.needed[file.key] = sound.size }
                return .there(sound)
            }
            let source = try SoundFile(path: path)
            // A file may not know its length, and say a very large number.
            let seconds = Double(source.frames) / Double(source.sampleRate)
            let isKnown = seconds >= 0 && seconds < 1e6
            return .missing(
                file, size: CachedSoundFile.size(samples: isKnown ? Int(seconds * Double(Model.sampleRate)) : 0))
        } catch { return .unreadable(error) }
    }

    private enum Decoding: Sendable {
        case done(Result<CachedSound, SoundFileError>)
        case failed(SoundCacheError)
        case skipped
    }

    private func decode(_ file: Identified, _ stop: FailureLimit) -> Decoding {
        do throws(SoundCacheError) {
            // Another thread, or another program, may have made it by now.
            let result =
                if let sound = sound(file.key) { Result<CachedSound, SoundFileError>.success(sound) } else {
                    try make(file)
                }
            switch result {
            case .success(let sound): state.withLock { $0.needed[file.key] = sound.size }
            case .failure:
                state.withLock { $0.needed[file.key] = nil }
                stop.add()
            }
            return .done(result)
        } catch {
            stop.reach()
            return .failed(error)
        }
    }
}
