#!/usr/bin/env python3
"""What is no music: silence, noises, hum, rooms, rain, clicks, beeps, effects; and speech, alone and over music.

    nonmusic.py WORK [--scale 1.0]

Writes WORK/nonmusic/SPLIT/*.flac and WORK/index/nonmusic.ndjson (see render.py). Splits differ in seeds, voices and,
for recorded speech and effects, in packages: test's voices speak in no other split.
"""

import argparse
import os

import numpy
import soundfile

from index import read_index, write_index
from noises import MAKERS
from sound import WINDOW, at_level, generator, levels, write
from voices import effects, speech

# Windows by split.
SHARES = {
    "train": {"silence": 120, "floor": 130, "white": 90, "coloured": 240, "hum": 170, "room": 180, "fan": 130,
              "rain": 130, "crackle": 100, "clicks": 70, "beeps": 420, "effects": 110, "speech": 480,
              "speech_music": 200},
    "valid": {"silence": 75, "floor": 75, "white": 60, "coloured": 120, "hum": 105, "room": 105, "fan": 75, "rain": 75,
              "crackle": 45, "clicks": 45, "beeps": 25, "effects": 15, "speech": 330, "speech_music": 40},
    # An hour: 1344 windows, and speech over music besides.
    "test": {"silence": 100, "floor": 100, "white": 90, "coloured": 150, "hum": 170, "room": 140, "fan": 90, "rain": 90,
             "crackle": 60, "clicks": 50, "beeps": 50, "speech": 260, "speech_music": 60},
}


def make(work, chance, split, kind, count, bed):
    """A sound of `count` windows and its labels; None where its package is not installed."""
    length = count * WINDOW
    if kind == "effects":
        return effects(chance, length, split)
    if kind in MAKERS:
        return MAKERS[kind](chance, length)
    made = speech(chance, length, split)
    if made and bed:
        under, _ = soundfile.read(os.path.join(work, bed["path"]), dtype="float32")
        sound = at_level(made[0], -20) + at_level(under[:length], -20 - chance.uniform(-3, 15))
        made = at_level(sound, chance.uniform(-32, -14)), {"speech": 1}
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the windows to make")
    arguments = parser.parse_args()
    work = arguments.work
    music = read_index(work, "rendered")
    lines, missing = [], 0
    for split, shares in SHARES.items():
        beds = [line for line in music if line["split"] == split and line["kind"] != "solo" and line["windows"] >= 4]
        for kind, windows in shares.items():
            left, number = round(windows * arguments.scale), 0
            while left > 0:
                name = f"nonmusic/{split}/{kind}-{number}"
                chance = generator(name)
                # Variety counts: noises are short, speech is longer.
                count = min(left, int(chance.integers(*((4, 9) if kind.startswith("speech") else (1, 4)))))
                number += 1
                left -= count
                bed = None
                if kind == "speech_music":
                    if not beds:
                        missing += count
                        continue
                    bed = beds[chance.integers(len(beds))]
                    count = min(count, bed["windows"])
                made = make(work, chance, split, kind, count, bed)
                if made is None:
                    missing += count
                    continue
                sound, labels = made
                path = name + ".flac"
                if not os.path.exists(os.path.join(work, path)):
                    write(os.path.join(work, path), sound)
                line = {"path": path, "split": split, "kind": kind, "family": "", "windows": count,
                        "level": levels(numpy.asarray(sound), count),
                        "labels": [{"silence": 1} if kind in ("silence", "floor") else labels] * count}
                if bed:
                    line["bed"] = bed["path"]
                lines.append(line)
    target = write_index(work, "nonmusic", lines)
    print(f"{target}: {len(lines)} sounds, {sum(line['windows'] for line in lines)} windows, {missing} windows missing")


if __name__ == "__main__":
    main()
