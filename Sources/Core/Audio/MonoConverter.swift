/// Sound as it comes, of any format, channel count and rate, into the nets' 22 050 Hz mono: the one way in, for files, for training and for live sound.
///
/// What comes out doesn't depend on how the input was cut. Nothing is allocated per push.
public final class MonoConverter {
    public let sampleRate: Int
    public let channels: Int
    private let choice: ChannelChoice
    private let resampler: MonoResampler
    /// Frames converted at once.
    private static let slice = 4096
    private let interleaved: UnsafeMutableBufferPointer<Float>
    private let mono: UnsafeMutableBufferPointer<Float>

    /// - Throws: `ResamplerError` for a rate that can't be converted or a channel that isn't there.
    public init(sampleRate: Int, channels: Int, choice: ChannelChoice = .mean) throws(ResamplerError) {
        guard channels > 0 else { throw ResamplerError(description: "1 channel or more wanted, \(channels) found") }
        if case .single(let channel) = choice, !(0..<channels).contains(channel) {
            throw ResamplerError(description: "channel \(channel + 1) wanted, \(channels) found")
        }
        resampler = try MonoResampler(inputRate: sampleRate)
        self.sampleRate = sampleRate
        self.channels = channels
        self.choice = choice
        interleaved = .init(start: allocateFloats(Self.slice * channels), count: Self.slice * channels)
        mono = .init(start: allocateFloats(Self.slice), count: Self.slice)
    }

    deinit {
        interleaved.deallocate()
        mono.deallocate()
    }

    /// Whole frames as floats.
    public func push(interleaved samples: UnsafeBufferPointer<Float>, _ body: (UnsafeBufferPointer<Float>) -> Void) {
        var rest = samples
        while rest.count >= channels {
            let frames = min(Self.slice, rest.count / channels)
            let target = UnsafeMutableBufferPointer(rebasing: mono[..<frames])
            choice.mix(rest, channels: channels, into: target)
            resampler.process(UnsafeBufferPointer(target), body)
            rest = UnsafeBufferPointer(rebasing: rest.dropFirst(frames * channels))
        }
    }

    /// Whole frames in a device's format.
    public func push(raw: UnsafeRawBufferPointer, format: SampleFormat, _ body: (UnsafeBufferPointer<Float>) -> Void) {
        var rest = raw
        let frameBytes = channels * format.bytes
        while rest.count >= frameBytes {
            let frames = min(Self.slice, rest.count / frameBytes)
            let samples = UnsafeMutableBufferPointer(rebasing: interleaved[..<(frames * channels)])
            format.decode(rest, into: samples)
            push(interleaved: UnsafeBufferPointer(samples), body)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(frames * frameBytes))
        }
    }

    /// The input has ended: hands on what the resampler still holds.
    public func flush(_ body: (UnsafeBufferPointer<Float>) -> Void) { resampler.flush(body) }

    /// Samples were lost: what comes next doesn't follow on what came before.
    public func reset() { resampler.reset() }
}
