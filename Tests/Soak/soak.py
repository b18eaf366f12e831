#!/usr/bin/env python3
"""Hours of sound through the daemon, and what they leave behind: python3 Tests/Soak/soak.py [--hours 24] [--realtime]

The built program with its own model hears an ALSA `file` device through its capture thread, rings, engine and socket, as
fast as this machine can (`--pace wait`), or by the clock with --realtime. The sound is a minute of music and silence, over
and over: songs begin and end all the time. A client reads every event. The run fails unless

- one `tags` event comes a hop, from the first window to the last sample, none twice; where the client read too slowly, its
  `dropped` events must account for every hole to the last event;
- times never go back;
- the daemon's own counters say that nothing was lost: samples, reports, frames, device, requests;
- resident memory grows by at most 1 MiB after the first minute of the run (after a fifth of one that is shorter than five);
- it has as many files open at the end as at that time, and never more threads (a `status` reads a file, so that one more
  may be seen for a moment);
- it ends by itself, with exit code 0.

A minute of sound takes 5 MB below .run/soak while this runs: 7.6 GB for 24 hours.
"""

import argparse
import array
import collections
import json
import math
import os
import pathlib
import random
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RATE = 44_100
MODEL_RATE = 22_050
GROWTH = 1 << 20


def minute():
    """Four instruments' worth of partials under noise, 54 s, and 6 s of silence; 16 bits, mono."""
    noise = random.Random(9)
    table = [math.sin(2 * math.pi * step / 4096) for step in range(4096)]
    samples = array.array("h")
    for second in range(54):
        pitch = 110 * 2 ** ((second * 7 % 24) / 12)
        steps = [pitch * partial * 4096 / RATE for partial in (1, 2, 3, 5)]
        for index in range(RATE):
            loudness = 3000 * (1 - index / RATE)
            value = sum(table[int(index * step) & 4095] for step in steps) * loudness
            samples.append(int(value + noise.randint(-400, 400)))
    samples.extend([0] * (6 * RATE))
    return samples.tobytes()


class Failure(Exception):
    pass


class Process:
    """What /proc says of the daemon."""

    def __init__(self, identifier):
        self.folder = pathlib.Path(f"/proc/{identifier}")

    def figures(self):
        status = dict(line.split(":", 1) for line in (self.folder / "status").read_text().splitlines())
        return {
            "resident": int(status["VmRSS"].split()[0]) * 1024,
            "anonymous": int(status["RssAnon"].split()[0]) * 1024,
            "threads": int(status["Threads"]),
            "files": len(os.listdir(self.folder / "fd")),
        }


class Reader:
    """Checks events as they come."""

    def __init__(self, hop):
        self.hop = hop
        self.last = None
        self.first = None
        self.time = ""
        self.events = self.songs = self.dropped = 0
        # Told as dropped and not yet seen as a hole: what is told may also have been another event than `tags`.
        self.untold = 0
        self.status = {}

    def take(self, line):
        event = json.loads(line)
        kind = event["type"]
        if kind == "tags":
            self.tags(event)
        elif kind == "song":
            self.songs += 1
            if not event["start"] < event["end"] < self.last + self.hop:
                raise Failure(f"a song from {event['start']} to {event['end']}")
        elif kind == "dropped":
            self.dropped += event["count"]
            self.untold += event["count"]
        elif kind == "status":
            self.status = event
            for name in ("lost_samples", "gaps", "overruns", "device_losses", "suspensions", "frames_dropped",
                         "reports_lost", "request_errors"):
                if event[name]:
                    raise Failure(f"status: {name}: {event[name]}")
        elif kind != "hello":
            raise Failure(f"an event of another kind: {line[:200]}")

    def tags(self, event):
        self.events += 1
        position = event["position"]
        if self.first is None:
            self.first = position
        else:
            missing, rest = divmod(position - self.last - self.hop, self.hop)
            if rest or missing < 0 or missing > self.untold:
                raise Failure(f"{position} after {self.last} with a hop of {self.hop}, {self.untold} told as dropped")
            self.untold -= missing
        self.last = position
        if event["time"] < self.time:
            raise Failure(f"time went back from {self.time} to {event['time']} at {position}")
        self.time = event["time"]
        if event["song_start"] > position:
            raise Failure(f"a song that starts at {event['song_start']}, after {position}")


