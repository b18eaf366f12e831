#!/usr/bin/env python3
"""A model's opinion of rendered music in the place of the teacher's, for a run that hasn't hours for the teacher.

    stand_in.py WORK WAVETAG MODEL

Writes WORK/index/teacher-rendered.model.npz, as teach.py would for the model's tags, of every rendered piece but test's.
Run it instead of that (`make TEACHER=`), before assemble.py, which takes the one or the other. A model that learned from
the teacher repeats it, on sounds of the kind that it learned from; what construction decides stands over both
(`labels.py`).
"""

import os
import sys

import numpy

from index import read_index
from predictions import SECONDS, predict


def main():
    work, wavetag, model = sys.argv[1:]
    rows = [{"path": line["path"], "file": os.path.join(work, line["path"]), "start": str(index * SECONDS), "at": index,
             "windows": line["windows"]}
            for line in read_index(work, "rendered") if line["split"] != "test" for index in range(line["windows"])]
    heard = predict(wavetag, model, rows)
    opinions = {}
    for row, scores in zip(heard.rows, heard.everything, strict=True):
        opinions.setdefault(row["path"], numpy.zeros((row["windows"], len(heard.all_tags)), "float32"))[row["at"]] = scores
    target = os.path.join(work, "index", "teacher-rendered.model.npz")
    with open(target + ".part", "wb") as file:
        numpy.savez(file, tags=numpy.array(heard.all_tags), **opinions)
    os.rename(target + ".part", target)
    print(f"{target}: {len(opinions)} sounds")


if __name__ == "__main__":
    main()
