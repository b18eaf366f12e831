import Logging

/// What the daemon's log can say. The text is what a line begins or ends with; the id is what the journal finds it by, and stays when the text is reworded. docs/operation.md has them for users, systemd/wavetag.catalog what to do about each.
///
/// A new kind's id comes from `systemd-id128 new`; an old one is never given to another kind.
enum LogKind: String, CaseIterable {
    case listening = "listening"
    case deviceOpened = "device opened"
    case waitingForDevice = "waiting for the device"
    case deviceLost = "device lost"
    case deviceHangs = "the device doesn't return"
    case captureEnded = "capture ended"
    case soundLost = "sound was lost"
    case silence = "no sound comes"
    case soundAgain = "sound comes again"
    case overload = "this machine can't keep up"
    case overloadOver = "this machine keeps up"
    case reloaded = "reloaded"
    case reloadRefused = "reload refused"
    case restartNeeded = "settings that only a restart changes"
    case noRealtimePriority = "runs without real-time priority"
    case noClock = "the device has no clock: it is read in real time"
    case channelMissing = "the device hasn't the wanted channel: the mean of all is heard"
    case slowClient = "a client reads too slowly: it is not sent all events"
    case clientRefused = "a client was refused: there are too many"
    case metricsUnwritten = "metrics can't be written"
    case metricsWritten = "metrics are written again"
    case linesLeftOut = "lines of the same kind were left out"

    /// The kind of a line; nil of one that isn't listed, as libraries' aren't.
    init?(message: String) {
        guard
            let kind = Self.allCases.first(where: { message.hasPrefix($0.rawValue) || message.hasSuffix($0.rawValue) })
        else { return nil }
        self = kind
    }

    /// `MESSAGE_ID` in the journal.
    var identifier: String {
        switch self {
        case .listening: "6b8b4347b5ff4c1eaff2abe0754d8eb9"
        case .deviceOpened: "f68a987c5dd54483b4287845f4c0e1ce"
        case .waitingForDevice: "8c001ea2b2d6458aaa84200adc428b37"
        case .deviceLost: "5c2d1b67df7040978bfd85827910b666"
        case .deviceHangs: "d218cd903472487fb0779a0c0f215aa8"
        case .captureEnded: "f2689702d14b49c9a08a061cfd3113d2"
        case .soundLost: "c8fc7bda1ed24237ac68d8583f47bef9"
        case .silence: "3034a3d00fee485bb082ecd5e4edd5de"
        case .soundAgain: "d24b6aa5e6714b48b7e18eefa3288a49"
        case .overloadOver: "f83db38fc6404009b3162487c416e60c"
        case .reloaded: "a31bd2d657f34fb2ac18bf5bda0dfa89"
        case .reloadRefused: "4d629f5a475d48178b86dd76e57dd8cb"
        case .restartNeeded: "ae650f9fcf1d47f9a560bce817478c3a"
        case .overload: "5ff93559fcd249a8bd23762ea64af5e1"
        case .noRealtimePriority: "f8dee208466d48b6a64cfca0784ae76a"
        case .noClock: "b016b4941db14fdfae0748132787d88f"
        case .channelMissing: "25b1fa7fd0ea4ce4a0cfd418f914c6c4"
        case .slowClient: "2fb96aee9d234850a4e077a7661878e3"
        case .clientRefused: "0f946469e79d4194b6a574de68c812b2"
        case .metricsUnwritten: "55f7b0a0062b48bf90a5efbf7a2ea98b"
        case .metricsWritten: "fac5ba8e8d504fcab19291ae28f368e7"
        case .linesLeftOut: "909a898b187d4f1da190c6b16fdc4820"
        }
    }
}

extension LogEvent {
    /// Says how many lines of a kind the log lacks.
    static func linesLeftOut(kind: String, count: Int, level: Logger.Level) -> LogEvent {
        LogEvent(
            level: level, message: "\(LogKind.linesLeftOut.rawValue)",
            metadata: ["kind": "\(kind)", "count": "\(count)"],
            source: "Daemon", file: #fileID, function: #function, line: #line)
    }
}
