import Core
import Foundation
import Glibc
import Testing

@testable import Daemon

/// Faults of devices, as a client sees them: each ends with tags again, for the same client, and is counted in `status`.
@Suite("Device faults") struct DeviceFaultTests {
    /// The fault itself lasts so long.
    private static func pass(_ seconds: Double) { poll(nil, 0, Int32(seconds * 1000)) }

    @Test("PulseAudio is away, and comes back", arguments: [1.0, 30.0])
    func vanishes(seconds: Double) async throws {
        try await blocking {
            let configuration = try AlsaConfiguration(fileDevices: [])
            defer { configuration.remove() }
            var server = try PulseServer(configuration)
            let socket = configuration.folder + "/s"
            let daemon = try ChildProcess(
                [
                    ChildProcess.wavetag, "run", "--device", "pulse", "--socket", socket, "--model", LiveFixture.model,
                ], environment: configuration.environment)
            try daemon.waitForErrorLine(containing: "listening")
            let client = try SocketClient(connecting: socket)
            _ = try client.event("tags")
            server.kill()
            try daemon.waitForErrorLine(containing: "device lost")
            Self.pass(seconds)
            server = try PulseServer(configuration)
            let back = ContinuousClock.now
            let gap = try client.event("gap")
            _ = try client.event("tags")
            noteRecovery("device vanishes for \(Int(seconds)) s (PulseAudio killed)", since: back)
            #expect(gap["reason"] == .string("device-lost"))
            #expect(try Double(gap.whole("lost")) >= seconds * 22_050)
            let status = try client.status()
            #expect(try status.whole("device_losses") >= 1 && status.whole("gaps") >= 1)
            #expect(try status.whole("lost_samples") >= gap.whole("lost"))
            #expect(status["device_running"] == .bool(true))
            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
        }
    }

    @Test("A card comes back under another number, and is found by its link", arguments: ["by-id", "by-path"])
    func anotherNumber(kind: String) async throws {
        try await blocking {
            let device = try PluggableDevice()
            try device.plugIn(card: 1)
            let name = try device.link("\(kind)/usb-Microphone-00", toCard: 1)
            let daemon = try device.daemon(name)
            let client = try device.listen(to: daemon)
            device.pullOut(card: 1)
            try daemon.waitForErrorLine(containing: "device lost")
            // In between the name leads to a card that isn't there.
            try daemon.waitForErrorLine(containing: "waiting for the device")
            try device.plugIn(card: 2)
            _ = try device.link("\(kind)/usb-Microphone-00", toCard: 2)
            let back = ContinuousClock.now
            try daemon.waitForErrorLine(containing: "(hw:2,0)")
            #expect(try client.event("gap")["reason"] == .string("device-lost"))
            _ = try client.event("tags")
            noteRecovery("comes back under another card number (\(kind))", since: back)
            #expect(try client.status().whole("device_losses") == 1)
        }
    }

