import Testing

@testable import Daemon

@Suite("Devices with a clock, and without")
struct ClockDetectorTests {
    /// Seconds after which a device counts as one without a clock; nil: not within `limit`.
    ///
    /// - Parameter frames: what the device has delivered after so many seconds.
    private func missing(within limit: Int, rate: Int = 48_000, step: Int = 1, _ frames: (Double) -> Double) -> Int? {
        // A boot ago: times begin anywhere.
        let opened: Int64 = 7_000_000_000_000
        var clock = ClockDetector(at: opened)
        return stride(from: step, through: limit, by: step).first {
            clock.isMissing(Int(frames(Double($0)) * Double(rate)), at: opened + Int64($0) * 1_000_000_000, rate: rate)
        }
    }

    @Test("A year of a clock that is off is a clock", arguments: [20e-6, 500e-6, -500e-6, 0.05, -0.05])
    func year(drift: Double) {
        #expect(missing(within: 365 * 86_400, step: 5) { $0 * (1 + drift) } == nil)
    }

    @Test("Who delivers as fast as he is read has none")
    func none() {
        #expect(missing(within: 60) { $0 * 1000 } == 1)
        #expect(missing(within: 60) { $0 * 2 } == 4)
        // After a month with one, too: another device may stand behind a name.
        let month = 2_592_000.0
        let found = missing(within: 3_000_000) { $0 < month ? $0 * 1.0005 : month * 1.0005 + ($0 - month) * 2 }
        #expect((2_592_003...2_592_005).contains(found ?? 0))
    }

    @Test("What has waited while nobody read comes at once, whenever that is")
    func late() {
        // Read for ten minutes, stopped for one, then all of it.
        for began in 595...615 {
            let read = { (time: Double) in time < Double(began) || time > Double(began) + 60 ? time : Double(began) }
            #expect(missing(within: 2000, read) == nil)
        }
    }
}
