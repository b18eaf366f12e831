import Core
import Testing

@testable import Streaming

/// A stream that one tagger after another hears.
struct Relay {
    private(set) var tagger: Tagger
    private(set) var transcript = Transcript()
    private let signal: [Float]
    private var heard = 0
    /// Where the last gap was.
    private var gap = 0

    init(_ tagger: Tagger, signal: [Float]) {
        self.tagger = tagger
        self.signal = signal
    }

    /// Hears up to sample `end`.
    mutating func hear(to end: Int, cuts: [Int] = [441, 7, 3000]) {
        tagger.hear(Array(signal[heard..<end]), cuts: cuts, into: &transcript)
        heard = end
    }

    mutating func lose() {
        tagger.gap()
        gap = heard
    }

    /// Puts another in the tagger's place, which is given the newest `recent` samples, all but `late` of them before the
    /// running one has heard on for `late` samples.
    mutating func change(to next: Tagger, sameNets: Bool, recent: Int = 1 << 17, late: Int = 0) {
        let oldest = max(gap, heard - recent)
        next.prepare(from: Int64(oldest), now: Int64(heard), origin: tagger.origin)
        warm(next, oldest..<heard)
        let before = heard
        hear(to: heard + late)
        warm(next, before..<heard)
        next.takeOver(from: tagger, sameNets: sameNets)
        tagger = next
    }

    private func warm(_ next: Tagger, _ range: Range<Int>) {
        let skipped = max(0, Int(next.position) - range.lowerBound)
        signal[range].dropFirst(skipped).withUnsafeBufferPointer { samples in
            var rest = samples
            while !rest.isEmpty {
                let count = min(rest.count, 4096)
                next.warm(UnsafeBufferPointer(rebasing: rest[..<count]))
                rest = UnsafeBufferPointer(rebasing: rest[count...])
            }
        }
    }

    mutating func changeCold(to next: Tagger, sameNets: Bool) {
        next.startCold(beside: tagger)
        next.takeOver(from: tagger, sameNets: sameNets)
        tagger = next
    }

    mutating func finish() -> Transcript {
        hear(to: signal.count)
        var last = transcript
        tagger.finish { last.note($0) }
        return last
    }
}

@Suite("One tagger in another's place")
struct TaggerSuccessionTests {
    private let second = TaggerTests.second

    private static func settings(hop: Int = 700) -> TaggerSettings {
        var settings = TaggerSettings(hop: hop)
        settings.netHops = ["2^13": 1024, "5^5": 20_000]
        return settings
    }

    private static func nets() throws -> Model {
        try .random(nets: [(3, 8), (2, 13), (5, 5)], withClassifier: true)
    }

    /// Two songs with a pause inside and silence between.
    private var signal: [Float] {
        TaggerTests.noise(seconds: 3) + [Float](repeating: 0, count: second)
            + TaggerTests.noise(seconds: 2, seed: 2) + [Float](repeating: 0, count: 3 * second)
            + TaggerTests.noise(seconds: 3.5, seed: 3)
    }

    @Test("The same model, put in its own place anywhere: every answer and every song as if nothing had been")
    func identical() throws {
        let model = try Self.nets()
        let alone = try Tagger(model: model, settings: Self.settings())
        var wanted = Transcript()
        alone.hear(signal, cuts: [5000], into: &wanted)
        alone.finish { wanted.note($0) }
        #expect(wanted.tags.count > 300 && wanted.songs.count == 2)

        var relay = Relay(try Tagger(model: model, settings: Self.settings()), signal: signal)
        // Before any sound, before a window, on a window's end, in a pause, in silence, between songs, in the last one.
        for (place, late) in [
            (0, 0), (5000, 1), (19_683, 0), (40_000, 3000), (3 * second + 9000, 700), (5 * second, 0),
            (7 * second, 20_000), (9 * second + 5, 12), (11 * second, 30_000),
        ] {
            relay.hear(to: place)
            relay.change(to: try Tagger(model: model, settings: Self.settings()), sameNets: true, late: late)
        }
        #expect(relay.finish() == wanted)
    }

