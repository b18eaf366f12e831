import Foundation
import Testing

@testable import Core

/// Checkpoints cut off and damaged byte by byte: an error or a net, and never a crash.
@Suite("Damaged checkpoints")
struct DamagedCheckpointTests {
    private static let files: [(String, CheckpointImport.Layout)] = [
        ("sample.pth", .sotaMusicTaggingModels), ("sample-legacy.pth", .sotaMusicTaggingModels),
        ("keras1-even.h5", .keras1), ("keras2.h5", .keras2),
    ]

    private func attempt(_ bytes: [UInt8], _ layout: CheckpointImport.Layout, at path: String) throws -> ImportError? {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do throws(ImportError) {
            _ = try CheckpointImport(layout: layout).model(path: path)
            return nil
        } catch { return error }
    }

    @Test("A truncated file is refused, wherever it was cut", arguments: files)
    func truncated(file: String, layout: CheckpointImport.Layout) throws {
        let path = "/tmp/wavetag-truncated-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Checkpoint.path(file))))
        for length in [0, 1, 8, 15, 16, 100] + (1..<40).map({ bytes.count * $0 / 40 }) {
            let error = try attempt(Array(bytes[0..<length]), layout, at: path)
            #expect(error?.kind == .invalid, "\(length) of \(bytes.count) bytes")
            #expect(error?.description.hasPrefix(path + ": ") == true)
            #expect(error?.description.contains("\n") == false)
        }
    }

    /// HDF5's files are damaged in the program's tests: libhdf5 would take this process with it.
    @Test("Damaged bytes are refused or make another net", arguments: ["sample.pth", "sample-legacy.pth"])
    func damaged(file: String) throws {
        let path = "/tmp/wavetag-damaged-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Checkpoint.path(file))))
        var generator = SplitMix64(state: 7)
        var refused = 0
        for _ in 0..<300 {
            var copy = bytes
            // Half of the damage is done where the formats' own numbers are most: at the beginning.
            let end = generator.next() % 2 == 0 ? 4096 : copy.count
            for _ in 0..<(1 + Int(generator.next() % 4)) {
                copy[Int(generator.next() % UInt64(end))] = UInt8(truncatingIfNeeded: generator.next())
            }
            if let error = try attempt(copy, .sotaMusicTaggingModels, at: path) {
                #expect(error.kind == .invalid)
                refused += 1
            }
        }
        #expect(refused > 0)
    }
}