    @Test("A device that is busy at start: one line and exit 69, or waited for, with the reason")
    func busy() async throws {
        try await blocking {
            let device = try PluggableDevice()
            try device.plugIn("busy")
            #expect(
                try device.daemon().end() == (69, "", "wavetag: hw:0: Device or resource busy\n"))
            let daemon = try device.daemon("hw:0", ["--wait-for-device"])
            try daemon.waitForErrorLine(containing: "hw:0: Device or resource busy")
            let client = try SocketClient(connecting: device.socket)
            let waiting = try client.status()
            #expect(try waiting["device_running"] == .bool(false) && waiting.whole("open_failures") >= 1)
            try device.plugIn()
            let free = ContinuousClock.now
            _ = try client.event("tags")
            noteRecovery("busy at start", since: free)
            #expect(try client.status()["device_running"] == .bool(true))
        }
    }

    @Test("A device comes back with another rate")
    func anotherRate() async throws {
        try await blocking {
            let device = try PluggableDevice()
            try device.plugIn("rate=22050")
            let daemon = try device.daemon()
            let client = try device.listen(to: daemon)
            device.pullOut()
            try daemon.waitForErrorLine(containing: "device lost")
            try device.plugIn("rate=48000")
            let back = ContinuousClock.now
            let gap = try client.event("gap")
            let first = try client.event("tags")
            noteRecovery("changes its rate when it comes back", since: back)
            try daemon.waitForErrorLine(containing: "rate=48000")
            #expect(try first.whole("position") == gap.whole("position") + 19_683)
            // Another second: 22 050 samples of it, whatever the device's rate.
            var last = first
            for _ in 0..<30 { last = try client.event("tags") }
            #expect(try last.whole("position") == first.whole("position") + 30 * 729)
            #expect(try abs(last.time - first.time - 30 * 729 / 22_050) < 0.1)
            #expect(try client.status().whole("device_losses") == 1)
        }
    }

    @Test("Digital silence for ever is a stall, told to everyone, and so is its end")
    func silence() async throws {
        try await blocking {
            let device = try PluggableDevice()
            try device.plugIn()
            let daemon = try device.daemon(environment: ["WAVETAG_CAPTURE_STALLED_AFTER": "0.5"])
            let clients = [try device.listen(to: daemon), try SocketClient(connecting: device.socket)]
            #expect(try clients[0].status()["stalled"] == .bool(false))
            try device.plugIn("still")
            for client in clients { #expect(try client.event("status")["stalled"] == .bool(true)) }
            try daemon.waitForErrorLine(containing: "no sound comes")
            // It is heard all the same.
            _ = try clients[0].event("tags")
            try device.plugIn()
            let back = ContinuousClock.now
            for client in clients { #expect(try client.event("status")["stalled"] == .bool(false)) }
            noteRecovery("delivers silence for ever (stalled)", since: back)
            try daemon.waitForErrorLine(containing: "sound comes again")
            _ = try clients[0].event("tags")
            let status = try clients[0].status()
            #expect(try status.whole("stalls") == 1 && status.whole("gaps") == 0)
        }
    }

    @Test("A device that stays away is a stall too, and isn't over by silence")
    func away() async throws {
        try await blocking {
            let device = try PluggableDevice()
            try device.plugIn("still")
            let daemon = try device.daemon(environment: ["WAVETAG_CAPTURE_STALLED_AFTER": "1.5"])
            let client = try device.listen(to: daemon)
            device.pullOut()
            try daemon.waitForErrorLine(containing: "device lost")
            #expect(try client.event("status")["stalled"] == .bool(true))
            try device.plugIn("still")
            _ = try client.event("gap")
            _ = try client.event("tags")
            #expect(try client.status()["stalled"] == .bool(true))
            try device.plugIn()
            #expect(try client.event("status")["stalled"] == .bool(false))
            #expect(try client.status().whole("stalls") == 1)
        }
    }

    @Test("A device that delivers nothing, without an error, is closed and opened again")
    func mute() async throws {
        try await blocking {
            let device = try PluggableDevice()
            try device.plugIn()
            let daemon = try device.daemon()
            let client = try device.listen(to: daemon)
            try device.plugIn("mute")
            let began = ContinuousClock.now
            // Opened again it still says nothing.
            for _ in 0..<2 { try daemon.waitForErrorLine(containing: "nothing was delivered for 2 s") }
            try device.plugIn()
            let gap = try client.event("gap")
            _ = try client.event("tags")
            noteRecovery("delivers nothing without an error, from the start of it, twice", since: began)
            #expect(gap["reason"] == .string("device-lost"))
            #expect(try gap.whole("lost") > 4 * 22_050)
            #expect(try client.status().whole("device_losses") >= 2)
        }
    }

    @Test("A driver that doesn't return from a call: said, and exit 69, also while the program is to end")
    func hangs() async throws {
        try await blocking {
            let devices = [try PluggableDevice(), try PluggableDevice()]
            let daemons = try devices.map { device in
                try device.plugIn()
                return try device.daemon()
            }
            for (device, daemon) in zip(devices, daemons) {
                _ = try device.listen(to: daemon)
                try device.hang()
            }
            // Asked to end, it has less patience: it isn't what is waited for.
            let began = ContinuousClock.now
            daemons[1].signal(SIGTERM)
            #expect(try daemons[1].end(seconds: 20).code == 69)
            #expect(ContinuousClock.now - began < .seconds(15))
            try daemons[0].waitForErrorLine(containing: "the device doesn't return", seconds: 60)
            let result = try daemons[0].end(seconds: 20)
            #expect(result.code == 69)
        }
    }

    // After the longer the device has delivered nothing for longer than it may, and isn't at fault.
    @Test("An overrun with all cores busy: as long as it was, and tags again", arguments: [1, 4])
    func overrun(seconds: Int) async throws {
        try await blocking {
            let device = try PluggableDevice(buffer: 1 << 14)
            try device.plugIn()
            let daemon = try device.daemon()
            let client = try device.listen(to: daemon)
            let others = try (0..<2 * ProcessInfo.processInfo.activeProcessorCount).map { _ in
                try ChildProcess(["/bin/sh", "-c", "while :; do :; done"])
            }
            // They take the processor from the daemon for longer than the device's buffer is, three quarters of a second.
            daemon.stop()
            Self.pass(Double(seconds))
            daemon.signal(SIGCONT)
            let back = ContinuousClock.now
            let gap = try client.event("gap")
            let tags = try client.event("tags")
            noteRecovery("overrun, all cores busy", since: back)
            #expect(gap["reason"] == .string("overrun"))
            #expect(try gap.whole("lost") >= 22_050 * seconds - 2000)
            let status = try client.status()
            #expect(try status.whole("device_losses") == 0 && status.whole("overruns") >= 1)
            // A machine that stands still has another one.
            if try status.whole("overruns") == 1 {
                // What was heard and what was lost make up the time that has passed.
                let passed = try tags.time - device.started
                let heard = try Double(tags.whole("position") - gap.whole("position")) / 22_050
                #expect(abs(passed - heard) < 0.05)
            }
            withExtendedLifetime(others) {}
        }
    }

    @Test(
        "Suspended for an hour, and resumed: the hour is what was lost, whether the device says so or goes on",
        .enabled(if: !isSanitized, "its clock is a library put before others"),
        arguments: ["slept", ""])
    func suspended(state: String) async throws {
        try await blocking {
            let device = try PluggableDevice()
            let clock = try ShiftedClock(in: device)
            try device.plugIn()
            let daemon = try device.daemon(environment: clock.environment)
            let client = try device.listen(to: daemon)
            daemon.stop()
            try clock.set(realTime: 3600, bootTime: 3600)
            try device.plugIn(state)
            daemon.signal(SIGCONT)
            let back = ContinuousClock.now
            let gap = try client.event("gap")
            let tags = try client.event("tags")
            noteRecovery("suspend and resume (\(state.isEmpty ? "unsaid" : "-ESTRPIPE"))", since: back)
            #expect(gap["reason"] == .string("suspended"))
            // From the last sample before, a few milliseconds of which the device may still have had.
            #expect(try abs(gap.whole("lost") - 3600 * 22_050) < 5 * 22_050)
            #expect(try abs(tags.time - Date().timeIntervalSince1970 - 3600) < 60)
            #expect(try client.status().whole("suspensions") == 1)
        }
    }

    @Test("A device that fails again and again: a gap each, with its reason, all counted")
    func again() async throws {
        try await blocking {
            let device = try PluggableDevice(failures: "EPIPE ESTRPIPE RESUME ENODEV EIO EPIPE")
            let daemon = try device.daemon("hw:0", ["--wait-for-device"])
            try daemon.waitForErrorLine(containing: "listening")
            let client = try SocketClient(connecting: device.socket)
            #expect(try client.event("hello")["protocol"] == .integer(1))
            try device.plugIn()
            let reasons = try (0..<6).map { _ in try client.event("gap")["reason"] }
            let names = ["overrun", "suspended", "suspended", "device-lost", "device-lost", "overrun"]
            #expect(reasons == names.map { .string($0) })
            _ = try client.event("tags")
            let status = try client.status()
            #expect(
                try ["overruns", "suspensions", "device_losses", "gaps"].map { try status.whole($0) } == [2, 2, 2, 6])
        }
    }

    // 500 ppm are what bad crystals do; a hundred times that shows within seconds what weeks would.
    @Test(
        "A clock that drifts: positions are the device's, times the computer's",
        arguments: [500, -500, 50_000, -50_000])
    func drift(ppm: Int) async throws {
        try await blocking {
            let device = try PluggableDevice(ppm: ppm)
            let daemon = try device.daemon("hw:0", ["--wait-for-device"])
            try daemon.waitForErrorLine(containing: "listening")
            let client = try SocketClient(connecting: device.socket)
            _ = try client.event("hello")
            try device.plugIn()
            let first = try client.event("tags")
            let started = try device.started
            var (position, time) = (try first.whole("position"), try first.time)
            #expect(position == 19_683)
            for number in 0..<120 {
                // What waits in the device meanwhile comes at once, and is as old as it is.
                if number == 60, abs(ppm) < 1000 {
                    daemon.stop()
                    Self.pass(3)
                    daemon.signal(SIGCONT)
                }
                let tags = try client.event("tags")
                #expect(try tags.whole("position") == position + 729)
                position += 729
                #expect(try tags.time >= time)
                time = try tags.time
                // docs/events.md says 5 ms; what a machine that stands still reads late is told by its nominal rate.
                let captured = started + Double(position) / (22_050 * (1 + Double(ppm) * 1e-6))
                let late = Date().timeIntervalSince1970 - captured
                #expect(
                    abs(time - captured) < 0.005 + late * abs(Double(ppm)) * 1e-6,
                    "\(time - captured) s at \(position), \(late) s late")
            }
            let status = try client.status()
            #expect(try status.whole("gaps") == 0)
            let shown = try #require(status["drift_ppm"]?.double)
            // Four seconds: 500 ppm are two milliseconds of it, which nobody can tell from a late thread.
            #expect(abs(ppm) < 1000 ? shown == 0 : abs(shown - Double(ppm)) < 5000, "\(shown)")
        }
    }

    // At 500 ppm a device is three seconds ahead after a hundred minutes; at a fifth after fifteen seconds.
    @Test("A fast clock is a clock, however far ahead of the computer's: nothing waits, nothing is lost")
    func fast() async throws {
        try await blocking {
            let device = try PluggableDevice(ppm: 200_000)
            try device.plugIn()
            let daemon = try device.daemon()
            let client = try device.listen(to: daemon)
            var last = try client.event("tags")
            var hasPaused = false
            while try last.whole("position") < 22 * 22_050 {
                last = try client.event("tags")
                // A device that goes on while nobody reads is no faster for it.
                if !hasPaused, try last.whole("position") > 11 * 22_050 {
                    hasPaused = true
                    daemon.stop()
                    Self.pass(4)
                    daemon.signal(SIGCONT)
                }
            }
            // A machine that is too busy to read the device has it begin anew.
            if try client.status().whole("overruns") == 0 {
                let captured = try device.started + Double(last.whole("position")) / (22_050 * 1.2)
                let late = Date().timeIntervalSince1970 - captured
                #expect(try abs(last.time - captured) < 0.1 + 0.2 * late)
                #expect(try client.status().whole("gaps") == 0)
            }
            daemon.signal(SIGTERM)
            let end = try daemon.end()
            #expect(end.code == 0 && !end.errors.contains("no clock"))
        }
    }

    @Test(
        "A wall clock that jumps an hour: times never go back within a song, and are right after it",
        .enabled(if: !isSanitized, "its clock is a library put before others"),
        arguments: [1, -1])
    func jump(hours: Int) async throws {
        try await blocking {
            let device = try PluggableDevice()
            let clock = try ShiftedClock(in: device)
            try device.plugIn()
            let daemon = try device.daemon(
                environment: clock.environment.merging(["WAVETAG_SILENCE_DURATION": "0.5"]) { $1 })
            let client = try device.listen(to: daemon)
            let before = try client.event("tags")
            try clock.set(realTime: Int64(hours) * 3600, bootTime: 0)
            var last = before
            for _ in 0..<30 {
                let tags = try client.event("tags")
                #expect(tags["song_start"] == .integer(0))
                #expect(try tags.whole("position") == last.whole("position") + 729)
                #expect(try tags.time >= last.time)
                last = tags
            }
            let passed = try Double(last.whole("position") - before.whole("position")) / 22_050
            let shown = try last.time - before.time
            #expect(abs(shown - passed - (hours > 0 ? 3600 : 0)) < 1)
            // The song ends: from then on it is as late as people's clocks say.
            try device.plugIn("still")
            _ = try client.event("song")
            let after = try client.event("tags")
            #expect(try abs(after.time - Date().timeIntervalSince1970 - Double(hours) * 3600) < 60)
            let status = try client.status()
            #expect(try status.whole("gaps") == 0 && status.whole("clock_jumps") == 1)
        }
    }
}
