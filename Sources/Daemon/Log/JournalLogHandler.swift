import CSystemd
import Glibc
import Logging

/// Lines of the log as entries of the systemd journal: each kind with its `MESSAGE_ID`, each value as a field of its own.
struct JournalLogHandler: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Whether standard error goes to the journal: its device and inode are those that systemd has named.
    ///
    /// The variable alone says little: all that a service starts inherits it, also with standard error elsewhere.
    static func isConnected(environment: [String: String]) -> Bool {
        guard let stream = environment["JOURNAL_STREAM"] else { return false }
        var status = stat()
        guard fstat(STDERR_FILENO, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }

    func log(event: LogEvent) {
        let values = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        let entry = JournalEntry(
            message: event.message.description, level: event.level, values: values.mapValues { "\($0)" },
            file: event.file, line: event.line)
        guard !entry.send() else { return }
        // No journal to be had: standard error is all that is left.
        Output.write("\(entry.fields[0].value)\n", to: STDERR_FILENO)
    }
}

/// One entry of the journal.
struct JournalEntry: Equatable {
    struct Field: Equatable {
        /// Capitals, digits and underscores.
        let name: String
        let value: String
    }

    /// The message comes first.
    let fields: [Field]

    init(message: String, level: Logger.Level, values: [String: String], file: String, line: UInt) {
        let sorted = values.sorted { $0.key < $1.key }
        // What `journalctl` shows is the message alone.
        let shown = sorted.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
        var fields = [
            Field(name: "MESSAGE", value: shown.isEmpty ? message : "\(message): \(shown)"),
            Field(name: "PRIORITY", value: "\(level.syslogPriority)"),
            Field(name: "SYSLOG_IDENTIFIER", value: "wavetag"),
            Field(name: "CODE_FILE", value: file), Field(name: "CODE_LINE", value: "\(line)"),
        ]
        if let kind = LogKind(message: message) { fields.append(Field(name: "MESSAGE_ID", value: kind.identifier)) }
        fields += sorted.map { Field(name: Self.fieldName($0.key), value: $0.value) }
        self.fields = fields
    }

    /// `WAVETAG_DEVICE` for `device`. Names have at most 64 bytes.
    static func fieldName(_ key: String) -> String {
        "WAVETAG_"
            + String(
                key.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }.prefix(56))
    }

    /// Hands the entry to the journal.
    ///
    /// - Returns: false when it couldn't be.
    func send() -> Bool {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for field in fields {
            bytes += "\(field.name)=\(field.value)".utf8
            ends.append(bytes.count)
        }
        return bytes.withUnsafeMutableBytes { bytes in
            var start = 0
            let vectors = ends.map { end in
                defer { start = end }
                return iovec(iov_base: bytes.baseAddress! + start, iov_len: end - start)
            }
            return sd_journal_sendv(vectors, Int32(vectors.count)) >= 0
        }
    }
}

extension Logger.Level {
    /// As syslog(3) numbers them.
    fileprivate var syslogPriority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
