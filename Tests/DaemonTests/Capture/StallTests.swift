import Testing

@testable import Daemon

@Suite("Stalls")
struct StallTests {
    private static let stereo = CaptureFormat(sample: .s16, rate: 100, channels: 2)

    private func hear(_ samples: [Int16], _ detector: inout StallDetector) -> Bool {
        samples.withUnsafeBytes { detector.hear($0.baseAddress!, count: samples.count / 2, of: Self.stereo) }
    }

    @Test("The same frame for long enough is a stall, whatever it is; another frame ends it")
    func same() {
        var detector = StallDetector(after: 1)
        // Channels may differ from each other: an offset each, as converters have.
        let still = [Int16](repeating: 0, count: 100).indices.map { $0 % 2 == 0 ? Int16(5) : -7 }
        #expect(!hear(still, &detector) && !detector.isStalled)
        #expect(hear(still, &detector) && detector.isStalled)
        #expect(!hear(still, &detector) && detector.isStalled)
        #expect(hear([5, -7, 5, -6], &detector) && !detector.isStalled)
        // What counts is the change, also between two pieces.
        #expect(!hear(still, &detector))
        #expect(!hear([5, -7, 5, -7], &detector) && !hear(still, &detector))
        #expect(hear(still, &detector) && detector.isStalled)
    }

    @Test("No device counts like silence, and a device that comes back silent is no end of it")
    func absent() {
        var detector = StallDetector(after: 1)
        #expect(!hear([1, 1, 2, 2], &detector))
        let changes = [0.9, 0.2, 5].map { detector.wait($0) }
        #expect(changes == [false, true, false] && detector.isStalled)
        detector.begin()
        #expect(!hear([0, 0, 0, 0], &detector) && detector.isStalled)
        #expect(hear([0, 0, 0, 1], &detector) && !detector.isStalled)
    }

    @Test("0 seconds: never")
    func never() {
        var detector = StallDetector(after: 0)
        #expect(!hear([0, 0, 0, 0], &detector))
        let changes = detector.wait(1e9)
        #expect(!changes && !detector.isStalled)
    }
}
