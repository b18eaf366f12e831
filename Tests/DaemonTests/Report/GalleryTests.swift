import Core
import Foundation
import Testing

@testable import Daemon

/// `wavetag gallery`, the built program, and what it draws.
@Suite("gallery")
struct GalleryTests {
    /// Reads a page with Python's XML parser and says what is wrong with it, a line each, and then what is in it; sounds
    /// go into files.
    private static let check = #"""
        import base64, hashlib, re, sys
        import xml.etree.ElementTree as ET
        text = open(sys.argv[1]).read()
        root = ET.fromstring(text.split("\n", 1)[1])
        for element in root.iter():
            for key, value in element.attrib.items():
                if key.startswith("on") or key == "href" and not value.startswith(("#", "data:,")):
                    print("wrong: attribute", key, value)
                if key == "src" and (element.tag != "audio" or not value.startswith("data:audio/")):
                    print("wrong: source", value[:60])
            if element.tag == "svg":
                width, height = map(float, element.get("viewBox").split(" ")[2:])
                for path in element.iter("path"):
                    for place in re.split("[ML]", path.get("d"))[1:]:
                        x, y = map(float, place.split(" "))
                        if not (0 <= x <= width and 0 <= y <= height):
                            print("wrong: outside of the drawing", place)
        if "http" in text.replace("http-equiv", ""):
            print("wrong: an address")
        policy = next(e.get("content") for e in root.iter("meta") if e.get("http-equiv"))
        script = next(root.iter("script")).text
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        if f"script-src 'sha256-{digest}'" not in policy:
            print("wrong: script", digest, policy)
        sounds = [e.get("src") for e in root.iter("audio")]
        for index, source in enumerate(sounds):
            open(f"{sys.argv[1]}.{index}", "wb").write(base64.b64decode(source.split(",")[1]))
        print(" ".join(f"{tag}={len(list(root.iter(tag)))}" for tag in ("section", "svg", "audio", "table")))
        """#

    private func checked(_ page: String) async throws -> [String] {
        let result = try await blocking {
            try ChildProcess(["/usr/bin/env", "python3", "-c", Self.check, page]).end(seconds: 60)
        }
        #expect(result.code == 0, "\(result.errors)")
        return result.output.split(separator: "\n").map(String.init)
    }

    private func gallery(_ folder: CalibrationFolder, _ options: [String]) async throws -> (
        code: Int32, output: String, errors: String
    ) {
        try await folder.wavetag(
            [
                "gallery", "--model", "\(folder.path)/model.safetensors", "--data", "\(folder.path)/manifest.tsv",
                "--out", "\(folder.path)/page.html",
            ] + options)
    }

    @Test("A page is whole: drawings, labels, and sounds that can be played")
    func whole() async throws {
        let folder = try CalibrationFolder()
        defer { folder.remove() }
        let page = "\(folder.path)/page.html"
        let result = try await gallery(
            folder, ["--songs", "3", "--note", "Made by <hand>", "--title", "Noise & tones"])
        #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
        #expect(result.output.hasPrefix("\(page): 3 sounds, 3 of them to play, "))
        #expect(try await checked(page) == ["section=3 svg=6 audio=3 table=3"])
        let html = try String(contentsOfFile: page, encoding: .utf8)
        #expect(html.contains("<h1>Noise &amp; tones</h1>") && html.contains("<li>Made by &lt;hand&gt;</li>"))
        for index in 0..<3 {
            // Two seconds, but for what a codec adds.
            #expect(abs(try SoundFile.readMono(path: "\(page).\(index)").count - 60 * 729) < 22_050 / 5)
        }
        // The same input, the same bytes.
        _ = try await gallery(folder, ["--songs", "3", "--note", "Made by <hand>", "--title", "Noise & tones"])
        #expect(try String(contentsOfFile: page, encoding: .utf8) == html)

        // No room for sounds, or no wish.
        for options in [["--size", "40K"], ["--no-sound"]] {
            let silent = try await gallery(folder, ["2.wav", "11.wav", "--seconds", "1"] + options)
            #expect(silent.output.hasPrefix("\(page): 2 sounds, 0 of them to play, "), "\(silent)")
            #expect(try await checked(page) == ["section=2 svg=4 audio=0 table=2"])
        }
    }

    @Test("What is wrong is one line and a code")
    func wrong() async throws {
        let folder = try CalibrationFolder()
        defer { folder.remove() }
        try folder.sound("short.wav", seed: 1, windows: 0)
        try folder.text("short.tsv", "path\tsplit\ttags\nshort.wav\ttest\ta\n")
        let cases: [(options: [String], code: Int32, message: String)] = [
            (["gone.wav"], 65, "manifest.tsv: gone.wav: it has no such sound"),
            (["--split", "train"], 65, "manifest.tsv: no rows of split train"),
            (["--songs", "0"], 64, "--songs: 1 to 100 wanted, 0 found"),
            (["--data", "\(folder.path)/short.tsv"], 65, "short.wav: shorter than a window"),
            (["--out", "\(folder.path)/gone/page.html"], 74, "No such file or directory"),
        ]
        for (options, code, message) in cases {
            let result = try await gallery(folder, options)
            #expect(result.code == code && result.output.isEmpty, "\(options): \(result)")
            #expect(result.errors.contains(message) && result.errors.count { $0 == "\n" } == 1, "\(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/page.html"))
        }
    }

    /// Ten seconds in ten columns: one tag heard in the second half, one labelled and not heard.
    private static let song = GallerySong(
        path: "folder/a <song>.flac", start: 4, seconds: 10,
        envelope: (0..<10).map { (-Float($0) / 20)...(Float($0) / 10) }, tags: ["heard", "missed", "c", "d", "e", "f"],
        probabilities: (0..<10).map { [$0 < 5 ? 0.25 : 1, 0.125, 0, 0, 0, 0] }, song: [("heard", 0.625)],
        labels: [
            .init(from: 0, to: 2.5, values: ["heard": 0, "missed": 1]),
            .init(from: 2.5, to: 5, values: ["heard": 0, "missed": 1]), .init(from: 5, to: 10, values: ["missed": 0.5]),
        ], samples: [Float](repeating: 0, count: 220_500))

    @Test("The map: darker is likelier, coloured from the threshold on, labels below, the likeliest first")
    func map() {
        let map = TagHeatMap(Self.song, thresholds: ["heard": 0.7], positiveFrom: 0.5)
        #expect(map.rows.prefix(2) == [0, 1] && map.rows.count == 4)
        var markup = Markup()
        map.write(to: &markup)
        // The wide one: 116 pixels to the left, 44 to the right, of 760; rows begin at 8 + 58 + 8, cells 8 below.
        let svg = markup.string
        #expect(svg.contains("class=\"cell\" stroke-opacity=\"1.00\" d=\"M416.0 82.0L716.0 82.0\""))
        #expect(svg.contains("class=\"paleCell\" stroke-opacity=\"0.20\" d=\"M116.0 82.0L416.0 82.0\""))
        #expect(svg.contains("class=\"paleCell\" stroke-opacity=\"0.10\" d=\"M116.0 106.0L716.0 106.0\""))
        // Stretches that follow each other are one.
        #expect(svg.contains("class=\"lane\" stroke-opacity=\"1.00\" d=\"M116.0 116.0L416.0 116.0\""))
        #expect(svg.contains("class=\"lane\" stroke-opacity=\"0.50\" d=\"M416.0 116.0L716.0 116.0\""))
        #expect(svg.contains(">0.75</text>") && Self.song.label("missed") == 0.75 && Self.song.label("c") == nil)
        // Always heard, where its threshold is that low.
        var low = Markup()
        TagHeatMap(Self.song, thresholds: ["heard": 0.2], positiveFrom: 0.5).write(to: &low)
        #expect(low.string.contains("class=\"cell\" stroke-opacity=\"0.44\" d=\"M116.0 82.0L416.0 82.0\""))
    }

    @Test("Sounds are chosen as different as they can be by the tags that the model knows")
    func choice() throws {
        let text =
            "path\tsplit\ttag:x\ttag:y\ttag:z\na\ttest\t0.9\t0\t0\na\ttest\t0.9\t0\t0\n"
            + "b\ttest\t0.8\t0.1\t1\nc\ttest\t0\t0.7\t0\nd\ttest\t0.1\t0.1\t0\n"
        let manifest = try Manifest(parsing: Array(text.utf8), path: "m")
        let files = ["a", "b", "c", "d"].map { path in manifest.rows.filter { $0.path == path } }
        func names(_ count: Int) -> [String] {
            GalleryChoice.spread(files, tags: ["x", "y", "z"], known: ["x", "y"], count: count).map { $0[0].path }
        }
        #expect(names(1) == ["a"] && names(2) == ["a", "c"] && names(3) == ["a", "c", "d"])
        #expect(names(9) == ["a", "b", "c", "d"])
    }

    @Test(
        "In a browser it opens without a complaint, asks for nothing, and its script runs",
        .enabled(if: Browser.path != nil, "no chromium in PATH"))
    func browser() async throws {
        let folder = try CalibrationFolder()
        defer { folder.remove() }
        #expect(try await gallery(folder, ["--songs", "2"]).code == 0)
        let path = folder.path
        let visit = try await blocking { try Browser.visit("\(path)/page.html", folder: path) }
        #expect(
            visit.complaints.isEmpty && visit.requests.filter { !$0.hasPrefix("data:") }.isEmpty, "\(visit.complaints)")
        #expect(visit.document.components(separatedBy: "style=\"cursor: pointer;\"").count == 5)
        #expect(visit.document.components(separatedBy: "<audio ").count == 3)
    }
}
