#!/usr/bin/env python3
"""From a hop's last sample to a client's read: python3 Benchmarks/latency.py /tmp/wavetag.sock [SECONDS]

Needs a running daemon on this machine. An event's time is when its last sample was captured; what is measured is how
much later this client has read it. The daemon's own figures follow.
"""

import datetime
import json
import socket
import sys
import time


def main():
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(sys.argv[1])
    connection.sendall(b'{"subscribe":{"top":5}}\n')
    lines = connection.makefile("rb")
    delays = []
    end = time.time() + seconds
    while time.time() < end and (line := lines.readline()):
        now = time.time()
        event = json.loads(line)
        if event["type"] == "tags":
            captured = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()
            delays.append((now - captured) * 1000)
    # The first may have waited for the connection.
    delays = sorted(delays[10:])
    if not delays:
        sys.exit("no tags came")
    print(f"{len(delays)} events: p50 {delays[len(delays) // 2]:.2f} ms, p99 {delays[len(delays) * 99 // 100]:.2f} ms, most {delays[-1]:.2f} ms")
    connection.sendall(b'{"status":true}\n')
    while line := lines.readline():
        status = json.loads(line)
        if status["type"] == "status":
            print({key: status[key] for key in ("engine", "resident_bytes", "engine_load", "hop_microseconds", "overruns")})
            return


if __name__ == "__main__":
    main()
