#!/usr/bin/env python3
"""Four kinds of sound that anyone can tell apart, as a data set to try training on.

    python3 demo/four_sounds.py FOLDER [SOUNDS OF EACH KIND] [SECONDS]

FOLDER gets wav files (whistle, buzz, hiss, clicks; each of another pitch, speed and loudness) and manifest.tsv:
six in ten to train on, two to choose by, two to test with. Seeded: the same call writes the same bytes.
"""

import math
import pathlib
import random
import struct
import sys
import wave

RATE = 22050


def whistle(draw, count):
    pitch, depth, speed = draw.uniform(500, 2500), draw.uniform(0, 0.05), draw.uniform(3, 7)
    phase, samples = 0.0, []
    for i in range(count):
        phase += 2 * math.pi * pitch * (1 + depth * math.sin(2 * math.pi * speed * i / RATE)) / RATE
        samples.append(math.sin(phase))
    return samples


def buzz(draw, count):
    step, place = draw.uniform(60, 180) / RATE, draw.random()
    return [2 * ((place + i * step) % 1) - 1 for i in range(count)]


def hiss(draw, count):
    smoothing, last, samples = draw.uniform(0, 0.6), 0.0, []
    for _ in range(count):
        last = smoothing * last + (1 - smoothing) * draw.uniform(-1, 1)
        samples.append(last)
    return samples


def clicks(draw, count):
    period, decay = int(RATE / draw.uniform(15, 40)), draw.uniform(0.9, 0.98)
    start, level, samples = draw.randrange(period), 0.0, []
    for i in range(count):
        level = 1.0 if (i + start) % period == 0 else -level * decay
        samples.append(level)
    return samples


def main():
    folder = pathlib.Path(sys.argv[1])
    each = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 5.0
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(1)
    lines = ["path\tsplit\ttags"]
    for kind in (whistle, buzz, hiss, clicks):
        for number in range(each):
            samples = kind(draw, int(seconds * RATE))
            loudness, room = draw.uniform(0.1, 0.8), draw.uniform(0, 0.02)
            samples = [loudness * x + room * draw.uniform(-1, 1) for x in samples]
            name = f"{kind.__name__}-{number}.wav"
            with wave.open(str(folder / name), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                whole = (int(32767 * max(-1.0, min(1.0, x))) for x in samples)
                file.writeframes(b"".join(struct.pack("<h", x) for x in whole))
            split = "train" if number % 5 < 3 else "valid" if number % 5 == 3 else "test"
            lines.append(f"{name}\t{split}\t{kind.__name__}")
    (folder / "manifest.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
