import CSndfile
import Glibc

/// A sound file of any format that libsndfile reads: wav, flac, ogg, opus, mp3 and many more.
///
/// A damaged or truncated file gives the sound that can be read of it; only one that gives none is an error. A file that
/// says it has no frames has none, and that is no error. Samples that aren't finite numbers count as 0.
public final class SoundFile {
    /// Hz.
    public let sampleRate: Int
    public let channels: Int
    /// Frames that the file says it has; a stream may not know and say a very large number.
    public let frames: Int
    private let handle: OpaquePointer
    private let path: String
    private var framesRead = 0

    /// - Parameters:
    ///   - path: `-` is standard input. What can't be jumped about in (a pipe) is first copied to a file without a name,
    ///     since most formats are read that way.
    ///   - isInterrupted: asked while a pipe is copied, whenever a signal comes; true ends the copy with what there is.
    /// - Throws: `SoundFileError`, one line.
    public init(path: String, isInterrupted: () -> Bool = { false }) throws(SoundFileError) {
        self.path = path
        var info = SF_INFO()
        var file = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw SoundFileError(errno == ENOENT ? .missing : .unreadable, path, String(cString: strerror(errno)))
        }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
            close(file)
            throw SoundFileError(.invalid, path, "a directory")
        }
        if lseek(file, 0, SEEK_CUR) < 0 { file = try Self.spooled(file, path: path, isInterrupted: isInterrupted) }
        // libsndfile closes the descriptor, also when it can't read it.
        guard let handle = sf_open_fd(file, Int32(SFM_READ), &info, 1) else {
            throw SoundFileError(.invalid, path, Self.reason(sf_strerror(nil)))
        }
        guard info.channels > 0, MonoResampler.rates.contains(Int(info.samplerate)) else {
            sf_close(handle)
            throw SoundFileError(
                .invalid, path, "\(info.channels) channels at \(info.samplerate) Hz can't be converted")
        }
        self.handle = handle
        sampleRate = Int(info.samplerate)
        channels = Int(info.channels)
        frames = Int(info.frames)
    }

    deinit { sf_close(handle) }

    /// Reads the next frames, interleaved, as many as fit.
    ///
    /// - Returns: frames read; 0 at the end of what can be read.
    /// - Throws: `SoundFileError` when a file that should have sound gives none.
    public func read(into buffer: UnsafeMutableBufferPointer<Float>) throws(SoundFileError) -> Int {
        let count = Int(sf_readf_float(handle, buffer.baseAddress, sf_count_t(buffer.count / channels)))
        framesRead += count
        if framesRead == 0, frames != 0 {
            let error = sf_error(handle)
            throw SoundFileError(
                error == Int32(SF_ERR_SYSTEM) ? .unreadable : .invalid, path,
                error == Int32(SF_ERR_NO_ERROR) ? "no sound can be read" : Self.reason(sf_strerror(handle)))
        }
        return count
    }

    /// The whole of a file as the nets hear it: 22 050 Hz mono.
    public static func readMono(path: String, choice: ChannelChoice = .mean) throws(SoundFileError) -> [Float] {
        var mono: [Float] = []
        try decodeMono(path: path, choice: choice) {
            mono.append(contentsOf: $0)
            return true
        }
        return mono
    }

    /// As `readMono`, piece by piece.
    ///
    /// - Parameter body: gets the next samples, and says whether it wants more.
    static func decodeMono(
        path: String, choice: ChannelChoice = .mean, _ body: (UnsafeBufferPointer<Float>) -> Bool
    ) throws(SoundFileError) {
        let file = try SoundFile(path: path)
        let converter: MonoConverter
        do {
            converter = try MonoConverter(sampleRate: file.sampleRate, channels: file.channels, choice: choice)
        } catch { throw SoundFileError(.invalid, path, error.description) }
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: 8192 * file.channels)
        defer { buffer.deallocate() }
        var isWanted = true
        while isWanted {
            let frames = try file.read(into: buffer)
            guard frames > 0 else { break }
            converter.push(interleaved: UnsafeBufferPointer(rebasing: buffer[..<(frames * file.channels)])) {
                if isWanted { isWanted = body($0) }
            }
        }
        converter.flush { if isWanted { isWanted = body($0) } }
    }

    private static func reason(_ text: UnsafePointer<CChar>?) -> String {
        var reason = text.map { String(cString: $0) } ?? "unknown error"
        while let last = reason.last, last == "." || last.isNewline || last == " " { reason.removeLast() }
        return reason
    }

    /// A file without a name that holds what `input` gives until its end; closes `input`.
    private static func spooled(
        _ input: Int32, path: String, isInterrupted: () -> Bool
    ) throws(SoundFileError) -> Int32 {
        defer { close(input) }
        func failure() -> SoundFileError { SoundFileError(.unreadable, path, String(cString: strerror(errno))) }
        guard let spool = tmpfile() else { throw failure() }
        defer { fclose(spool) }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(input, &buffer, buffer.count)
            if count < 0 && errno == EINTR {
                guard isInterrupted() else { continue }
                break
            }
            guard count >= 0 else { throw failure() }
            if count == 0 { break }
            guard fwrite(buffer, 1, count, spool) == count else { throw failure() }
        }
        guard fflush(spool) == 0 else { throw failure() }
        let file = dup(fileno(spool))
        guard file >= 0, lseek(file, 0, SEEK_SET) == 0 else { throw failure() }
        return file
    }
}

/// Why a sound file can't be read: one line, `path: why`.
public struct SoundFileError: Error, Equatable, CustomStringConvertible {
    public enum Kind: Sendable {
        case missing
        case unreadable
        case invalid
    }

    public let kind: Kind
    public let description: String

    public init(_ kind: Kind, _ path: String, _ reason: String) {
        self.kind = kind
        description = "\(path): \(reason)"
    }
}
