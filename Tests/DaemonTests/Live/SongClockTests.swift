import Testing

@testable import Daemon

@Suite("Clock of songs")
struct SongClockTests {
    private static let hour: Int64 = 3600 * 1_000_000_000

    @Test("Set forward it is followed at once; set back when the song has ended")
    func jumps() {
        var clock = SongClock()
        clock.follow(1000)
        #expect(clock.tell(1) == 1001)
        clock.isInSong = true
        clock.follow(1000 + Self.hour)
        #expect(clock.tell(2) == 1002 + Self.hour)
        clock.follow(1000)
        #expect(clock.tell(3) == 1003 + Self.hour)
        clock.isInSong = false
        #expect(clock.tell(4) == 1004)
        // Between songs at once.
        clock.follow(1000 - Self.hour)
        #expect(clock.tell(5) == 1005 - Self.hour)
        #expect(clock.jumps == 3)
    }

    @Test("What measuring does to it isn't followed, and times don't go back by it")
    func noise() {
        var clock = SongClock()
        clock.follow(1000)
        clock.follow(900_000)
        #expect(clock.tell(10) == 1010)
        #expect(clock.tell(7) == 1010)
        #expect(clock.tell(11) == 1011)
        #expect(clock.jumps == 0)
    }
}
