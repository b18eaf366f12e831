/// How many channels become one, the same for files and for live sound: their mean, or one of them; gain unity.
public enum ChannelChoice: Sendable, Equatable {
    /// The sum of all channels divided by their number.
    case mean
    /// One channel, counted from 0.
    case single(Int)

    /// - Parameters:
    ///   - interleaved: whole frames of `channels` samples.
    ///   - mono: as many samples as there are frames.
    func mix(
        _ interleaved: UnsafeBufferPointer<Float>, channels: Int, into mono: UnsafeMutableBufferPointer<Float>
    ) {
        switch self {
        case .single(let channel):
            for frame in mono.indices { mono[frame] = interleaved[frame * channels + channel] }
        case .mean:
            let gain = 1 / Float(channels)
            for frame in mono.indices {
                var sum: Float = 0
                for channel in 0..<channels { sum += interleaved[frame * channels + channel] }
                mono[frame] = sum * gain
            }
        }
    }
}
