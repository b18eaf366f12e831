#!/usr/bin/env python3
"""A microphone is not a file: copies of sounds as rooms, microphones, cheap codecs and bad cables leave them.

    degrade.py WORK CORPUS [--corpus-windows 4700] [--jobs 2]

Of the corpus's training tracks: runs of windows, each through a chain of its own, to WORK/degraded/corpus. Of rendered
and other sounds in the index: a share, to WORK/degraded/rendered and so on. Of solos to train with a copy each in a room
of its own, at 10 to 35 dB, WORK/degraded/rooms; of valid's solos and the held-out soundfont's one at 20 dB,
WORK/degraded/room.
WORK/index/degraded.ndjson says what became of what, with the ratio of signal to noise, for the labels.
"""

import argparse
import csv
import multiprocessing
import os
import random

import numpy

from chain import chain, room_response, with_noise, with_room
from index import read_index, to_compare, write_index
from sound import RATE, WINDOW, fit, generator, levels, load, write


def make(job):
    work, line = job
    chance = generator(line["path"])
    count = line["windows"]
    target = os.path.join(work, line["path"])
    try:
        sound = load(line["source"], line.get("from", 0.0), count * WINDOW / RATE)
    except Exception:
        return None
    sound = fit(sound, count * WINDOW)
    if sound.std() < 1e-5:
        return None
    if line["path"].startswith(("degraded/room/", "degraded/rooms/")):
        ratio = 20 if line["path"].startswith("degraded/room/") else round(float(chance.uniform(10, 35)), 1)
        sound = with_room(sound, room_response(chance))
        sound = with_noise(chance, sound, ratio)
        sound, line["ratio"] = sound / numpy.abs(sound).max() * 10 ** (chance.uniform(-24, -3) / 20), ratio
    else:
        sound, line["ratio"] = chain(chance, sound)
        line["ratio"] = round(float(line["ratio"]), 1)
    if not os.path.exists(target):
        write(target, sound)
    line["level"] = levels(sound, count)
    return line


def plan(arguments):
    """What to make: a list of lines of the index."""
    jobs = []
    with open(os.path.join(arguments.corpus, "manifest.tsv"), newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row["split"] == "train"]
    runs = {}
    for row in rows:
        runs.setdefault(row["path"], []).append(row)
    pieces = []
    for path, windows in runs.items():
        for at in range(0, len(windows), 12):
            pieces.append((path, at, windows[at : at + 12]))
    random.Random("wavetag corpus").shuffle(pieces)
    left = arguments.corpus_windows
    for path, at, windows in pieces:
        if left <= 0:
            break
        left -= len(windows)
        name = path.replace("/", "_").rsplit(".", 1)[0]
        jobs.append({"path": f"degraded/corpus/{name}-{at}.flac", "split": "train", "of": "corpus", "original": path,
                     "source": os.path.join(arguments.corpus, path), "from": float(windows[0]["start"]), "at": at,
                     "windows": len(windows)})
    for index in ("rendered", "nonmusic"):
        for line in read_index(arguments.work, index):
            source = os.path.join(arguments.work, line["path"])
            base = {"split": line["split"], "of": index, "original": line["path"], "source": source,
                    "windows": line["windows"]}
            place = line["path"].split("/", 1)[1]
            lot = random.Random("wavetag lot " + line["path"]).random()
            musical = index == "rendered" or line["kind"].startswith("speech")
            if line["split"] != "test" and musical and lot < arguments.share and not to_compare(line):
                jobs.append({"path": f"degraded/{index}/{place}"} | base)
            if index == "rendered" and line["kind"] == "solo":
                folder = "rooms" if line["split"] == "train" else "room"
                jobs.append({"path": f"degraded/{folder}/{place}"} | base)
    return jobs


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work")
    parser.add_argument("corpus", help="the corpus's folder, with manifest.tsv")
    parser.add_argument("--corpus-windows", type=int, default=4700)
    parser.add_argument("--share", type=float, default=0.6, help="of rendered pieces and speech that are degraded")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    jobs = plan(arguments)
    with multiprocessing.Pool(arguments.jobs) as pool:
        lines = [line for line in pool.imap_unordered(make, [(arguments.work, job) for job in jobs], 4) if line]
    for line in lines:
        del line["source"]
    lines.sort(key=lambda line: line["path"])
    target = write_index(arguments.work, "degraded", lines)
    print(f"{target}: {len(lines)} sounds, {sum(line['windows'] for line in lines)} windows, "
          f"{len(jobs) - len(lines)} could not be read or are silent")


if __name__ == "__main__":
    main()
