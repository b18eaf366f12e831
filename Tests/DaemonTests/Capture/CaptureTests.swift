import Core
import Foundation
import Synchronization
import Testing

@testable import Daemon

/// Real ALSA devices: the `file` plugin, and PulseAudio's null sink.
@Suite("Capture", .serialized)
struct CaptureTests {
    /// Keeps what the capture thread tells.
    private final class Events: Sendable {
        private let events = Mutex<[CaptureEvent]>([])
        func note(_ event: CaptureEvent) { events.withLock { $0.append(event) } }
        var all: [CaptureEvent] { events.withLock { $0 } }
    }

    private func ramp(_ count: Int) -> [UInt8] {
        (0..<count).flatMap { value in [UInt8(value & 0xFF), UInt8(value >> 8 & 0xFF)] }
    }

    @Test("A file behind ALSA comes through byte for byte, and silence behind its end")
    func file() async throws {
        let device = AlsaConfiguration.shared.fileDevice("file1")
        let bytes = ramp(22_050)
        try Data(bytes).write(to: URL(fileURLWithPath: device.path))
        let (heard, frames, format) = try await blocking {
            let settings = CaptureSettings(
                device: device.name, rate: 22_050, channels: 1, pace: .wait, realtimePriority: 0, duration: 2)
            // A ring of a tenth of a second: the device must be made to wait.
            let capture = Capture(settings, ring: CaptureRing(capacity: 4410, blocks: 64)) { _ in }
            try capture.start()
            defer { capture.stop() }
            var heard: [UInt8] = []
            var format: CaptureFormat?
            var ended = false
            while !ended,
                capture.ring.next(
                    timeout: 10_000,
                    { block, bytes in
                        ended = block.kind == .end
                        if block.kind == .sound { format = block.format }
                        heard += bytes
                    })
            {}
            return (heard, capture.counters.frames.load(ordering: .relaxed), format)
        }
        #expect(format == CaptureFormat(sample: .s16, rate: 22_050, channels: 1))
        #expect(Array(heard.prefix(bytes.count)) == bytes)
        #expect(heard.dropFirst(bytes.count).allSatisfy { $0 == 0 })
        #expect(heard.count == frames * 2)
        #expect(frames >= 44_100 && frames < 44_100 + 200)
    }

    @Test("In real time a device without a clock takes as long as its sound")
    func realtime() async throws {
        let device = AlsaConfiguration.shared.fileDevice("file2")
        try Data(ramp(1000)).write(to: URL(fileURLWithPath: device.path))
        let (seconds, dropped) = try await blocking {
            let settings = CaptureSettings(
                device: device.name, rate: 8000, channels: 2, pace: .realtime, realtimePriority: 0, duration: 0.5)
            let capture = Capture(settings, ring: CaptureRing(capacity: 1 << 20)) { _ in }
            let started = monotonicTime()
            try capture.start()
            defer { capture.stop() }
            var ended = false
            while !ended, capture.ring.next(timeout: 10_000, { block, _ in ended = block.kind == .end }) {}
            return (Double(monotonicTime() - started) / 1e9, capture.counters.dropped.load(ordering: .relaxed))
        }
        #expect(seconds >= 0.49)
        #expect(dropped == 0)
    }

    @Test("A reader that is too slow costs sound, which is counted and said")
    func overload() async throws {
        let device = AlsaConfiguration.shared.fileDevice("file3")
        try Data(ramp(1000)).write(to: URL(fileURLWithPath: device.path))
        let (kept, lost, dropped, total) = try await blocking {
            let settings = CaptureSettings(
                device: device.name, rate: 8000, channels: 1, pace: .realtime, realtimePriority: 0, duration: 0.5)
            // Nobody reads before the end: a ring of 50 ms fills, and the rest is lost.
            let capture = Capture(settings, ring: CaptureRing(capacity: 800)) { _ in }
            try capture.start()
            capture.waitForEnd()
            var kept = 0
            var lost = 0.0
            while capture.ring.next(
                timeout: 0,
                { block, _ in
                    kept += block.frames
                    if case .gap(let seconds, .overload) = block.kind { lost += seconds }
                })
            {}
            return (
                kept, lost, capture.counters.dropped.load(ordering: .relaxed),
                capture.counters.frames.load(ordering: .relaxed)
            )
        }
        #expect(kept + dropped == total)
        #expect(dropped > 0 && abs(lost * 8000 - Double(dropped)) < 1)
    }

    @Test("An engine that hangs, the ring full, doesn't keep capture from ending", .timeLimit(.minutes(2)))
    func endsBesideAHungEngine() async throws {
        let device = AlsaConfiguration.shared.fileDevice("file5")
        try Data(ramp(1000)).write(to: URL(fileURLWithPath: device.path))
        try await blocking {
            let settings = CaptureSettings(
                device: device.name, rate: 8000, channels: 1, pace: .realtime, realtimePriority: 0)
            let ring = CaptureRing(capacity: 1 << 16, blocks: 5)
            let nothing = CaptureFormat(sample: .s16, rate: 8000, channels: 1)
            while ring.hasRoomForMark {
                ring.commit(CaptureBlock(kind: .stalled(false), format: nothing, frames: 0, time: 0))
            }
            let capture = Capture(settings, ring: ring) { _ in }
            try capture.start()
            while capture.counters.dropped.load(ordering: .relaxed) == 0 { poll(nil, 0, 10) }
            capture.stop()
            // And overwrites nothing.
            var kinds: [CaptureBlock.Kind] = []
            while ring.next(timeout: 0, { block, _ in kinds.append(block.kind) }) {}
            #expect(kinds.count == 5 && kinds.allSatisfy { if case .stalled = $0 { true } else { false } })
        }
    }

