import CSoxr

/// Any rate to the nets' 22 050 Hz, by libsoxr. One resampler for training, files and live sound: a net that had heard
/// another in training would hear another world.
///
/// The filter is chosen for its delay, since every millisecond of it is one that live tags come later: stop band at
/// −96 dB (16 bits) from 11 025 Hz on, flat to 8 490 Hz, worked in the shortest blocks libsoxr has. Sound comes out at most
/// 4.1 ms late from 44 100 Hz and 2.6 ms from 48 000 Hz; libsoxr's own high quality takes 42 and 38 ms.
///
/// What comes out never depends on how the input was cut.
/// Nothing is allocated by `process` once libsoxr's own buffers have grown to the largest input.
public final class MonoResampler {
    /// Input rates taken, Hz.
    public static let rates = 1_000...768_000

    private static let precision = 16.0
    private static let passbandEnd = 0.77
    /// What sound depends on that was resampled and kept: other settings, other text.
    static let settings = "soxr, \(precision) bits, flat to \(passbandEnd), \(Model.sampleRate) Hz"

    public let inputRate: Int
    /// Nil where the input has the nets' rate already: its samples are passed on as they are.
    private let soxr: soxr_t?
    private let output: UnsafeMutableBufferPointer<Float>
    /// Samples in and out since the last reset, so that `flush` can end on the exact length.
    private var taken = 0
    private var given = 0

    /// - Throws: `ResamplerError` for a rate outside `rates`.
    public init(inputRate: Int) throws(ResamplerError) {
        guard Self.rates.contains(inputRate) else {
            throw ResamplerError(
                description:
                    "sample rate: \(Self.rates.lowerBound) to \(Self.rates.upperBound) Hz wanted, \(inputRate) found")
        }
        self.inputRate = inputRate
        output = .init(start: allocateFloats(8192), count: 8192)
        guard inputRate != Model.sampleRate else {
            soxr = nil
            return
        }
        var error: soxr_error_t?
        var types = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I)
        var quality = soxr_quality_spec(UInt(SOXR_HQ), 0)
        quality.precision = Self.precision
        quality.passband_end = Self.passbandEnd
        var runtime = soxr_runtime_spec(1)
        runtime.log2_min_dft_size = 8
        runtime.log2_large_dft_size = 8
        soxr = soxr_create(Double(inputRate), Double(Model.sampleRate), 1, &error, &types, &quality, &runtime)
        // `deinit` runs then too, every property having its value.
        guard soxr != nil else {
            throw ResamplerError(description: "libsoxr: \(error.map { String(cString: $0) } ?? "out of memory")")
        }
    }

    deinit {
        if let soxr { soxr_delete(soxr) }
        output.deallocate()
    }

    /// Takes samples and hands on what has become ready, in pieces.
    public func process(_ input: UnsafeBufferPointer<Float>, _ body: (UnsafeBufferPointer<Float>) -> Void) {
        // To libsoxr no input means no more input.
        guard !input.isEmpty else { return }
        taken += input.count
        guard let soxr else {
            given += input.count
            body(input)
            return
        }
        var rest = input
        while true {
            var used = 0
            var done = 0
            soxr_process(soxr, rest.baseAddress, rest.count, &used, output.baseAddress, output.count, &done)
            rest = UnsafeBufferPointer(rebasing: rest.dropFirst(used))
            given += done
            if done > 0 { body(UnsafeBufferPointer(rebasing: output[..<done])) }
            if rest.isEmpty && done < output.count { return }
        }
    }

    /// The input has ended: hands on the rest, so that inputs · 22 050 / rate samples, rounded, came out in all; then as `reset`.
    public func flush(_ body: (UnsafeBufferPointer<Float>) -> Void) {
        if let soxr {
            let total = Int((Double(taken) * Double(Model.sampleRate) / Double(inputRate)).rounded())
            while given < total {
                var done = 0
                soxr_process(soxr, nil, 0, nil, output.baseAddress, min(output.count, total - given), &done)
                guard done > 0 else { break }
                given += done
                body(UnsafeBufferPointer(rebasing: output[..<done]))
            }
        }
        reset()
    }

    /// Forgets what was heard: the next sample is the first.
    public func reset() {
        taken = 0
        given = 0
        if let soxr { soxr_clear(soxr) }
    }
}

/// A rate that can't be converted.
public struct ResamplerError: Error, Equatable, CustomStringConvertible {
    public let description: String
}
