import Foundation
import Testing

@testable import Daemon

/// Debian's Chromium, without a window.
struct Browser {
    /// nil where there is none.
    static let path = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { "\($0)/chromium" }.first { FileManager.default.isExecutableFile(atPath: $0) }

    struct Visit: Sendable {
        /// The document as the browser understood it.
        let document: String
        /// What the page's console says: errors of scripts, refusals of its security policy.
        let complaints: [String]
        /// Addresses that the page asked for over the network.
        let requests: [String]
    }

    /// Opens a file. Blocks.
    ///
    /// - Parameter folder: for the browser's own files.
    static func visit(_ page: String, folder: String) throws -> Visit {
        let log = "\(folder)/net.json"
        let browser = try ChildProcess([
            path ?? "", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
            // No name resolves: neither the page nor the browser itself gets anywhere.
            "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=\(folder)/profile", "--log-net-log=\(log)",
            "--enable-logging=stderr", "--dump-dom", "file://\(page)",
        ])
        let result = try browser.end(seconds: 120)
        guard result.code == 0 else { throw ChildProcess.Failure(reason: result.errors) }
        return Visit(
            document: result.output,
            complaints: result.errors.split(separator: "\n").map(String.init).filter { $0.contains(":CONSOLE") },
            requests: try requests(in: log))
    }

    /// The browser's own requests, for updates of itself, have no page that they come from.
    private static func requests(in log: String) throws -> [String] {
        struct Log: Decodable {
            struct Event: Decodable {
                struct Parameters: Decodable {
                    let url: String?
                    let initiator: String?
                }
                let params: Parameters?
            }
            let events: [Event]
        }
        let found = try JSONDecoder().decode(Log.self, from: Data(contentsOf: URL(fileURLWithPath: log)))
        let addresses = found.events.compactMap { event -> String? in
            guard let initiator = event.params?.initiator, initiator != "not an origin" else { return nil }
            return event.params?.url
        }
        return Array(Set(addresses)).sorted()
    }
}

@Suite(
    "A report in a browser",
    .enabled(if: Browser.path != nil, "no chromium in PATH: the page is not opened in a browser (apt install chromium)")
)
struct BrowserTests {
    private let folder = "/tmp/wavetag-browser-\(UUID().uuidString.prefix(8))"

    private func visit(_ html: String) async throws -> Browser.Visit {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let page = "\(folder)/page.html"
        try Data(html.utf8).write(to: URL(fileURLWithPath: page))
        let folder = folder
        return try await blocking { try Browser.visit(page, folder: folder) }
    }

    @Test("It opens without a complaint, asks for nothing, and shows what was written", arguments: ["tags", "genres"])
    func opens(name: String) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let html = SampleReport.report(name == "genres" ? .softmax : .sigmoid).html
        let visit = try await visit(html)
        #expect(visit.complaints.isEmpty)
        #expect(visit.requests.isEmpty)
        for element in ["<svg ", "<path ", "<circle ", "<tr>", "<section ", "</details>"] {
            #expect(count(element, in: visit.document) == count(element, in: html), "\(element)")
        }
        #expect(count("<script", in: visit.document) == 0)
    }

    @Test("A page that reaches out and fails is noticed")
    func notices() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let visit = try await visit(
            "<!DOCTYPE html><html><body><img src=\"http://127.0.0.1:9/x.png\"/><script>nowhere()</script></body></html>"
        )
        #expect(visit.requests == ["http://127.0.0.1:9/x.png"])
        #expect(visit.complaints.count == 1 && visit.complaints[0].contains("nowhere is not defined"))
    }

    private func count(_ text: String, in page: String) -> Int { page.components(separatedBy: text).count - 1 }
}