    @Test("A device that isn't there is an error, or is waited for")
    func absent() async throws {
        _ = AlsaConfiguration.shared
        let events = Events()
        try await blocking {
            var settings = CaptureSettings(device: "no_such_device", realtimePriority: 0)
            let refused = Capture(settings, ring: CaptureRing(capacity: 1 << 16)) { _ in }
            let error = #expect(throws: CaptureError.self) { try refused.start() }
            #expect(error?.description == "no_such_device: No such file or directory")
            settings.waitForDevice = true
            let waiting = Capture(settings, ring: CaptureRing(capacity: 1 << 16)) { events.note($0) }
            try waiting.start()
            waiting.stop()
        }
        #expect(events.all.last == .ended)
    }

    /// What a capture says of a device, block by block.
    private struct Heard {
        /// When the newest frame was captured, nanoseconds since 1970.
        var last: Int64 = 0
        /// What was said to be lost, why, and how long no frame was captured there, seconds.
        var gaps: [(lost: Double, reason: GapReason, pause: Double)] = []
        var seconds = 0.0

        mutating func note(_ block: CaptureBlock) {
            switch block.kind {
            case .gap(let lost, let reason): gaps.append((lost, reason, -1))
            case .sound:
                let duration = Double(block.frames) / Double(block.format.rate)
                if let index = gaps.indices.last, gaps[index].pause < 0 {
                    gaps[index].pause = Double(block.time - last) / 1e9 - duration
                }
                last = block.time
                seconds += duration
            case .end, .stalled: break
            }
        }
    }

    @Test("Overruns, suspends and lost devices are recovered, each with its reason and its loss by the clock")
    func failures() async throws {
        _ = AlsaConfiguration.shared
        let events = Events()
        let (heard, counters) = try await blocking {
            let capture = Capture(
                CaptureSettings(device: "failing", rate: 22_050, channels: 1, realtimePriority: 0),
                ring: CaptureRing(capacity: 1 << 20)
            ) { events.note($0) }
            try capture.start()
            defer { capture.stop() }
            var heard = Heard()
            // Five failures, and sound behind the last.
            while heard.gaps.count < 5 || heard.gaps[4].pause < 0 {
                let came = capture.ring.next(timeout: 20_000) { block, _ in heard.note(block) }
                guard came else { throw ChildProcess.Failure(reason: "no sound within 20 s: \(events.all)") }
            }
            return (heard, capture.counters)
        }
        #expect(heard.gaps.map(\.reason) == [.overrun, .suspended, .suspended, .deviceLost, .deviceLost])
        for (index, gap) in heard.gaps.enumerated() {
            #expect(abs(gap.lost - gap.pause) < 0.01, "failure \(index): \(gap)")
            // A device that goes on where it was lost nothing; the others were silent for 0.15 s, and a lost one is opened
            // again after a quarter of a second at the earliest.
            let least = [0.14, 0.14, 0, 0.38, 0.38][index]
            #expect(gap.lost >= least, "failure \(index): \(gap)")
        }
        #expect(heard.seconds >= 0.5)
        #expect(counters.overruns.load(ordering: .relaxed) == 1)
        #expect(counters.suspensions.load(ordering: .relaxed) == 2)
        #expect(counters.losses.load(ordering: .relaxed) == 2)
        let lost = events.all.filter { if case .lost = $0 { true } else { false } }
        #expect(lost == ["No such device", "Input/output error"].map { .lost(reason: "failing: \($0)") })
    }

    @Test("A device that vanishes is waited for, and what was lost meanwhile is measured")
    func vanishes() async throws {
        let configuration = AlsaConfiguration.shared
        let events = Events()
        let heard = try await blocking {
            var server = try PulseServer(configuration)
            let settings = CaptureSettings(
                device: "pulse", rate: 44_100, channels: 2, waitForDevice: false, realtimePriority: 0)
            let capture = Capture(settings, ring: CaptureRing(capacity: 1 << 20)) { events.note($0) }
            try capture.start()
            defer { capture.stop() }
            var heard = Heard()
            func hear(until isEnough: (Heard) -> Bool) throws {
                while !isEnough(heard) {
                    let came = capture.ring.next(timeout: 20_000) { block, _ in heard.note(block) }
                    guard came else { throw ChildProcess.Failure(reason: "no sound within 20 s") }
                }
            }
            try hear { $0.seconds >= 0.5 }
            server.kill()
            server = try PulseServer(configuration)
            try hear { $0.gaps.first.map { $0.pause >= 0 } ?? false }
            let before = heard.seconds
            try hear { $0.seconds >= before + 0.3 }
            return heard
        }
        #expect(heard.gaps.count == 1)
        let gap = try #require(heard.gaps.first)
        #expect(gap.reason == .deviceLost)
        // It is opened again after a quarter of a second at the earliest.
        #expect(gap.lost >= 0.25 && abs(gap.lost - gap.pause) < 0.01, "\(gap)")
        // On a machine that is short of time the new server may be silent for so long that it is lost once more, in the same
        // gap or at the very end: between two losses it is opened once.
        let openings: [Bool] = events.all.compactMap {
            switch $0 {
            case .opened: true
            case .lost: false
            default: nil
            }
        }
        #expect(openings.count >= 3)
        #expect(openings.indices.allSatisfy { openings[$0] == $0.isMultiple(of: 2) }, "\(events.all)")
    }
}