    @Test("Other nets go on at once with what they say of the same sound, and the song goes on")
    func others() throws {
        let (former, latter) = (try Self.nets(), try Model.random(nets: [(4, 6), (2, 14)], tags: ["a", "b"]))
        let place = 4 * second + second / 2
        var relay = Relay(try Tagger(model: former, settings: Self.settings()), signal: signal)
        relay.hear(to: place)
        let before = relay.transcript
        relay.change(to: try Tagger(model: latter, settings: TaggerSettings(hop: 512)), sameNets: false, late: 900)
        let place2 = place + 900
        let after = relay.finish()

        let alone = try Tagger(model: latter, settings: TaggerSettings(hop: 512))
        var wanted = Transcript()
        alone.hear(signal, cuts: [5000], into: &wanted)
        let expected = wanted.tags.filter { $0.position > place2 }
        let said = after.tags.filter { $0.window.count == 2 }
        #expect(said.map(\.position) == expected.map(\.position))
        #expect(said.map(\.nets) == expected.map(\.nets))
        #expect(said.map(\.window) == expected.map(\.window))
        #expect(after.tags.count > before.tags.count + said.count)
        // The song that was playing began at 0; its features are the new nets' own, from the change on.
        #expect(said.first?.songStart == 0)
        #expect(said.first?.songWindows == 1)
        #expect(after.songs.map(\.start) == [0, Int64(9 * second / 441 * 441)])
        #expect(after.songs.allSatisfy { $0.song?.count == 2 })
    }

    @Test("Windows longer than what is at hand begin there; without anything at hand, where the change was")
    func cold() throws {
        let model = try Model.random(nets: [(3, 8)])
        func relay() throws -> Relay {
            Relay(try Tagger(model: model, settings: TaggerSettings(hop: 900)), signal: signal)
        }
        func firstBehind(_ place: Int, _ transcript: Transcript) -> Int64? {
            transcript.tags.map(\.position).first { $0 > place }
        }
        let place = 30_000
        var short = try relay()
        short.hear(to: place)
        short.change(to: try Tagger(model: model, settings: TaggerSettings(hop: 900)), sameNets: true, recent: 10_000)
        // Behind sample 20 000 the first window begins at 20 700.
        #expect(firstBehind(place, short.finish()) == Int64(20_700 + 19_683))

        var empty = try relay()
        empty.hear(to: place)
        empty.changeCold(to: try Tagger(model: model, settings: TaggerSettings(hop: 900)), sameNets: true)
        let late = empty.finish()
        #expect(firstBehind(place, late) == Int64(30_600 + 19_683))
        let alone = try Tagger(model: model, settings: TaggerSettings(hop: 900))
        var wanted = Transcript()
        alone.hear(signal, cuts: [5000], into: &wanted)
        #expect(late.tags.last?.window == wanted.tags.last?.window)
    }

    @Test("No window spans a gap that the former tagger had")
    func gap() throws {
        let model = try Model.random(nets: [(3, 8)])
        var relay = Relay(try Tagger(model: model, settings: TaggerSettings(hop: 900)), signal: signal)
        relay.hear(to: 30_000)
        relay.lose()
        relay.hear(to: 40_000)
        relay.change(to: try Tagger(model: model, settings: TaggerSettings(hop: 900)), sameNets: true)
        let transcript = relay.finish()
        #expect(transcript.tags.map(\.position).first { $0 > 30_000 } == Int64(30_000 + 19_683))
        #expect(transcript.tags.allSatisfy { ($0.position - ($0.position > 30_000 ? 30_000 : 0) - 19_683) % 900 == 0 })
    }

    @Test("Where songs are no longer cut, one plays from the change on; where they are again, the next silence ends it")
    func boundaries() throws {
        let model = try Model.random(nets: [(3, 8)])
        var off = TaggerSettings(hop: 900)
        off.songBoundaries = .off
        var relay = Relay(try Tagger(model: model, settings: TaggerSettings(hop: 900)), signal: signal)
        // Between the two songs.
        relay.hear(to: 8 * second + second / 2)
        relay.change(to: try Tagger(model: model, settings: off), sameNets: true)
        let songs = relay.finish().songs
        #expect(songs.map(\.start) == [0, Int64(8 * second + second / 2)])
        #expect(songs.last?.end == Int64(signal.count))

        var again = Relay(try Tagger(model: model, settings: off), signal: signal)
        again.hear(to: second)
        again.change(to: try Tagger(model: model, settings: TaggerSettings(hop: 900)), sameNets: true)
        #expect(again.finish().songs.count == 2)
    }
}
