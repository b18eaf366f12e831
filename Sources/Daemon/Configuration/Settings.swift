import Core
import Logging
import Streaming

/// Everything that `wavetag run` can be told. docs/configuration.md describes each for users.
package struct Settings: Sendable, Equatable {
    var capture = CaptureSettings()
    /// nil: the mean of all channels; otherwise one, counted from 1.
    var channel: Int?
    /// nil: the model that is installed, or bundled.
    var model: String?
    var tagger = TaggerSettings()
    /// nil: where `SocketPath.listening` says.
    var socketPath: String?
    /// Real-time priority of the engine's thread and of the event loop; 0: none.
    var priority = 0
    /// Permissions of the socket.
    var socketMode: UInt32 = 0o660
    var socketGroup: String?
    var mostClients = 256
    /// Seconds between two `status` events that nobody asked for; 0: none.
    var statusInterval = 0.0
    var logLevel = Logger.Level.info
    /// Lines of one kind that are logged in a minute; 0: all.
    var logLimit = 10
    /// Where metrics are written; nil: nowhere.
    var metricsFile: String?
    /// Seconds between two writings.
    var metricsInterval = 15.0
}

/// One setting's name, and what it may be.
struct SettingKey: Sendable {
    enum Kind: Sendable {
        case text
        case whole(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        case flag
        case choice([String])
        /// An object of whole numbers by name; in files only.
        case wholes(ClosedRange<Int>)
        /// Octal permissions, as text.
        case mode

        /// What a person is told when something else stands there.
        var wanted: String {
            switch self {
            case .text: "text"
            case .whole(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
            case .number(let range): "a number from \(range.lowerBound.short) to \(range.upperBound.short)"
            case .flag: "true or false"
            case .choice(let names): names.joined(separator: " or ")
            case .wholes(let range): "an object of whole numbers from \(range.lowerBound) to \(range.upperBound)"
            case .mode: "octal permissions as text, like \"0660\""
            }
        }
    }

    let path: String
    let kind: Kind

    /// The names of the objects in which it stands in a file, and its own.
    var components: [String] { path.split(separator: ".").map(String.init) }

    /// `WAVETAG_` and the path in capitals.
    var environmentName: String { Self.environmentPrefix + path.replacing(".", with: "_").uppercased() }

    static let environmentPrefix = "WAVETAG_"
    static let hops = 1...TaggerSettings.longestHop

    static let all: [SettingKey] = [
        .init(path: "device", kind: .text),
        .init(path: "model", kind: .text),
        .init(path: "precision", kind: .choice(Precision.allCases.map(\.rawValue))),
        .init(path: "hop", kind: .whole(hops)),
        .init(path: "net_hops", kind: .wholes(hops)),
        .init(path: "memory_limit", kind: .whole(1...65_536)),
        .init(path: "threads", kind: .whole(1...64)),
        .init(path: "priority", kind: .whole(0...99)),
        .init(path: "channel", kind: .whole(1...8)),
        .init(path: "capture.rate", kind: .whole(8_000...192_000)),
        .init(path: "capture.channels", kind: .whole(1...8)),
        .init(path: "capture.period", kind: .number(1...1000)),
        .init(path: "capture.pace", kind: .choice(CaptureSettings.Pace.allCases.map(\.rawValue))),
        .init(path: "capture.wait_for_device", kind: .flag),
        .init(path: "capture.priority", kind: .whole(0...99)),
        .init(path: "capture.stalled_after", kind: .number(0...86_400)),
        .init(path: "capture.duration", kind: .number(0...1e9)),
        .init(path: "songs", kind: .choice(SongBoundaries.allCases.map(\.rawValue))),
        .init(path: "silence.level", kind: .number(-120...0)),
        .init(path: "silence.duration", kind: .number(0...3600)),
        .init(path: "classifier.interval", kind: .number(0...3600)),
        .init(path: "socket.path", kind: .text),
        .init(path: "socket.mode", kind: .mode),
        .init(path: "socket.group", kind: .text),
        .init(path: "socket.clients", kind: .whole(1...10_000)),
        .init(path: "status.interval", kind: .number(0...86_400)),
        .init(path: "log.level", kind: .choice(Logger.Level.allCases.map(\.rawValue))),
        .init(path: "log.limit", kind: .whole(0...100_000)),
        .init(path: "metrics.file", kind: .text),
        .init(path: "metrics.interval", kind: .number(0.1...86_400)),
    ]
}

extension Double {
    /// Without `.0`.
    fileprivate var short: String { self == rounded() && abs(self) < 1e15 ? "\(Int(self))" : "\(self)" }
}
