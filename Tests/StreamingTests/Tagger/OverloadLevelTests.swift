import Core
import Testing

@testable import Streaming

@Suite("What is asked of the nets on a machine that can't keep up")
struct OverloadLevelTests {
    private static func settings() -> TaggerSettings {
        var settings = TaggerSettings(hop: 243)
        settings.netHops = ["2^13": 1024]
        return settings
    }

    private static func model() throws -> Model { try .random(nets: [(3, 8), (2, 13), (4, 6)]) }

    @Test("Hops up to a window, each times its net's m; then nets, the costliest first; then hops beyond")
    func levels() throws {
        let tagger = try Tagger(model: Self.model(), settings: Self.settings())
        let levels = tagger.levels
        let (first, second, third) = (levels.map { $0.hops[0] }, levels.map { $0.hops[1] }, levels.map { $0.hops[2] })
        #expect(levels.first?.hops == [243, 1024, 243])
        #expect(first.prefix(5) == [243, 729, 2187, 6561, 19_683])
        #expect(second.prefix(5) == [1024, 2048, 4096, 8192, 16_384])
        // 243 · 4³ is just shorter than the window; one level is for 3^8 and 2^13 alone.
        #expect(third.prefix(5) == [243, 972, 3888, 15_552, 15_552])
        let inUse = levels.map { $0.hops.count { $0 != nil } }
        #expect(inUse.prefix(5) == [3, 3, 3, 3, 3])
        #expect(inUse.dropFirst(5).prefix(2) == [2, 1])
        #expect(inUse.dropFirst(6).allSatisfy { $0 == 1 })
        let last = try #require(levels.last?.hops.compactMap { $0 }.first)
        #expect(last <= TaggerSettings.longestHop && last > TaggerSettings.longestHop / 4)
        for (level, next) in zip(levels, levels.dropFirst()) {
            #expect(next.cost < level.cost)
            for (hop, longer) in zip(level.hops, next.hops) {
                guard let longer else { continue }
                #expect(longer % (try #require(hop)) == 0)
            }
        }
        // What is left out first costs most by itself.
        let whole = levels[4].cost
        #expect(whole - levels[5].cost >= levels[5].cost - levels[6].cost)
        #expect(levels[5].cost - levels[6].cost >= levels[6].cost)
    }

    @Test("One net alone is never left out, and a hop that is longer than its window grows on")
    func single() throws {
        let levels = try Tagger(model: .random(nets: [(3, 8)]), settings: TaggerSettings(hop: 30_000)).levels
        #expect(levels.map(\.hops).prefix(3) == [[30_000], [90_000], [270_000]])
        #expect(levels.allSatisfy { $0.hops[0] != nil })
    }

    @Test("There and back: what is said at a level is what is said there at none, and at the end all is as it was")
    func thereAndBack() throws {
        let signal = TaggerTests.noise(seconds: 14)
        let calm = try Tagger(model: Self.model(), settings: Self.settings())
        var wanted = Transcript()
        calm.hear(signal, cuts: [999], into: &wanted)

        let tagger = try Tagger(model: Self.model(), settings: Self.settings())
        var transcript = Transcript()
        var levels: [(level: Int, from: Int64)] = []
        let places = [(0, 2.0), (1, 4.0), (6, 6.5), (2, 9.0), (0, 14.0)]
        for (level, end) in places {
            if level != tagger.level { tagger.use(level: level) }
            levels.append((level, tagger.position))
            let range = Int(tagger.position)..<Int(end * 22_050)
            tagger.hear(Array(signal[range]), cuts: [441, 10], into: &transcript)
        }
        #expect(tagger.position == Int64(signal.count))
        #expect(tagger.netsInUse == ["3^8", "2^13", "4^6"])

        // Each net's answers are those that it gives at the same place undisturbed.
        for net in 0..<3 {
            var undisturbed: [Int64: NetReport] = [:]
            for report in wanted.tags { undisturbed[report.nets[net].end] = report.nets[net] }
            let ends = transcript.tags.map { $0.nets[net] }.filter { $0.end > 0 }
            #expect(ends.count > 50)
            #expect(ends.allSatisfy { undisturbed[$0.end] == $0 })
        }
        // With one net left, windows are its own, and the song's tags still grow.
        let left = transcript.tags.filter { $0.position > levels[2].from && $0.position <= levels[3].from }
        #expect(!left.isEmpty)
        for report in left {
            let heard = report.nets.filter { $0.end > 0 }
            #expect(heard.count == 1 && heard.first?.probabilities == report.window)
        }
        let alone = try #require(tagger.levels[6].hops.firstIndex { $0 != nil })
        #expect(left.allSatisfy { $0.nets[alone].end > 0 })
        // Back at the first level, behind a window and a hop of every net, all is as it was.
        let settled = levels[4].from + 19_683 + 1024
        #expect(
            transcript.tags.filter { $0.position > settled }.map(\.window)
                == wanted.tags.filter { $0.position > settled }.map(\.window))
        #expect(transcript.tags.allSatisfy { $0.songStart == 0 })
        #expect(transcript.tags.map(\.position) == transcript.tags.map(\.position).sorted())
    }

    @Test("A song that began while a net was left out has tags all the same")
    func song() throws {
        let tagger = try Tagger(model: Self.model(), settings: Self.settings())
        let count = tagger.levels.firstIndex { $0.hops.contains(nil) }
        tagger.use(level: try #require(count))
        var transcript = Transcript()
        tagger.hear(TaggerTests.noise(seconds: 6), cuts: [441], into: &transcript)
        #expect(transcript.tags.last.map { $0.songWindows > 0 && $0.song != [0, 0, 0] } == true)
        tagger.finish { transcript.note($0) }
        #expect(transcript.songs.first?.song != nil)
    }
}
