import Glibc

/// Nanoseconds that never go back.
func monotonicTime() -> Int64 { time(of: CLOCK_MONOTONIC) }

/// Nanoseconds that never go back, and that count while the machine sleeps: so a suspended machine's gap is as long as it was.
func bootTime() -> Int64 { time(of: CLOCK_BOOTTIME) }

/// Nanoseconds that this thread has computed; other programs on the processor don't count.
func processorTime() -> Int64 { time(of: CLOCK_THREAD_CPUTIME_ID) }

/// Nanoseconds since 1970, as people's clocks have it: may jump.
func realTime() -> Int64 { time(of: CLOCK_REALTIME) }

private func time(of clock: clockid_t) -> Int64 {
    var now = timespec()
    clock_gettime(clock, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}

/// What `read` says, and when it said so.
///
/// Asked again where much time passes meanwhile: a thread that loses the processor between a device's counter and the clock
/// would take the one for as much older than the other.
///
/// - Returns: the value, and the middle of the time that it took, by `bootTime`.
func atOneMoment<Value>(_ read: () -> Value) -> (value: Value, time: Int64) {
    var before = bootTime()
    var value = read()
    var after = bootTime()
    var best = (value: value, span: after - before, time: before + (after - before) / 2)
    for _ in 0..<4 where best.span > 100_000 {
        before = bootTime()
        value = read()
        after = bootTime()
        if after - before < best.span { best = (value, after - before, before + (after - before) / 2) }
    }
    return (best.value, best.time)
}

/// How long the machine has slept since it was started, nanoseconds.
func machineSleep() -> Int64 {
    let now = atOneMoment(monotonicTime)
    return now.time - now.value
}

/// What is to be added to `bootTime` now to have nanoseconds since 1970: changes only where the clock is set.
func realTimeOffset() -> Int64 {
    let now = atOneMoment(realTime)
    return now.value - now.time
}
