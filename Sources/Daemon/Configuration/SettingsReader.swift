import ArgumentParser
import Configuration
import Core
import Glibc
import Logging
import Streaming

/// A setting that can't be: one line, `where: key: what was wanted and found`.
package struct SettingsError: Error, Equatable, CustomStringConvertible {
    package let description: String
    /// 78, or 66 for a file that isn't there.
    var exitCode = ExitCode.badConfiguration
}

extension Settings {
    /// Where a configuration file is looked for when none is named.
    static let standardFile = "/etc/wavetag/wavetag.json"

    /// Flags before environment before file before defaults. Everything is checked, whether or not something else overrides it.
    ///
    /// - Parameters:
    ///   - file: the configuration file; nil: the standard one, if it is there.
    ///   - flags: by the setting's path, as text.
    package static func load(
        file: String?, flags: [String: String], environment: [String: String]
    ) throws(SettingsError) -> Settings {
        var providers: [any ConfigProvider] = []
        let variables = Set(SettingKey.all.map(\.environmentName))
        if let unknown = environment.keys.sorted().first(where: {
            $0.hasPrefix(SettingKey.environmentPrefix) && !variables.contains($0)
        }) {
            throw SettingsError(description: "environment: \(unknown): unknown setting")
        }
        for key in SettingKey.all {
            if let value = flags[key.path] { try key.check(value, source: "command line") }
            if let value = environment[key.environmentName] {
                try key.check(value, source: "environment", name: key.environmentName)
            }
        }
        var given: [AbsoluteConfigKey: ConfigValue] = [:]
        for key in SettingKey.all {
            guard let value = flags[key.path] else { continue }
            given[AbsoluteConfigKey(key.components)] = key.value(of: value)
        }
        providers.append(InMemoryProvider(name: "flags", values: given))
        providers.append(EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "wavetag"))

