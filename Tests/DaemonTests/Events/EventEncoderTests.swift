import Streaming
import Testing

@testable import Daemon

@Suite struct EventEncoderTests {
    private let encoder = EventEncoder(
        model: .init(name: "m", sha256: "ab", nets: ["3^9"], tags: ["piano", "a\"b"]))

    private var report: TagReport {
        var report = TagReport(tags: 2, nets: 1)
        report.position = 59_049
        report.window = [0.25, 0.5]
        return report
    }

    private func line(_ options: TagsOptions) -> String {
        var line: [UInt8] = []
        encoder.tags(report, time: 1_767_323_045_678_999_999, options: options, into: &line)
        return String(decoding: line, as: UTF8.self)
    }

    @Test("a tags event, byte for byte; no song before its first window")
    func tags() {
        let wanted =
            #"{"type":"tags","position":59049,"time":"2026-01-02T03:04:05.678Z","#
            + #""window":{"piano":0.2500,"a\"b":0.5000},"song":{},"song_start":0}"# + "\n"
        #expect(line(TagsOptions()) == wanted)
    }

    @Test("the likeliest first when so many are asked for")
    func top() {
        var options = TagsOptions()
        options.top = 2
        #expect(line(options).contains(#""window":{"a\"b":0.5000,"piano":0.2500}"#))
    }

    @Test("hello says from which probability on tags are heard, where the model does")
    func thresholds() {
        func hello(_ thresholds: [String: Float], songs: [String: Float]? = nil) -> String {
            var line: [UInt8] = []
            EventEncoder(
                model: .init(
                    name: "m", sha256: "ab", nets: ["3^9"], tags: ["piano", "a\"b"], thresholds: thresholds,
                    songThresholds: songs)
            ).hello(source: "s", position: 0, into: &line)
            return String(decoding: line, as: UTF8.self)
        }
        #expect(!hello([:]).contains("thresholds"))
        #expect(
            hello(["a\"b": 0.25, "piano": 0.5]).contains(
                #""tags":["piano","a\"b"],"thresholds":{"piano":0.5,"a\"b":0.25}},"sample_rate""#))
        #expect(
            hello(["piano": 0.5], songs: ["a\"b": 1]).contains(
                #""thresholds":{"piano":0.5},"song_thresholds":{"a\"b":1.0}}"#))
    }

    @Test("a count of dropped events, byte for byte")
    func dropped() {
        var line: [UInt8] = []
        encoder.dropped(7, into: &line)
        #expect(String(decoding: line, as: UTF8.self) == "{\"type\":\"dropped\",\"count\":7}\n")
    }
}
