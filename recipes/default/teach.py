#!/usr/bin/env python3
"""A teacher's opinion of rendered music, for the tags that construction can't decide (slow, ambient, classical, ...).

    teach.py WORK INDEX [PART/PARTS]        INDEX: a name below WORK/index, without .ndjson

The teacher is asked as for the corpus (`teacher.py`). Writes WORK/index/teacher-INDEX.PART.npz: an array [windows, 50]
for each path, and the tags' names. What is there is kept, so a run that was stopped goes on.
"""

import os
import random
import sys

import numpy

from index import read_index
from teacher import Teacher, log_mel, patches


def is_asked(line):
    """Of the many solos to train with a tenth; their kind's mean stands for the others (`assemble.py`)."""
    return line["split"] != "train" or line["kind"] != "solo" or random.Random(line["path"]).random() < 0.1


def main():
    work, name = sys.argv[1:3]
    part, parts = map(int, (sys.argv[3] if len(sys.argv) > 3 else "0/1").split("/"))
    teacher = Teacher()
    target = os.path.join(work, "index", f"teacher-{name}.{part}.npz")
    known = {}
    if os.path.exists(target):
        with numpy.load(target) as old:
            known = {key: old[key] for key in old.files}
    known["tags"] = numpy.array(teacher.tags)
    lines = read_index(work, name)
    # What is trained with first, and of that what construction says least about; solos in any order, so that a run that
    # is stopped has heard some of every family.
    lines.sort(key=lambda line: (line["split"] == "test", line["kind"] == "solo", random.Random(line["path"]).random()))
    lines = [line for line in lines[part::parts] if line["path"] not in known and is_asked(line)]

    def keep():
        with open(target + ".part", "wb") as file:
            numpy.savez(file, **known)
        os.rename(target + ".part", target)

    batch, owners = [], []
    for number, line in enumerate(lines):
        batch.append(patches(log_mel(os.path.join(work, line["path"])), line["windows"]))
        owners.append((line["path"], line["windows"]))
        if len(owners) == 8 or number == len(lines) - 1:
            values = teacher.opinion(numpy.concatenate(batch))
            at = 0
            for path, count in owners:
                known[path] = values[at : at + count].astype("float32")
                at += count
            batch, owners = [], []
        if number % 40 == 39:
            keep()
            print(f"{name}: {number + 1} of {len(lines)}", file=sys.stderr, flush=True)
    keep()
    print(f"{target}: {len(known) - 1} sounds")


if __name__ == "__main__":
    main()
