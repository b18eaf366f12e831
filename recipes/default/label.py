#!/usr/bin/env python3
"""The teacher's labels of music that the corpus hasn't: how more-labels.tsv.xz was made.

    label.py CORPUS MORE OUT [PART/PARTS]     CORPUS: of corpus.py; MORE: packages' music, a folder each

Of tracks of half a minute and more at most the 32 windows in the middle: other tracks teach more than more of the same.
A track that is in the corpus's valid or test split, by its spectrum, is left out: nothing that judges may be trained
with. So is one that MORE has twice. Writes the lines of more-labels.tsv.xz to OUT; parts follow each other.
"""

import csv
import glob
import os
import sys

import numpy
import soundfile

from corpus import SOUNDS
from teacher import HOP, RATE, WINDOW, Teacher, log_mel, patches

LEAST, MOST = 11, 32  # Windows of a track.


def tracks(folder):
    return sorted(path for path in glob.glob(os.path.join(glob.escape(folder), "**", "*"), recursive=True)
                  if path.endswith(SOUNDS))


def outline(mel):
    """Loudness of eight bands every half second: enough to know a recording again."""
    rows = RATE // HOP // 2
    length = len(mel) // rows
    return mel[: length * rows].reshape(length, rows, 8, -1).mean((1, 3))


def likeness(one, other):
    """The correlation of two outlines over what both have, at the best of shifts by up to three seconds."""
    best = 0.0
    for shift in range(-6, 7):
        left, right = one[max(0, shift):], other[max(0, -shift):]
        length = min(len(left), len(right))
        if length < 20:
            continue
        left, right = left[:length] - left[:length].mean(0), right[:length] - right[:length].mean(0)
        best = max(best, float((left * right).sum() / numpy.sqrt((left**2).sum() * (right**2).sum() + 1e-9)))
    return best


def main():
    corpus, more, out = sys.argv[1:4]
    part, parts = map(int, (sys.argv[4] if len(sys.argv) > 4 else "0/1").split("/"))
    with open(os.path.join(corpus, "manifest.tsv"), newline="") as file:
        held_out = sorted({row["path"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
                           if row["split"] != "train"})
    known = [(path, outline(log_mel(os.path.join(corpus, path)))) for path in held_out]
    print(f"{len(known)} tracks are held out", file=sys.stderr, flush=True)
    teacher = Teacher()
    packages = sorted(entry.name for entry in os.scandir(more) if entry.is_dir() and not entry.name.endswith(".part"))
    with open(out, "w") as file:
        if part == 0:
            file.write("\t".join(["path", "split", "start", *(f"tag:{tag}" for tag in teacher.tags)]) + "\n")
        for package in packages[part::parts]:
            windows = 0
            for track in tracks(os.path.join(more, package)):
                try:
                    length = soundfile.info(track).duration
                except soundfile.LibsndfileError:
                    continue
                whole = int(length / WINDOW)
                if whole < LEAST:
                    continue
                path, mel = os.path.relpath(track, more), log_mel(track)
                of_track = outline(mel)
                like = max(((likeness(of_track, other), name) for name, other in known), default=(0, ""))
                if like[0] > 0.8:
                    print(f"{path}: is {like[1]} ({like[0]:.2f}), left out", file=sys.stderr, flush=True)
                    continue
                known.append((path, of_track))
                count, first = min(MOST, whole), max(0, whole - MOST) // 2
                said = teacher.opinion(patches(mel, count, first))
                for index, values in enumerate(said):
                    start = f"{(first + index) * WINDOW:.3f}"
                    thousandths = [str(round(1000 * float(value))) for value in values]
                    begin = [path, "train"] if index == 0 else ["", ""]
                    file.write("\t".join([*begin, start, *thousandths]) + "\n")
                windows += count
            print(f"{package}: {windows} windows", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
