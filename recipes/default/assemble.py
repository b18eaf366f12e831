#!/usr/bin/env python3
"""Puts the corpus, rendered music, everything that is no music and the degraded copies into manifests.

    assemble.py WORK CORPUS

Writes into WORK:
manifest.tsv            train, valid, and the corpus's test split
valid-nonmusic.tsv      noise, hum, speech and silence of valid, for thresholds
valid-solo.tsv          valid's solos, to compare models by: manifest.tsv has the first few of each family
valid-room.tsv          the same in a room at 20 dB
test-solo.tsv           solos of the soundfont that is held out
test-room.tsv           the same in a room, at 20 dB
test-nonmusic.tsv       an hour without music
test-speech-music.tsv   speech over music
Columns `kind` and `family` are for evaluate.py; wavetag passes over them.
"""

import csv
import glob
import os
import sys
from collections import namedtuple

import numpy

from index import read_index, to_compare
from labels import ADDED, KEPT, corpus_labels, degraded_labels, music_labels, nonmusic_labels
from sound import RATE, WINDOW

SECONDS = WINDOW / RATE
TAGS = KEPT + ADDED
TONES = {"beeps", "clicks", "effects"}  # What may well be taken for an instrument says nothing about thresholds.
Row = namedtuple("Row", "path split start labels kind family")


def teacher(work, name):
    """The teacher's opinions by path, and its tags."""
    values, tags = {}, []
    for path in sorted(glob.glob(os.path.join(work, "index", f"teacher-{name}.*.npz"))):
        with numpy.load(path) as file:
            values |= {key: file[key] for key in file.files}
        of_file = [str(tag) for tag in values.pop("tags")]
        if tags not in ([], of_file):
            sys.exit(f"{path}: other tags than the files before it; a stand-in is instead of the teacher")
        tags = of_file
    return values, tags


def typical(lines, opinions):
    """The mean opinion of pieces of a kind and family, for a piece that the teacher hasn't heard."""
    heard = {}
    for line in lines:
        if line["path"] in opinions:
            heard.setdefault((line["kind"], line["family"]), []).append(opinions[line["path"]].mean(0))
    return {key: numpy.mean(values, 0) for key, values in heard.items()}


def of_rendered(work, rendered):
    """Labels of rendered pieces by path: a dictionary a window, or None where nothing can be said."""
    opinions, names = teacher(work, "rendered")
    usual, unheard, labels = typical(rendered, opinions), 0, {}
    for line in rendered:
        values = opinions.get(line["path"])
        if values is None:
            unheard += line["split"] != "test"
            mean = usual.get((line["kind"], line["family"]))
            values = None if mean is None else numpy.tile(mean, (line["windows"], 1))
        labels[line["path"]] = [
            music_labels(line, index, {} if values is None else dict(zip(names, values[index], strict=True)))
            for index in range(line["windows"])]
    if unheard:
        print(f"{unheard} pieces to train with were not heard by the teacher; their kind's mean stands for it",
              file=sys.stderr)
    return labels


def windows(line, labels, kind, family):
    """Rows of a sound, a window after the other."""
    return [Row(line["path"], line["split"], index * SECONDS, said, kind, family)
            for index, said in enumerate(labels)]


def main():
    work, corpus = sys.argv[1:]
    rendered, nonmusic, degraded = (read_index(work, name) for name in ("rendered", "nonmusic", "degraded"))
    link = os.path.join(work, "corpus")
    if not os.path.lexists(link):
        os.symlink(os.path.abspath(corpus), link)
    with open(os.path.join(corpus, "manifest.tsv"), newline="") as file:
        corpus_rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    of_track = {}
    for row in corpus_rows:
        of_track.setdefault(row["path"], []).append(row)

    labels = of_rendered(work, rendered)
    for line in nonmusic:
        under = labels.get(line.get("bed")) or [None] * line["windows"]
        labels[line["path"]] = [nonmusic_labels(line, index, under[index]) for index in range(line["windows"])]
    facts = {line["path"]: line for line in rendered + nonmusic}

    rows = [Row("corpus/" + row["path"], row["split"], float(row["start"]), corpus_labels(row), "corpus", "")
            for row in corpus_rows]
    room, room_valid, quiet_valid, replaced = [], [], [], set()  # Of valid each sound stands once, as it is or degraded.
    for line in degraded:
        if line["of"] == "corpus":
            clean = of_track[line["original"]][line["at"] : line["at"] + line["windows"]]
            said = [degraded_labels(corpus_labels(row), line, index) for index, row in enumerate(clean)]
            rows += windows(line, said, "corpus degraded", "")
            continue
        fact = facts[line["original"]]
        said = [degraded_labels(value, line, index, fact["level"])
                for index, value in enumerate(labels[line["original"]][: line["windows"]])]
        made = windows(line, said, fact["kind"] + " degraded", fact["family"])
        if line["path"].startswith("degraded/room/"):
            (room if line["split"] == "test" else room_valid).extend(made)
        else:
            rows += made
            if line["split"] == "valid":
                replaced.add(line["original"])
            if line["split"] == "valid" and fact["kind"] == "speech":
                quiet_valid += made
    solo, solo_valid, quiet, over = [], [], [], []
    of_test = {"solo": solo, "speech_music": over} | {
        line["kind"]: quiet for line in nonmusic if line["kind"] != "speech_music"}
    for line in rendered + nonmusic:
        made = windows(line, labels[line["path"]], line["kind"], line["family"])
        if line["split"] == "valid" and line["kind"] == "solo":
            solo_valid += made
        if line["path"] in replaced or to_compare(line):
            continue
        if line["split"] == "test":
            of_test.get(line["kind"], []).extend(made)
            continue
        rows += made
        if line["split"] == "valid" and of_test.get(line["kind"]) is quiet and line["kind"] not in TONES:
            quiet_valid += made
    # Where solos are judged, something has to sound.
    sounding = {(row.path.split("/", 1)[1], round(row.start, 3))
                for row in solo + solo_valid if row.labels and not row.labels["silence"]}

    def heard(rows, folders):
        return [row for row in rows if (row.path.split("/", folders)[folders], round(row.start, 3)) in sounding]

    solo, solo_valid, room, room_valid = heard(solo, 1), heard(solo_valid, 1), heard(room, 2), heard(room_valid, 2)
    for name, content in (("manifest", rows), ("valid-nonmusic", quiet_valid), ("valid-solo", solo_valid),
                          ("valid-room", room_valid), ("test-solo", solo), ("test-room", room), ("test-nonmusic", quiet),
                          ("test-speech-music", over)):
        write(os.path.join(work, name + ".tsv"), content)


def write(path, rows):
    rows = [row for row in rows if row.labels is not None]
    with open(path + ".part", "w") as file:
        file.write("\t".join(["path", "split", "start", "length", "kind", "family"]
                             + [f"tag:{tag}" for tag in TAGS]) + "\n")
        for row in rows:
            values = [f"{min(1, max(0, row.labels[tag])):.3f}".rstrip("0").rstrip(".") for tag in TAGS]
            fields = [row.path, row.split, f"{row.start:.6f}", "2.677959", row.kind, row.family]
            file.write("\t".join(fields + values) + "\n")
    os.rename(path + ".part", path)
    splits = {split: sum(row.split == split for row in rows) for split in ("train", "valid", "test")}
    print(f"{path}: " + ", ".join(f"{count} {split}" for split, count in splits.items() if count))


if __name__ == "__main__":
    main()
