/// Settings that hold from start to end: the device's, the socket's, the log's and the metrics'. All others a reload changes.
extension Settings {
    private struct Fixed {
        let path: String
        let differs: (Settings, Settings) -> Bool
        let take: (inout Settings, Settings) -> Void

        init<Value: Equatable>(_ path: String, _ place: WritableKeyPath<Settings, Value>) {
            self.path = path
            differs = { $0[keyPath: place] != $1[keyPath: place] }
            take = { $0[keyPath: place] = $1[keyPath: place] }
        }
    }

    private static var fixed: [Fixed] {
        [
            Fixed("device", \.capture.device), Fixed("capture.rate", \.capture.rate),
            Fixed("capture.channels", \.capture.channels), Fixed("capture.period", \.capture.period),
            Fixed("capture.pace", \.capture.pace), Fixed("capture.wait_for_device", \.capture.waitForDevice),
            Fixed("capture.priority", \.capture.realtimePriority), Fixed("capture.duration", \.capture.duration),
            Fixed("capture.stalled_after", \.capture.stalledAfter),
            // Whatever else there is of the device's.
            Fixed("capture", \.capture),
            Fixed("socket.path", \.socketPath), Fixed("socket.mode", \.socketMode),
            Fixed("socket.group", \.socketGroup),
            Fixed("socket.clients", \.mostClients), Fixed("status.interval", \.statusInterval),
            Fixed("priority", \.priority), Fixed("log.level", \.logLevel), Fixed("log.limit", \.logLimit),
            Fixed("metrics.file", \.metricsFile), Fixed("metrics.interval", \.metricsInterval),
        ]
    }

    /// These settings with another's fixed ones.
    func keepingFixed(of other: Settings) -> Settings {
        var settings = self
        for setting in Self.fixed { setting.take(&settings, other) }
        return settings
    }

    /// Paths of fixed settings that are others in `new`.
    func fixedPaths(differingIn new: Settings) -> [String] {
        var rest = new
        return Self.fixed.compactMap { setting in
            defer { setting.take(&rest, self) }
            return setting.differs(self, rest) ? setting.path : nil
        }
    }
}
