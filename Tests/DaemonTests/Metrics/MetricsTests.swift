import Foundation
import Testing

@testable import Daemon

@Suite struct MetricsTests {
    /// What a text in Prometheus' format says: for each metric its type and its samples.
    private struct Exposition {
        var types: [String: String] = [:]
        var samples: [(name: String, labels: String, value: Double)] = []

        /// Nil where a line isn't as the format wants it.
        init?(_ text: String) {
            guard text.hasSuffix("\n") else { return nil }
            var helped: Set<Substring> = []
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                if line.hasPrefix("# HELP ") {
                    guard words.count > 3, helped.insert(words[2]).inserted else { return nil }
                } else if line.hasPrefix("# TYPE ") {
                    guard words.count == 4, helped.contains(words[2]), types[String(words[2])] == nil else {
                        return nil
                    }
                    types[String(words[2])] = String(words[3])
                } else {
                    guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...])
                    else { return nil }
                    let key = line[..<space]
                    let name = key.prefix { $0 != "{" }
                    guard types[String(name)] != nil else { return nil }
                    samples.append((String(name), String(key.dropFirst(name.count)), value))
                }
            }
        }

        subscript(name: String) -> Double? { samples.first { $0.name == name }?.value }
    }

    /// prometheus_client's own parser; nil where it isn't installed.
    ///
    /// - Returns: the names and types that it has read.
    private static func parsed(_ path: String) throws -> [String: String]? {
        let script = """
            import sys
            try:
                from prometheus_client.parser import text_string_to_metric_families
            except ImportError:
                sys.exit(3)
            for family in text_string_to_metric_families(open(sys.argv[1]).read()):
                assert family.documentation and family.samples
                print(family.name, family.type)
            """
        let result = try ChildProcess(["/usr/bin/python3", "-c", script, path]).end()
        guard result.code != 3 else {
            print("not read by prometheus_client: python3-prometheus-client is not installed")
            return nil
        }
        guard result.code == 0 else { throw ChildProcess.Failure(reason: result.errors) }
        let pairs = result.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        return Dictionary(pairs.map { ($0[0], $0[1]) }) { $1 }
    }

    @Test("base units, flags as numbers, texts as labels, escaped")
    func text() throws {
        let text = MetricsText(
            status: [
                ("hop", .count(2205)), ("backlog_ms", .number(250)), ("gaps", .count(3)),
                ("device_running", .flag(true)),
                ("engine", .text("a\"b\\c\nd")), ("odd", .number(.infinity)),
            ], facts: ["model": [("name", "m"), ("sha256", "ab")]]
        ).text
        let wanted = [
            #"wavetag_model_info{name="m",sha256="ab"} 1"#, "wavetag_hop_seconds 0.1", "wavetag_backlog_seconds 0.25",
            "wavetag_gaps_total 3", "wavetag_device_running 1", #"wavetag_engine_info{engine="a\"b\\c\nd"} 1"#,
            "wavetag_odd +Inf",
        ]
        #expect(text.split(separator: "\n").filter { !$0.hasPrefix("#") } == wanted.map { $0[...] })
        let exposition = try #require(Exposition(text))
        #expect(exposition.types["wavetag_gaps_total"] == "counter")
        #expect(exposition.types["wavetag_odd"] == "untyped")
    }

    @Test("a daemon's file, its answer and `watch --metrics` have the same metrics, one for each number of status")
    func daemon() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let path = fixture.folder + "/wavetag.prom"
            let daemon = try fixture.daemon(after: "umask 077; export WAVETAG_METRICS_FILE=\(path)")
            let client = try fixture.connect(to: daemon)
            while try client.readLine()?.position == nil {}
            try client.send(
                #"{"subscribe":{"every":1000}}"# + "\n" + #"{"metrics":true}"# + "\n" + #"{"status":true}"# + "\n")
            var line = try client.readLine()
            while let text = line, !text.hasPrefix(#"{"type":"metrics","#) { line = try client.readLine() }
            let answer = try JSONDecoder().decode([String: String].self, from: Data((line ?? "").utf8))
            let exposition = try #require(Exposition(answer["text"] ?? ""))
            for (name, type) in exposition.types {
                #expect(name.hasPrefix("wavetag_"))
                // A counter of `status` that nobody has told Metric of is `untyped`.
                #expect(type == "counter" ? name.hasSuffix("_total") : type == "gauge", "\(name) \(type)")
            }
            #expect(exposition.samples.count == exposition.types.count)
            #expect(exposition["wavetag_device_running"] == 1 && exposition["wavetag_clients"] == 1)
            #expect((exposition["wavetag_answers_total"] ?? 0) > 0)
            #expect((exposition["wavetag_resident_memory_bytes"] ?? 0) > 1_048_576)

            let status = try JSONSerialization.jsonObject(with: Data((client.readLine() ?? "").utf8))
            let members = try #require(status as? [String: Any])
            // Two of build and model; the event's type is none.
            #expect(exposition.types.count == members.count - 1 + 2)

            let file = try String(contentsOfFile: path, encoding: .utf8)
            #expect(Exposition(file)?.types == exposition.types)
            // Readable for the collector, whatever the service's umask.
            var found = stat()
            #expect(stat(path, &found) == 0 && found.st_mode & 0o777 == 0o644)
            if let parsed = try Self.parsed(path) {
                // It leaves out what counters' names end in.
                #expect(
                    parsed
                        == Dictionary(
                            uniqueKeysWithValues: exposition.types.map {
                                ($0.value == "counter" ? String($0.key.dropLast(6)) : $0.key, $0.value)
                            }))
            }
            let watch = try ChildProcess([ChildProcess.wavetag, "watch", "--socket", fixture.socket, "--metrics"]).end()
            #expect(watch.code == 0 && watch.errors.isEmpty)
            #expect(Exposition(watch.output)?.types == exposition.types)
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
            // It must not go on saying that the device runs.
            #expect(access(path, F_OK) != 0)
        }
    }

    @Test("`watch --metrics` and a daemon that knows none: one line, exit 69")
    func unknown() async throws {
        try await blocking {
            let path = "/tmp/wavetag-metrics-\(UUID().uuidString.prefix(8)).sock"
            let listener = try SocketClient.listen(at: path)
            defer {
                close(listener)
                unlink(path)
            }
            let watch = try ChildProcess([ChildProcess.wavetag, "watch", "--socket", path, "--metrics"])
            let client = try SocketClient.accept(listener)
            while try client.readLine() != #"{"metrics":true}"# {}
            try client.send(#"{"type":"error","message":"metrics: unknown request"}"# + "\n")
            let result = try watch.end()
            #expect(result.code == 69 && result.output.isEmpty)
            #expect(result.errors == "wavetag: watch: \(path): metrics: unknown request\n")
        }
    }

    @Test("a folder that isn't there: said once, counted, tags go on; when it is there the file is written")
    func missingFolder() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let folder = fixture.folder + "/metrics"
            let daemon = try fixture.daemon(environment: [
                "WAVETAG_METRICS_FILE": folder + "/wavetag.prom", "WAVETAG_METRICS_INTERVAL": "0.1",
            ])
            try daemon.waitForErrorLine(containing: "metrics can't be written")
            let client = try SocketClient(connecting: fixture.socket)
            try client.send(#"{"subscribe":{"every":0.05}}"# + "\n")
            var failures = 0
            while failures < 3 {
                try client.send("{\"status\":true}\n")
                var line = try client.readLine()
                while let text = line, !text.hasPrefix(#"{"type":"status","#) { line = try client.readLine() }
                let parts = (line ?? "").split(separator: #""metrics_failures":"#)
                failures = try #require(parts.last.flatMap { Int($0.prefix { $0.isNumber }) })
            }
            #expect(try client.readLine()?.position != nil)
            mkdir(folder, 0o755)
            // What failed in between isn't said again.
            var line = try daemon.readErrorLine()
            while let text = line, !text.contains("metrics are written again") {
                #expect(!text.contains("can't be written"))
                line = try daemon.readErrorLine()
            }
            #expect(line != nil)
            #expect(access(folder + "/wavetag.prom", R_OK) == 0)
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
        }
    }

    @Test("a full disk: said once, the old file stays whole, tags go on", .enabled(if: MountNamespace.isAvailable))
    func fullDisk() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            let folder = fixture.folder + "/small"
            mkdir(folder, 0o755)
            let daemon = try MountNamespace.start(
                """
                mount -t tmpfs -o size=8k tmpfs \(folder) && head -c 8192 /dev/zero >\(folder)/ballast
                exec "$0" run --device sound --rate 22050 --channels 1 --pace realtime --socket \(fixture.socket) \
                --model \(LiveFixture.model)
                """, [ChildProcess.wavetag],
                environment: [
                    "ALSA_CONFIG_PATH": fixture.folder + "/asound.conf",
                    "WAVETAG_METRICS_FILE": folder + "/wavetag.prom", "WAVETAG_METRICS_INTERVAL": "0.1",
                ])
            try daemon.waitForErrorLine(containing: "reason=No space left on device")
            let client = try SocketClient(connecting: fixture.socket)
            while try client.readLine()?.position == nil {}
            #expect(unlink(daemon.seen(folder + "/ballast")) == 0)
            try daemon.waitForErrorLine(containing: "metrics are written again")
            let file = try String(contentsOfFile: daemon.seen(folder + "/wavetag.prom"), encoding: .utf8)
            #expect(Exposition(file) != nil)
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
        }
    }
}
