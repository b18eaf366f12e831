/// How many channels become one, the same for files and for live sound: their mean, or one of them; gain unity.
public enum ChannelChoice: Sendable, Equatable {
    /// The sum of all channels divided by their number.
    case mean
    /// One channel, counted from 0.
    case single(Int)

    /// What isn't a finite number counts as 0: one such sample would silence a net for a whole window.
    ///
    /// - Parameters:
    ///   - interleaved: whole frames of `channels` samples.
    ///   - mono: as many samples as there are frames.
    func mix(
        _ interleaved: UnsafeBufferPointer<Float>, channels: Int, into mono: UnsafeMutableBufferPointer<Float>
    ) {
        switch self {
        case .single(let channel):
            for frame in mono.indices {
                let sample = interleaved[frame * channels + channel]
                mono[frame] = sample.isFinite ? sample : 0
            }
        case .mean:
            let gain = 1 / Float(channels)
            for frame in mono.indices {
                var sum: Float = 0
                for channel in 0..<channels {
                    let sample = interleaved[frame * channels + channel]
                    sum += sample.isFinite ? sample : 0
                }
                mono[frame] = sum * gain
            }
        }
    }
}