def soak(options):
    folder = ROOT / ".run" / "soak"
    folder.mkdir(parents=True, exist_ok=True)
    sound, path = folder / "sound.raw", folder / "s"
    for former in (sound, path):
        former.unlink(missing_ok=True)
    seconds = options.hours * 3600
    piece = minute()
    with open(folder / "next.raw", "wb") as file:
        for _ in range(math.ceil(seconds / 60)):
            file.write(piece)
    configuration = folder / "asound.conf"
    configuration.write_text(
        f'pcm.soak {{ type file; slave.pcm {{ type null }}; file "/dev/null"; infile "{sound}"; format "raw" }}\n')
    command = [
        str(options.program), "run", "--device", "soak", "--wait-for-device", "--rate", str(RATE), "--channels", "1",
        "--duration", str(seconds), "--pace", "realtime" if options.realtime else "wait", "--precision", "int8",
        "--model", str(ROOT / "models" / "default.safetensors"), "--socket", str(path), "--log-level", "error",
        "--hop", str(options.hop),
    ]
    environment = {**os.environ, "ALSA_CONFIG_PATH": str(configuration)}
    # A reader that waits for the processor behind the engine would be told what it missed; so it comes first.
    daemon = subprocess.Popen(command, env=environment, preexec_fn=lambda: os.nice(5))
    try:
        return listen(options, daemon, folder / "next.raw", sound, path, seconds)
    finally:
        daemon.kill()
        daemon.wait()
        for name in ("next.raw", "sound.raw", "s"):
            (folder / name).unlink(missing_ok=True)


def listen(options, daemon, ready, sound, path, seconds):
    connection = socket.socket(socket.AF_UNIX)
    deadline = time.monotonic() + 30
    while connection.connect_ex(str(path)):
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise Failure("no socket")
        time.sleep(0.05)
    connection.sendall(b'{"subscribe":{"top":3}}\n')
    # The client is there before the sound, so that it sees the first event, too.
    ready.rename(sound)

    process = Process(daemon.pid)
    reader = Reader(options.hop)
    started = time.monotonic()
    settled = None
    most = {}
    recent = collections.deque(maxlen=30)
    asked = said = started
    rest = b""
    while True:
        data = connection.recv(1 << 18)
        if not data:
            break
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            reader.take(line)
        now = time.monotonic()
        if now - asked < 1:
            continue
        asked = now
        connection.sendall(b'{"status":true}\n')
        if reader.last is None:
            continue
        try:
            figures = process.figures()
        except (FileNotFoundError, ProcessLookupError):
            continue
        recent.append(figures["files"])
        share = reader.last / (seconds * MODEL_RATE)
        elapsed = now - started
        if settled is None and (elapsed >= 60 or share >= 0.2 and elapsed / max(share, 1e-9) < 300):
            settled = {**figures, "files": min(recent)}
        if settled:
            most = {name: max(most.get(name, 0), value) for name, value in figures.items()}
        if now - said >= 60:
            said = now
            print(f"{reader.last / MODEL_RATE / 3600:.2f} h of sound in {elapsed / 60:.1f} min: {figures}", flush=True)
    if daemon.wait(60) != 0:
        raise Failure(f"exit code {daemon.returncode}")

    total = int(seconds * MODEL_RATE)
    if reader.last is None or settled is None:
        raise Failure("the run was too short to be judged")
    if total - reader.last >= reader.hop + reader.untold * reader.hop + 2:
        raise Failure(f"ended at {reader.last} of {total}")
    if not reader.status:
        raise Failure("no status was read, so nobody knows what was lost")
    growth = most["resident"] - settled["resident"]
    elapsed = time.monotonic() - started
    print(
        f"{seconds / 3600:g} h of sound in {elapsed / 60:.1f} min{' by the clock' if options.realtime else ''}: "
        f"{reader.events} tags, one each {reader.hop} samples from {reader.first} to {reader.last}; {reader.songs} songs; "
        f"{reader.dropped} told as dropped; no sample lost\n"
        f"resident memory {settled['resident'] / 2**20:.1f} MiB, {growth / 2**10:+.0f} KiB since; anonymous "
        f"{settled['anonymous'] / 2**20:.1f} MiB, {(most['anonymous'] - settled['anonymous']) / 2**10:+.0f} KiB; "
        f"{settled['files']} files open, {min(recent)} at the end; {settled['threads']} threads, at most {most['threads']}")
    if growth > GROWTH:
        raise Failure(f"resident memory grew by {growth} bytes")
    if min(recent) > settled["files"]:
        raise Failure(f"{min(recent)} files open, {settled['files']} at first")
    if most["threads"] > settled["threads"]:
        raise Failure(f"{most['threads']} threads, {settled['threads']} at first")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=float, default=24, help="of sound (default: 24)")
    parser.add_argument("--hop", type=int, default=729, help="samples at 22 050 Hz (default: 729)")
    parser.add_argument("--realtime", action="store_true", help="by the clock")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / ".build" / "release" / "wavetag")
    try:
        soak(parser.parse_args())
    except Failure as failure:
        sys.exit(f"soak: {failure}")


if __name__ == "__main__":
    main()
