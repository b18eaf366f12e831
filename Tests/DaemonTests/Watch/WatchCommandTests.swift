import Foundation
import Testing

@testable import Daemon

/// The program itself, against a daemon that the test plays.
@Suite struct WatchCommandTests {
    private static let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("wavetag")
    private let path = "/tmp/wavetag-watch-\(UUID().uuidString.prefix(8)).sock"

    private func start(_ arguments: [String]) throws -> (process: Process, output: Pipe, errors: Pipe) {
        let process = Process()
        let output = Pipe()
        let errors = Pipe()
        process.executableURL = Self.program
        process.arguments = ["watch", "--socket", path] + arguments
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        return (process, output, errors)
    }

    @Test("no daemon: one line, exit 69")
    func absent() throws {
        let watch = try start([])
        let errors = watch.errors.fileHandleForReading.readDataToEndOfFile()
        watch.process.waitUntilExit()
        #expect(watch.process.terminationStatus == 69)
        #expect(String(decoding: errors, as: UTF8.self) == "wavetag: watch: \(path): No such file or directory\n")
    }

    @Test("subscribes, passes events through, finds a restarted daemon, and ends with 0 on SIGINT")
    func reconnects() throws {
        var listener = try SocketClient.listen(at: path)
        defer { unlink(path) }
        let watch = try start(["--format", "json", "--top", "3"])
        let line = { String(decoding: watch.output.fileHandleForReading.availableData, as: UTF8.self) }
        do {
            let client = try SocketClient.accept(listener)
            #expect(try client.readLine() == #"{"subscribe":{"top":3}}"#)
            try client.send("{\"type\":\"new\",\"n\":1}\n")
            #expect(line() == "{\"type\":\"new\",\"n\":1}\n")
            close(listener)
            unlink(path)
        }
        listener = try SocketClient.listen(at: path)
        let client = try SocketClient.accept(listener)
        #expect(try client.readLine() == #"{"subscribe":{"top":3}}"#)
        watch.process.interrupt()
        watch.process.waitUntilExit()
        #expect(watch.process.terminationStatus == 0)
        let errors = watch.errors.fileHandleForReading.readDataToEndOfFile()
        #expect(String(decoding: errors, as: UTF8.self) == "wavetag: watch: the daemon has gone; waiting for it\n")
        close(listener)
    }
}
