#!/usr/bin/env python3
"""From a hop's last sample to a client's read.

    python3 Benchmarks/latency.py /tmp/wavetag.sock [SECONDS]    of a daemon that runs
    python3 Benchmarks/latency.py --load [SECONDS]               of daemons on a busy machine: `make bench-latency`

An event's time is when its last sample was captured; what is measured is how much later a client has read it. Times have
whole milliseconds, cut off, so that up to one is counted too much. With --load a daemon with the default model hears a device
with a clock (Tests/ScriptedDevice), 64 clients read it, and as many processes as there are cores compute without a pause at
normal priority: with no real-time priority, with the capture thread's (the default), and with `priority` too. One of the
clients measures at normal priority, one, where that is permitted, at a real-time priority above all: the first waits for the
processor like any program on such a machine, the second shows what the daemon does. With all that priority, the second's
99th percentile above 20 ms is exit code 1.
"""

import argparse
import datetime
import json
import multiprocessing
import os
import pathlib
import selectors
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).parent.parent
CLIENTS = 64
# Milliseconds that the 99th percentile may be where everything has real-time priority.
MOST = 20


def connect(path, deadline=0.0):
    """Waits for the daemon until `deadline`."""
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            return connection
        except OSError:
            connection.close()
            if time.time() >= deadline:
                raise
            time.sleep(0.05)


def delays(connection, seconds):
    """Milliseconds from an event's time to its being read, sorted."""
    connection.sendall(b'{"subscribe":{"top":5}}\n')
    lines = connection.makefile("rb")
    found = []
    end = time.time() + seconds
    while time.time() < end and (line := lines.readline()):
        now = time.time()
        event = json.loads(line)
        if event["type"] == "tags":
            captured = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()
            found.append((now - captured) * 1000)
    # The first may have waited for the connection.
    return sorted(found[10:])


def status(connection):
    connection.sendall(b'{"status":true}\n')
    for line in connection.makefile("rb"):
        event = json.loads(line)
        if event["type"] == "status":
            return event
    raise SystemExit("the daemon has closed")


def percentile_99(found):
    return found[len(found) * 99 // 100]


def summary(found):
    if not found:
        return "no tags came"
    return (
        f"{len(found)} events: p50 {found[len(found) // 2]:.2f} ms, p99 {percentile_99(found):.2f} ms, "
        f"most {found[-1]:.2f} ms"
    )


def compute():
    while True:
        pass


def read_all(path, count, ready):
    """Clients that read and do nothing else."""
    selector = selectors.DefaultSelector()
    for _ in range(count):
        selector.register(connect(path), selectors.EVENT_READ)
    ready.set()
    while True:
        for key, _ in selector.select():
            if not key.fileobj.recv(65536):
                return


def measure(path, seconds, priority, results):
    if priority:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
        except PermissionError:
            results.put((priority, []))
            return
    results.put((priority, delays(connect(path), seconds)))


def loaded(name, environment, seconds):
    """One daemon on a busy machine: a line for each client that measures."""
    build = ROOT / ".build/release"
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "asound.conf").write_text(
            f'pcm_type.scripted {{ lib "{build}/libasound_module_pcm_scripted.so" }}\npcm.clocked {{ type scripted }}\n'
        )
        path = f"{folder}/s"
        daemon = subprocess.Popen(
            [build / "wavetag", "run", "--device", "clocked", "--rate", "22050", "--channels", "1", "--socket", path],
            env={**os.environ, "ALSA_CONFIG_PATH": f"{folder}/asound.conf", **environment},
            stderr=subprocess.PIPE,
        )
        helpers = []

        def start(body, *arguments):
            helpers.append(multiprocessing.Process(target=body, args=arguments, daemon=True))
            helpers[-1].start()

        try:
            connect(path, time.time() + 60).close()
            ready = multiprocessing.Event()
            start(read_all, path, CLIENTS - 2, ready)
            ready.wait()
            for _ in range(os.cpu_count()):
                start(compute)
            results = multiprocessing.Queue()
            for priority in (0, 60):
                start(measure, path, seconds, priority, results)
            found = dict(results.get() for _ in range(2))
            said = status(connect(path))
        finally:
            for helper in helpers:
                helper.kill()
            daemon.send_signal(signal.SIGTERM)
            log = daemon.communicate()[1].decode()
    refused = " (not permitted here)" if "without real-time priority" in log else ""
    for priority, what in ((0, "client at normal priority"), (60, "client at real-time priority")):
        print(f"{name}{refused}, {what}: {summary(found[priority])}")
    print(
        f"    lost: {said['lost_samples']} samples, {said['reports_lost'] + said['events_dropped']} events; "
        f"hop {said['hop']}, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return None if refused or not found[60] else percentile_99(found[60])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--load", action="store_true")
    parser.add_argument("arguments", nargs="*", metavar="SOCKET, SECONDS")
    options = parser.parse_args()
    if options.load:
        seconds = float(options.arguments[0]) if options.arguments else 30
        for name, capture, rest in (("no real time", 0, 0), ("capture", 50, 0), ("capture, engine, event loop", 50, 40)):
            last = loaded(name, {"WAVETAG_CAPTURE_PRIORITY": str(capture), "WAVETAG_PRIORITY": str(rest)}, seconds)
        if last is not None and last > MOST:
            raise SystemExit(f"p99 {last:.2f} ms with real-time priority: {MOST} ms at most are wanted")
        return
    if not options.arguments:
        parser.error("a socket wanted")
    seconds = float(options.arguments[1]) if len(options.arguments) > 1 else 10
    connection = connect(options.arguments[0])
    found = delays(connection, seconds)
    print(summary(found))
    if found:
        said = status(connection)
        print({key: said[key] for key in ("engine", "resident_bytes", "engine_load", "hop_microseconds", "overruns")})


if __name__ == "__main__":
    main()
