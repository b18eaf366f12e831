import Core
import Foundation
import Testing

@testable import Daemon

@Suite("Training report")
struct TrainingReportTests {
    private let folder = "/tmp/wavetag-report-\(UUID().uuidString.prefix(8))"

    /// Reads a page with Python's XML parser and says what is wrong with it, a line each, and then what is in it.
    private static let check = #"""
        import re, sys
        import xml.etree.ElementTree as ET
        root = ET.parse(sys.argv[1]).getroot()
        parents = {child: parent for parent in root.iter() for child in parent}
        number = re.compile(r"-?\d+(\.\d+)?$")
        counts = {}
        for element in root.iter():
            name = element.tag
            counts[name] = counts.get(name, 0) + 1
            if name in ("script", "iframe", "object", "embed", "img", "image", "use", "base", "form"):
                print("wrong: element", name)
            for key, value in element.attrib.items():
                if key.startswith("on") or key == "src":
                    print("wrong: attribute", name, key, value)
                if key == "href" and not value.startswith(("#", "data:,")):
                    print("wrong: link", value)
                if key in ("x", "y", "width", "height", "cx", "cy", "r") and not number.match(value):
                    print("wrong: number", name, key, value)
            if name == "path":
                for place in re.split("[ML]", element.get("d"))[1:]:
                    if len(place.split(" ")) != 2 or not all(number.match(part) for part in place.split(" ")):
                        print("wrong: path", element.get("d"))
            if name == "svg":
                width, height = map(float, element.get("viewBox").split(" ")[2:])
                for mark in element.iter():
                    x, y = (float(mark.get(key) or mark.get("c" + key) or 0) for key in "xy")
                    places = [(x, y)] if mark.tag != "path" else [
                        tuple(map(float, place.split(" "))) for place in re.split("[ML]", mark.get("d"))[1:]
                        if all(map(number.match, place.split(" ")))]
                    if any(not (0 <= x <= width and 0 <= y <= height) for x, y in places):
                        print("wrong: outside of the drawing", ET.tostring(mark)[:200])
            if name == "svg" and (element.get("role") != "img" or not element.get("aria-label")):
                print("wrong: drawing without a name")
            if name == "svg":
                dots = [(dot.get("cx"), dot.get("cy")) for dot in element.iter("circle")]
                if len(set(dots)) < len(dots):
                    print("wrong: dots upon each other", dots)
            if name == "th" and element.get("scope") not in ("row", "col"):
                print("wrong: heading without a scope")
            if name == "style" and re.search(r"url\(|@import|http", element.text):
                print("wrong: style sheet reaches out")
        ids = {element.get("id") for element in root.iter() if element.get("id")}
        for element in root.iter("a"):
            if element.get("href")[1:] not in ids:
                print("wrong: link to nothing", element.get("href"))
        for table in root.iter("table"):
            widths = {len(row) for row in table.iter("tr")}
            if len(widths) != 1:
                print("wrong: rows of different lengths", widths)
        print(" ".join(f"{name}={counts.get(name, 0)}" for name in ("svg", "section", "table", "circle")))
        """#

    private func checked(_ html: String, _ name: String) async throws -> [String] {
        let path = "\(folder)/\(name).html"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(html.utf8).write(to: URL(fileURLWithPath: path))
        let result = try await blocking {
            try ChildProcess(["/usr/bin/env", "python3", "-c", Self.check, path]).end(seconds: 180)
        }
        #expect(result.code == 0, "\(name): \(result.errors)")
        return result.output.split(separator: "\n").map(String.init)
    }

    @Test("Pages are well-formed, reach for nothing, and name their drawings")
    func wellFormed() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Drawings: loss and ROC-AUC twice (wide and narrow), the dot plot twice, two for all tags, two for each of
        // four tags.
        let wanted = [
            "tags": "svg=16 section=4 table=6", "genres": "svg=16 section=5 table=5",
            "evaluation": "svg=12 section=3 table=5", "one epoch": "svg=14 section=4 table=6",
            "nothing": "svg=2 section=3 table=1",
        ]
        for (name, report) in SampleReport.all() {
            let lines = try await checked(report.html, name)
            #expect(lines.dropLast() == [], "\(name)")
            #expect(lines.last?.hasPrefix(try #require(wanted[name])) == true, "\(name): \(lines)")
        }
    }

    @Test("The check sees what is wrong")
    func checkCanFail() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let bad = """
            <html><a href="#gone">x</a><img src="http://example.org/x.png"/><svg viewBox="0 0 9 9"><path d="M- 3.0"/>\
            <circle cx="-1" cy="3" r="1"/></svg>\
            <table><tr><th>a</th></tr><tr><td>1</td><td>2</td></tr></table></html>
            """
        #expect(try await checked(bad, "bad").count { $0.hasPrefix("wrong") } == 8)
    }

    @Test("The same input gives the same page, and numbers stand in it")
    func contents() throws {
        let report = SampleReport.report(.sigmoid)
        let html = report.html
        #expect(html == SampleReport.report(.sigmoid).html)
        let metrics = report.predictions.metrics(positiveFrom: 0.5, leastPositives: 1)
        let macro = try #require(metrics.rocAUC)
        #expect(html.contains("<dd class=\"value\">\(fixed(macro, 3))</dd>"))
        let interval = try #require(
            report.predictions.rocAUCIntervals(positiveFrom: 0.5, leastPositives: 1, resamples: 1000).macro)
        #expect(interval.lower < macro && macro < interval.upper)
        #expect(html.contains("95 %: \(fixed(interval.lower, 3)) to \(fixed(interval.upper, 3))"))
        #expect(html.contains("so without a figure: silent."))
        #expect(html.contains("learning rate 0.01<") && html.contains(">0.000016<"))
        #expect(
            html.contains(
                ">script&gt;\u{FFFD}&amp;amp;\u{FFFD}.flac<span>a folder/&quot;&gt;&lt;script&gt;alert(1)&lt;/</span>"))
        #expect(!html.contains("Confusion matrix"))

        let worst = try #require(report.predictions.falseAlarms(count: 1, positiveFrom: 0.5).first)
        let seconds = fixed(worst.start, 1)
        #expect(worst.start < 60 && html.contains(">0:\(seconds.count < 4 ? "0" : "")\(seconds)</td>"))
    }

    @Test("Genres have a confusion matrix, and mistakes say what the label is")
    func genres() throws {
        let report = SampleReport.report(.softmax)
        let html = report.html
        let matrix = report.predictions.bySong().confusionMatrix
        #expect(html.contains("By song: \(fixed(try #require(matrix.accuracy) * 100, 1)) % of 40 right"))
        #expect(html.contains("title=\"piano taken for piano: \(fixed(try #require(matrix.recall(0)) * 100, 0)) %\""))
        #expect(html.contains("Taken for another genre") && !html.contains("Heard, but not labelled"))
    }
}

@Suite("Scales and plots")
struct PlotTests {
    @Test("Ticks are round, within the domain, and say their value")
    func ticks() {
        func texts(_ low: Double, _ high: Double, _ count: Int) -> [String] {
            LinearScale(low, high, from: 0, to: 1).ticks(count).map(\.text)
        }
        #expect(texts(0, 1, 5) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(texts(0.48, 1, 5) == ["0.6", "0.8", "1.0"])
        #expect(texts(-3, 12, 4) == ["0", "5", "10"])
        #expect(texts(0.0012, 0.0019, 4) == ["0.0012", "0.0014", "0.0016", "0.0018"])
        #expect(texts(0.05, 0.3, 5) == ["0.05", "0.10", "0.15", "0.20", "0.25", "0.30"])
        #expect(texts(7, 7, 1) == ["7"])
    }

    @Test("A covering scale holds all finite values between round ends")
    func covering() {
        let scale = LinearScale(covering: [0.31, .nan, 0.87, .infinity], ticks: 5, from: 100, to: 0)
        #expect(scale.domain.low == 0.2 && scale.domain.high == 1)
        #expect(scale(0.2) == 100 && scale(1) == 0 && abs(scale(0.6) - 50) < 1e-9)
        let none = LinearScale(covering: [.nan], ticks: 5, from: 0, to: 1)
        #expect(none.domain == (0, 1))
        let same = LinearScale(covering: [0.25, 0.25], ticks: 5, from: 0, to: 1)
        #expect(same.domain.low <= 0.25 && same.domain.high > 0.25 - 1e-9 && same.domain.low < same.domain.high)
    }

    @Test("A line breaks where a value isn't a number")
    func gaps() {
        var plot = Plot(
            title: "t", width: 100, height: 100, margins: .init(top: 0, right: 0, bottom: 0, left: 0), x: (0, 10),
            y: (0, 10))
        plot.line(
            [(0, 0), (1, 1), (2, .nan), (3, 3), (4, .infinity)].map { CurvePoint(x: $0.0, y: $0.1) }, .first)
        #expect(plot.svg().string.contains("d=\"M0.0 100.0L10.0 90.0M30.0 70.0L30.0 70.0\""))
        plot.dot(CurvePoint(x: .nan, y: 1), radius: 1, .first)
        #expect(!plot.svg().string.contains("<circle"))
    }
}
