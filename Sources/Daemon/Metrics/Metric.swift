import Core

/// What a counter or gauge of `status` is called as a metric.
struct Metric: Sendable {
    enum Kind: String, Sendable {
        /// Only grows while the daemon runs.
        case counter
        case gauge
        /// What `status` has and the table below hasn't.
        case untyped
    }

    let name: String
    let kind: Kind
    let help: String
    /// Into the metric's unit: seconds, or a ratio.
    var scale = 1.0

    /// Every metric's name begins so.
    static let prefix = "wavetag_"

    /// The metric of a status value; texts become labels and need none.
    static func of(_ status: String) -> Metric {
        table[status] ?? Metric(name: status, kind: .untyped, help: "\(status) of status.")
    }

    private static let table: [String: Metric] = [
        "position": counter("heard_samples", "Samples at 22050 Hz that have been heard."),
        "hop": Metric(
            name: "hop_seconds", kind: .gauge, help: "Sound between two answers.", scale: 1 / Double(Model.sampleRate)),
        "windows": counter("answers", "Answers computed: tags events before anyone's wishes."),
        "engine_seconds": counter("engine_seconds", "Time that the engine has computed."),
        "engine_load": gauge("engine_load_ratio", "Part of the time since the start that the engine has computed."),
        "hop_microseconds": gauge("answer_cost_seconds", "Mean time that an answer has cost.", scale: 1e-6),
        "classifier_evaluations": counter("classifier_evaluations", "Evaluations of the song-level classifier."),
        "classifier_microseconds": gauge(
            "classifier_cost_seconds", "Mean time of an evaluation of the song-level classifier.", scale: 1e-6),
        "song_load": gauge("song_load_ratio", "Part of the engine's time that songs have taken."),
        "backlog_ms": gauge("backlog_seconds", "Sound that waits to be heard.", scale: 1e-3),
        "overload": gauge("overload_level", "What is spared because the machine can't keep up; 0: nothing."),
        "overloads": counter("overloads", "Times that less was asked of the nets."),
        "overload_recoveries": counter("overload_recoveries", "Times that more was asked of them again."),
        "reloads": counter("reloads", "Times that settings and model were read again."),
        "reloads_refused": counter("refused_reloads", "Times that what was read again was no good."),
        "stalled": gauge("stalled", "1 while the device delivers nothing, or the same sample for ever."),
        "stalls": counter("stalls", "Times that it began to."),
        "device_running": gauge("device_running", "1 while the capture device is open and runs."),
        "frames": counter("captured_frames", "Frames that the device has delivered, at its own rate."),
        "overruns": counter("overruns", "Times that the device's buffer ran over."),
        "suspensions": counter("suspensions", "Times that the machine was suspended."),
        "device_losses": counter("device_losses", "Times that the device was lost."),
        "open_failures": counter("device_open_failures", "Times that the device couldn't be opened."),
        "drift_ppm": Metric(
            name: "device_drift_ratio", kind: .gauge,
            help: "How much faster the device counts than the computer's clock.", scale: 1e-6),
        "clock_jumps": counter("clock_jumps", "Times that the computer's clock was set by more than 0.1 s."),
        "frames_dropped": counter("dropped_frames", "Frames delivered that found no room."),
        "gaps": counter("gaps", "Gaps in the sound."),
        "lost_samples": counter("lost_samples", "Samples at 22050 Hz that gaps have taken."),
        "reports_lost": counter("lost_reports", "Answers that the event loop was too slow for."),
        "resident_bytes": gauge("resident_memory_bytes", "Memory that the daemon holds."),
        "uptime_seconds": gauge("uptime_seconds", "Time since the start."),
        "clients": gauge("clients", "Clients connected."),
        "clients_refused": counter("refused_clients", "Clients that were one too many."),
        "accept_pauses": counter(
            "accept_pauses", "Quarters of a second in which nobody was let in, for want of descriptors."),
        "events_sent": counter("sent_events", "Events sent, over all clients."),
        "events_dropped": counter("dropped_events", "Events not sent because their client read too slowly."),
        "request_errors": counter("request_errors", "Clients' lines that were not understood."),
        "metrics_failures": counter("metrics_file_failures", "Times that the file of metrics couldn't be written."),
        "log_lines_left_out": counter("left_out_log_lines", "Lines of the log that were one too many in a minute."),
    ]

    private static func counter(_ name: String, _ help: String) -> Metric {
        Metric(name: name + "_total", kind: .counter, help: help)
    }

    private static func gauge(_ name: String, _ help: String, scale: Double = 1) -> Metric {
        Metric(name: name, kind: .gauge, help: help, scale: scale)
    }
}