        var netHops: [String: Int] = [:]
        if let path = file ?? (access(standardFile, F_OK) == 0 ? standardFile : nil) {
            let json = try parse(path)
            netHops = try SettingKey.check(json, in: path)
            // swift-configuration's own reader of JSON would bring all of Foundation, 31 MB of Unicode's data among it.
            var written: [AbsoluteConfigKey: ConfigValue] = [:]
            for key in SettingKey.all {
                guard let value = key.components.reduce(Optional(json), { $0?[$1] }) else { continue }
                written[AbsoluteConfigKey(key.components)] = key.value(of: value)
            }
            providers.append(InMemoryProvider(name: path, values: written))
        }
        return Settings(from: ConfigReader(providers: providers), netHops: netHops)
    }

    private static func parse(_ path: String) throws(SettingsError) -> JSONValue {
        guard let file = fopen(path, "re") else {
            throw SettingsError(
                description: "\(path): \(String(cString: strerror(errno)))",
                exitCode: errno == ENOENT ? .noInput : .badConfiguration)
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        // A configuration is a page of text; what is much larger is something else.
        while bytes.count <= 1 << 20 {
            let count = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        guard ferror(file) == 0, bytes.count <= 1 << 20 else {
            throw SettingsError(description: "\(path): can't be read, or has more than 1 MiB")
        }
        do { return try JSONValue(parsing: bytes) } catch { throw SettingsError(description: "\(path): \(error)") }
    }

    private init(from reader: ConfigReader, netHops: [String: Int]) {
        self.init()
        func text(_ key: String) -> String? { reader.string(forKey: ConfigKey(stringLiteral: key)) }
        func whole(_ key: String) -> Int? { reader.int(forKey: ConfigKey(stringLiteral: key)) }
        func number(_ key: String) -> Double? { reader.double(forKey: ConfigKey(stringLiteral: key)) }

        if let device = text("device") { capture.device = device }
        if let rate = whole("capture.rate") { capture.rate = rate }
        if let channels = whole("capture.channels") { capture.channels = channels }
        if let period = number("capture.period") { capture.period = period }
        if let pace = text("capture.pace").flatMap(CaptureSettings.Pace.init) { capture.pace = pace }
        // Under systemd nobody is there to plug the device in and start again.
        capture.waitForDevice =
            reader.bool(forKey: "capture.wait_for_device") ?? ServiceNotification.isService
        if let priority = whole("capture.priority") { capture.realtimePriority = priority }
        if let seconds = number("capture.stalled_after") { capture.stalledAfter = seconds }
        if let duration = number("capture.duration") { capture.duration = duration }
        if let priority = whole("priority") { self.priority = priority }
        channel = whole("channel")
        model = text("model")
        tagger.precision = text("precision").flatMap(Precision.init)
        if let hop = whole("hop") { tagger.hop = hop }
        tagger.netHops = netHops
        if let megabytes = whole("memory_limit") { tagger.memoryLimit = megabytes << 20 }
        if let threads = whole("threads") { tagger.threads = threads }
        if let songs = text("songs").flatMap(SongBoundaries.init) { tagger.songBoundaries = songs }
        if let level = number("silence.level") { tagger.silenceLevel = level }
        if let duration = number("silence.duration") { tagger.silenceDuration = duration }
        if let interval = number("classifier.interval") {
            tagger.classifierInterval = Int((interval * Double(Model.sampleRate)).rounded())
        }
        socketPath = text("socket.path")
        if let mode = text("socket.mode").flatMap({ UInt32($0, radix: 8) }) { socketMode = mode }
        socketGroup = text("socket.group")
        if let clients = whole("socket.clients") { mostClients = clients }
        if let interval = number("status.interval") { statusInterval = interval }
        if let level = text("log.level").flatMap({ Logger.Level(rawValue: $0) }) { logLevel = level }
        if let limit = whole("log.limit") { logLimit = limit }
        metricsFile = text("metrics.file")
        if let interval = number("metrics.interval") { metricsInterval = interval }
    }
}

extension SettingKey {
    /// A checked text as the kind of value that it is.
    fileprivate func value(of text: String) -> ConfigValue {
        let content: ConfigContent =
            switch kind {
            case .whole: Int(text).map(ConfigContent.int) ?? .string(text)
            case .number: Double(text).map(ConfigContent.double) ?? .string(text)
            case .flag: .bool(text == "true")
            default: .string(text)
            }
        return ConfigValue(content, isSecret: false)
    }

    /// A file's checked value as the kind of value that it is; nil for what isn't one value.
    fileprivate func value(of json: JSONValue) -> ConfigValue? {
        let content: ConfigContent? =
            switch (kind, json) {
            case (.whole, .integer(let number)): .int(number)
            case (.number, _): json.double.map { .double($0) }
            case (.flag, .bool(let flag)): .bool(flag)
            case (_, .string(let text)): .string(text)
            default: nil
            }
        return content.map { ConfigValue($0, isSecret: false) }
    }

    /// Checks a value that is text, as flags and the environment have it.
    fileprivate func check(_ value: String, source: String, name: String? = nil) throws(SettingsError) {
        let isGood =
            switch kind {
            case .text: !value.isEmpty
            case .whole(let range): Int(value).map(range.contains) ?? false
            case .number(let range): Double(value).map(range.contains) ?? false
            case .flag: ["true", "false"].contains(value)
            case .choice(let names): names.contains(value)
            case .wholes: false
            case .mode: UInt32(value, radix: 8).map { $0 <= 0o777 } ?? false
            }
        guard isGood else {
            throw SettingsError(description: "\(source): \(name ?? path): \(kind.wanted) wanted, \"\(value)\" found")
        }
    }

    /// Checks a configuration file: every key known, every value of its kind and in range.
    ///
    /// - Returns: the hops of single nets.
    fileprivate static func check(_ json: JSONValue, in file: String) throws(SettingsError) -> [String: Int] {
        var netHops: [String: Int] = [:]
        try check(json, prefix: "", in: file, netHops: &netHops)
        return netHops
    }

    private static func check(
        _ json: JSONValue, prefix: String, in file: String, netHops: inout [String: Int]
    ) throws(SettingsError) {
        guard case .object(let members) = json else {
            let place = prefix.isEmpty ? "" : " \(prefix.dropLast()):"
            throw SettingsError(description: "\(file):\(place) an object wanted, \(json.kind) found")
        }
        for member in members {
            let path = prefix + member.name
            if let key = all.first(where: { $0.path == path }) {
                if case .wholes(let range) = key.kind {
                    netHops = try wholes(member.value, key, range, in: file)
                } else {
                    try key.check(member.value, in: file)
                }
            } else if all.contains(where: { $0.path.hasPrefix(path + ".") }) {
                try check(member.value, prefix: path + ".", in: file, netHops: &netHops)
            } else {
                throw SettingsError(description: "\(file): \(path): unknown setting")
            }
        }
    }

    private func check(_ value: JSONValue, in file: String) throws(SettingsError) {
        let isGood =
            switch (kind, value) {
            case (.text, .string(let text)): !text.isEmpty
            case (.whole(let range), .integer(let number)): range.contains(number)
            case (.number(let range), _): value.double.map(range.contains) ?? false
            case (.flag, .bool): true
            case (.choice(let names), .string(let text)): names.contains(text)
            case (.mode, .string(let text)): UInt32(text, radix: 8).map { $0 <= 0o777 } ?? false
            default: false
            }
        guard isGood else {
            throw SettingsError(description: "\(file): \(path): \(kind.wanted) wanted, \(value.shown) found")
        }
    }

    private static func wholes(
        _ value: JSONValue, _ key: SettingKey, _ range: ClosedRange<Int>, in file: String
    ) throws(SettingsError) -> [String: Int] {
        guard case .object(let members) = value else {
            throw SettingsError(description: "\(file): \(key.path): \(key.kind.wanted) wanted, \(value.shown) found")
        }
        var numbers: [String: Int] = [:]
        for member in members {
            guard case .integer(let number) = member.value, range.contains(number) else {
                throw SettingsError(
                    description:
                        "\(file): \(key.path).\(member.name): \(Kind.whole(range).wanted) wanted, \(member.value.shown) found"
                )
            }
            numbers[member.name] = number
        }
        return numbers
    }
}

extension JSONValue {
    /// The value as a person wrote it, where it is short.
    fileprivate var shown: String {
        switch self {
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let text): "\"\(text)\""
        default: kind
        }
    }
}
