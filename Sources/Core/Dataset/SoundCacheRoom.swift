import Glibc

/// Room for a run's sounds, and the index: what changes the folder as a whole, under a lock that all programs share.
extension SoundCache {
    private static let lock = "lock"

    /// Removes the sounds that were used longest ago, never this run's, until all are within the limit; and what programs
    /// that were killed have left behind. Keeps the index.
    func makeRoom() throws(SoundCacheError) {
        let lock = openat(directory, Self.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard lock >= 0 else { throw .system(folder) }
        defer { close(lock) }
        // Where there are no locks, two programs may lose what one of them has written into the index, and no more.
        while flock(lock, LOCK_EX) != 0 && errno == EINTR {}
        let needed = state.withLock { $0.needed }
        let need = needed.values.reduce(0, +)
        guard need <= limit else {
            throw SoundCacheError(
                .tooSmall, folder,
                "this data set needs \(Self.text(bytes: need, .up)) of decoded sound, "
                    + "\(Self.text(bytes: limit, .down)) are allowed (--cache-size)")
        }
        var others: [(key: ContentHash, size: Int, used: timespec)] = []
        for name in try names() {
            if name.hasPrefix(Self.partialPrefix) { removeUnlessHeld(name) }
            guard let key = CachedSoundFile.key(ofName: name), needed[key] == nil else { continue }
            var status = stat()
            guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            others.append((key, Int(status.st_size), status.st_atim))
        }
        others.sort { ($0.used.tv_sec, $0.used.tv_nsec) > ($1.used.tv_sec, $1.used.tv_nsec) }
        var total = need + others.reduce(0) { $0 + $1.size }
        while total > limit, let oldest = others.popLast() {
            unlinkat(directory, CachedSoundFile.name(oldest.key), 0)
            total -= oldest.size
        }
        saveIndex(keys: Set(needed.keys).union(others.map(\.key)))
    }

    private func names() throws(SoundCacheError) -> [String] {
        // Its own place in the folder, which a duplicate would share.
        let file = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0, let stream = fdopendir(file) else { throw .system(folder) }
        defer { closedir(stream) }
        return FolderNames.read(stream)
    }

    private func removeUnlessHeld(_ name: String) {
        let file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        guard file >= 0 else { return }
        if flock(file, LOCK_EX | LOCK_NB) == 0 { unlinkat(directory, name, 0) }
        close(file)
    }

    func readIndex() -> SoundCacheIndex {
        let file = openat(directory, SoundCacheIndex.name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return SoundCacheIndex() }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return SoundCacheIndex(bytes: bytes) }
            bytes += buffer[..<count]
        }
    }

    /// Adds what this run has learned to what others wrote meanwhile, and forgets files whose sounds are gone. If that
    /// fails, files are read again next time, and no more.
    ///
    /// - Parameter keys: of all sounds there are or will be.
    private func saveIndex(keys: Set<ContentHash>) {
        var merged = readIndex()
        merged.merge(state.withLock { $0.index })
        merged.keep { stamp, hash in keys.contains(stamp.isEntry ? hash : Self.key(hash)) }
        let kept = merged
        state.withLock { $0.index.merge(kept) }
        _ = WholeFile.replace(SoundCacheIndex.name, in: directory, with: merged.bytes)
    }

    /// `4.20 GiB`: as `--cache-size` counts.
    private static func text(bytes: Int, _ rounding: FloatingPointRoundingRule) -> String {
        var (value, unit) = (Double(bytes), 0)
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
        while value >= 1024, unit + 1 < units.count {
            value /= 1024
            unit += 1
        }
        let hundredths = Int((value * 100).rounded(rounding))
        let fraction = hundredths % 100
        return unit == 0
            ? "\(bytes) bytes" : "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) \(units[unit])"
    }
}
