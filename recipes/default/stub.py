#!/usr/bin/env python3
"""A corpus for the smoke run: a few rendered pieces under the names that assemble.py and degrade.py ask for.

    stub.py WORK CORPUS

Links rendered pieces with several instruments into CORPUS, and labels them by construction alone. What is learned of it
says nothing; it shows that every step runs, without gigabytes of music and without the teacher.
"""

import os
import sys

from index import read_index
from labels import KEPT
from sound import RATE, WINDOW


def main():
    work, corpus = sys.argv[1:]
    lines = [line for line in read_index(work, "rendered") if line["kind"] != "solo"]
    os.makedirs(corpus, exist_ok=True)
    rows = []
    for line in lines:
        path = line["path"].replace("/", "-")
        link = os.path.join(corpus, path)
        if not os.path.lexists(link):
            os.symlink(os.path.abspath(os.path.join(work, line["path"])), link)
        for index, made in enumerate(line["labels"]):
            values = [f"{made.get(tag, 0):g}" for tag in KEPT]
            rows.append([path, line["split"], f"{index * WINDOW / RATE:.4f}", f"{WINDOW / RATE:.6f}", *values])
    with open(os.path.join(corpus, "manifest.tsv"), "w") as file:
        file.write("\t".join(["path", "split", "start", "length"] + [f"tag:{tag}" for tag in KEPT]) + "\n")
        file.writelines("\t".join(row) + "\n" for row in rows)
    print(f"{corpus}: {len(lines)} pieces, {len(rows)} windows")


if __name__ == "__main__":
    main()
