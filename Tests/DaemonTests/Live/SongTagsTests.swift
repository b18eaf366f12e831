import Core
import Foundation
import Testing

@testable import Daemon

/// A classifier with tags of its own in the daemon: what clients and `watch` see of it, and what `status` says.
@Suite("Song tags, live")
struct SongTagsTests {
    /// Two nets, and a classifier over them that was given other tags.
    private func model(in fixture: LiveFixture) throws -> String {
        let path = URL(fileURLWithPath: LiveFixture.model).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("classifiers/sigmoid.safetensors").path
        var model = try ModelFile.read(path: path).model
        model.classifier?.configuration.tags = ["calm", "wild", "guitar"]
        try ModelFile.write(model, to: fixture.folder + "/model.safetensors")
        return fixture.folder + "/model.safetensors"
    }

    @Test("Windows have the nets' tags, songs the classifier's; status says what it costs; watch shows both")
    func both() async throws {
        try await blocking {
            let fixture = try LiveFixture(hasDevice: false)
            let daemon = try fixture.daemon(
                ["--duration", "3", "--wait-for-device"], model: try model(in: fixture),
                environment: ["WAVETAG_CLASSIFIER_INTERVAL": "0.25"])
            let client = try fixture.connect(to: daemon)
            let watch = try ChildProcess([
                ChildProcess.wavetag, "watch", "--socket", fixture.socket, "--top", "3",
            ])
            let hello = try #require(try client.readLine())
            #expect(hello.contains(#""song_tags":["calm","wild","guitar"]"#))
            try client.send(#"{"subscribe":{"tags":["wild","techno"]}}"# + "\n" + #"{"status":true}"# + "\n")
            let idle = try JSONValue(parsing: try #require(try client.readLine()).utf8)
            #expect(idle["classifier_evaluations"] == .integer(0))
            try fixture.plugIn()

            var (tags, last): (Int, JSONValue?) = (0, nil)
            while let line = try client.readLine() {
                let event = try JSONValue(parsing: line.utf8)
                guard event["type"] == .string("tags") else { continue }
                tags += 1
                last = event
                if tags == 60 { try client.send(#"{"status":true}"# + "\n") }
                guard case .object(let song)? = event["song"], case .object(let window)? = event["window"] else {
                    Issue.record("\(line)")
                    return
                }
                #expect(window.map(\.name) == ["techno"])
                if !song.isEmpty { #expect(song.map(\.name) == ["wild"]) }
            }
            #expect(last?["song"]?["wild"] != nil)

            var isShown = false
            while let line = try watch.readLine() {
                guard line.contains("now: "), !line.contains("song: -") else { continue }
                #expect(line.contains("techno ") && line.contains("wild ") && line.contains("calm "))
                isShown = true
                break
            }
            #expect(isShown)
            #expect(try daemon.end().code == 0)
        }
    }

    @Test("The classifier's cost is in the status")
    func status() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let daemon = try fixture.daemon(["--status-interval", "1"], model: try model(in: fixture))
            let client = try fixture.connect(to: daemon)
            while let line = try client.readLine() {
                let event = try JSONValue(parsing: line.utf8)
                guard event["type"] == .string("status"), case .integer(let count)? = event["classifier_evaluations"],
                    count > 1
                else { continue }
                #expect(try #require(event["classifier_microseconds"]?.double) > 0)
                let load = try #require(event["song_load"]?.double)
                #expect(load > 0 && load < 1)
                break
            }
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
        }
    }
}
