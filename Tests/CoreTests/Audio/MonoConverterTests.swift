import Testing

@testable import Core

@Suite struct MonoConverterTests {
    private func converted(_ samples: [Float], rate: Int, cuts: [Int]) throws -> [Float] {
        let converter = try MonoConverter(sampleRate: rate, channels: 1)
        var result: [Float] = []
        var start = 0
        samples.withUnsafeBufferPointer { all in
            for cut in cuts + [samples.count] {
                let end = min(samples.count, start + cut)
                converter.push(interleaved: UnsafeBufferPointer(rebasing: all[start..<end])) { result += $0 }
                start = end
            }
        }
        converter.flush { result += $0 }
        return result
    }

    @Test("cuts, of no sample and of one too, change nothing", arguments: [8_000, 22_050, 44_100, 48_000])
    func cuts(_ rate: Int) throws {
        let samples = (0..<20_000).map { _ in Float.random(in: -1...1) }
        let whole = try converted(samples, rate: rate, cuts: [])
        #expect(try converted(samples, rate: rate, cuts: (0..<900).map { $0 % 3 } + [0, 777, 5000, 0, 1]) == whole)
        #expect(whole.count == Int((20_000 * 22_050 / Double(rate)).rounded()))
    }

    @Test("what isn't finite counts as 0")
    func finite() throws {
        #expect(try converted([.nan, 0.5, .infinity, -0.25], rate: 22_050, cuts: []) == [0, 0.5, 0, -0.25])
    }

    @Test("at least one channel is wanted", arguments: [0, -1])
    func channels(_ count: Int) {
        #expect(throws: ResamplerError.self) { try MonoConverter(sampleRate: 44_100, channels: count) }
    }
}
