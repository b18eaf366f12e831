#!/usr/bin/env python3
"""Puts the corpus, rendered music, everything that is no music and the degraded copies into manifests.

    assemble.py WORK CORPUS

Writes, into WORK, manifest.tsv (train, valid and the corpus's test split), test-solo.tsv and test-room.tsv (solos of the
soundfont that is held out: as rendered, and in a room at 20 dB), test-nonmusic.tsv (an hour without music) and
test-speech-music.tsv. Columns `kind` and `family` are
for reading; wavetag passes over them.
"""

import csv
import glob
import json
import os
import sys

import numpy

from instruments import TAGS

WINDOW = 59049 / 22050
# Of the corpus's 50 tags, those with at least 20 positive windows in a split or well rendered; voices are left out (the
# corpus has next to none), and so are doubles (beats, choral) and pop. Three are added.
KEPT = ["techno", "electronic", "drums", "fast", "beat", "guitar", "slow", "synth", "classical", "ambient", "strings",
        "violin", "rock", "piano", "flute", "loud", "indian", "quiet", "sitar", "dance", "cello", "metal", "harp", "choir",
        "harpsichord"]
ADDED = ["silence", "speech", "noise"]
SILENT = -60  # dB of full scale, root mean square of a window


def read(work, name):
    path = os.path.join(work, "index", name + ".ndjson")
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [json.loads(line) for line in file]


def teacher(work, name):
    """The teacher's opinions by path, and its tags."""
    values, tags = {}, []
    for path in sorted(glob.glob(os.path.join(work, "index", f"teacher-{name}.*.npz"))):
        with numpy.load(path) as file:
            values |= {key: file[key] for key in file.files}
        tags = [str(tag) for tag in values.pop("tags")]
    return values, tags


def typical(lines, opinions):
    """The mean opinion of pieces of a kind and family, for a piece that the teacher hasn't heard."""
    heard = {}
    for line in lines:
        if line["path"] in opinions:
            heard.setdefault((line["kind"], line["family"]), []).append(opinions[line["path"]].mean(0))
    return {key: numpy.mean(values, 0) for key, values in heard.items()}


def music_labels(line, index, opinion):
    """What is said of a window of rendered music: construction first, then the teacher within reason."""
    made = line["labels"][index]
    labels = dict.fromkeys(KEPT + ADDED, 0.0)
    if line["level"][index] < SILENT:
        return labels | {"silence": 1.0}
    if not made:
        return None  # A tail; nobody can say what of.
    for tag in KEPT:
        if tag in opinion:
            labels[tag] = float(opinion[tag])
    drums, synth = made["drums"] > 0, made["synth"] > 0
    if not drums:
        for tag, most in (("beat", 0.1), ("rock", 0.15), ("metal", 0.1), ("dance", 0.05)):
            labels[tag] = min(labels[tag], most)
        if not synth:
            labels["techno"] = min(labels["techno"], 0.05)
            labels["electronic"] = min(labels["electronic"], 0.2)
    if made["sitar"]:
        labels["indian"] = max(labels["indian"], 0.6)
    else:
        labels["indian"] = min(labels["indian"], 0.1)
    if line["kind"] == "electronic" and (drums or synth):
        style = line["style"]
        if style == "pads":
            more = {"electronic": 0.6, "ambient": 0.8}
        elif style in ("techno", "house", "minimal"):
            more = {"techno": 0.9, "electronic": 0.9, "beat": 0.5, "dance": 0.4}
        else:
            more = {"electronic": 0.9, "techno": 0.6, "beat": 0.4}
        if not drums:
            more = {"electronic": 0.7, "techno": 0.4}
        for tag, value in more.items():
            labels[tag] = max(labels[tag], value)
    if line["kind"] == "chamber":
        labels["classical"] = max(labels["classical"], 0.8)
    for tag in TAGS:
        labels[tag] = float(made.get(tag, 0))
    for tag, value in made.items():
        labels[tag] = float(value)
    return labels


def main():
    work, corpus = sys.argv[1:]
    rendered, nonmusic, degraded = read(work, "rendered"), read(work, "nonmusic"), []
    for name in ("degraded", "degraded-corpus", "degraded-rendered", "degraded-nonmusic", "degraded-room"):
        degraded += read(work, name)
    opinions, names = teacher(work, "rendered")
    link = os.path.join(work, "corpus")
    if not os.path.lexists(link):
        os.symlink(os.path.abspath(corpus), link)

    labels = {}  # of each path: a dictionary or None a window
    usual, unheard = typical(rendered, opinions), 0
    for line in rendered:
        values = opinions.get(line["path"])
        if values is None:
            unheard += line["split"] != "test"
            mean = usual.get((line["kind"], line["family"]))
            values = None if mean is None else numpy.tile(mean, (line["windows"], 1))
        labels[line["path"]] = [
            music_labels(line, index, dict(zip(names, values[index])) if values is not None else {})
            for index in range(line["windows"])]
    if unheard:
        print(f"{unheard} pieces to train with were not heard by the teacher; their kind's mean stands for it",
              file=sys.stderr)
    for line in nonmusic:
        result = []
        for index in range(line["windows"]):
            said = dict.fromkeys(KEPT + ADDED, 0.0)
            if "bed" in line and labels.get(line["bed"]):
                said |= labels[line["bed"]][index] or {}
                said["silence"] = 0.0
            said |= line["labels"][index]
            if line["level"][index] < SILENT:
                said = dict.fromkeys(KEPT + ADDED, 0.0) | {"silence": 1.0}
            result.append(said)
        labels[line["path"]] = result
    facts = {line["path"]: line for line in rendered + nonmusic}

    with open(os.path.join(corpus, "manifest.tsv"), newline="") as file:
        corpus_rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    of_track = {}
    for row in corpus_rows:
        of_track.setdefault(row["path"], []).append(row)

    def corpus_labels(row):
        return {tag: float(row[f"tag:{tag}"]) for tag in KEPT} | dict.fromkeys(ADDED, 0.0)

    rows = [("corpus/" + row["path"], row["split"], float(row["start"]), corpus_labels(row), "corpus", "")
            for row in corpus_rows]
    room, replaced = [], set()

    def heard(said, line, index, clean=None):
        """Labels of a degraded window, from the clean one's; `clean`: levels of the clean windows."""
        if said is None:
            return None
        said, ratio, level = dict(said), line["ratio"], line["level"][index]
        if clean and ratio < 90:
            # Noise was added at a ratio to the whole sound; a soft window has less.
            mean = 10 * numpy.log10(numpy.mean(10 ** (numpy.array(clean) / 10)))
            if said["silence"] < 0.5:
                ratio += clean[index] - mean
                if ratio < -6:
                    return None
        if level < SILENT - 6:
            return dict.fromkeys(said, 0.0) | {"silence": 1.0}
        if said["silence"] >= 0.5:
            # A pause, in which now only what was added is heard.
            return dict.fromkeys(said, 0.0) | ({"noise": 1.0} if ratio < 45 and level > SILENT else {"silence": 1.0})
        if ratio < 5:
            said["noise"] = 1.0
        elif ratio < 10:
            said["noise"] = max(said["noise"], 0.5)
        return said

    for line in degraded:
        if line["of"] == "corpus":
            windows = of_track[line["original"]][line["at"] : line["at"] + line["windows"]]
            for index, row in enumerate(windows):
                rows.append((line["path"], "train", index * WINDOW, heard(corpus_labels(row), line, index),
                             "corpus degraded", ""))
            continue
        fact = facts.get(line["original"])
        if not fact:
            continue
        to = room if line["path"].startswith("degraded/room/") else rows
        if to is rows:
            replaced.add(line["original"])
        for index in range(line["windows"]):
            to.append((line["path"], line["split"], index * WINDOW, heard(labels[line["original"]][index], line, index,
                                                                               fact["level"]),
                       fact["kind"] + " degraded", fact["family"]))
    solo, quiet, over = [], [], []
    for line in rendered + nonmusic:
        if line["path"] in replaced:
            continue
        to = rows
        if line["split"] == "test":
            to = {"solo": solo, "speech_music": over}.get(line["kind"], quiet if line in nonmusic else [])
        for index in range(line["windows"]):
            to.append((line["path"], line["split"], index * WINDOW, labels[line["path"]][index], line["kind"],
                       line["family"]))
    # Where solos are judged, something has to sound.
    sounding = {(row[0].split("/", 1)[1], round(row[2], 3)) for row in solo if row[3] and not row[3]["silence"]}
    solo = [row for row in solo if (row[0].split("/", 1)[1], round(row[2], 3)) in sounding]
    room = [row for row in room if (row[0].split("/", 2)[2], round(row[2], 3)) in sounding]
    for name, content in (("manifest", rows), ("test-solo", solo), ("test-room", room), ("test-nonmusic", quiet),
                          ("test-speech-music", over)):
        write(os.path.join(work, name + ".tsv"), content)


def write(path, rows):
    rows = [row for row in rows if row[3] is not None]
    tags = KEPT + ADDED
    with open(path + ".part", "w") as file:
        file.write("\t".join(["path", "split", "start", "length", "kind", "family"] + [f"tag:{tag}" for tag in tags]) + "\n")
        for name, split, start, said, kind, family in rows:
            values = [f"{min(1, max(0, said[tag])):.3f}".rstrip("0").rstrip(".") for tag in tags]
            file.write("\t".join([name, split, f"{start:.6f}", "2.677959", kind, family] + values) + "\n")
    os.rename(path + ".part", path)
    splits = {split: sum(row[1] == split for row in rows) for split in ("train", "valid", "test")}
    print(f"{path}: " + ", ".join(f"{count} {split}" for split, count in splits.items() if count))
    if rows:
        print("  " + ", ".join(f"{tag} " + "/".join(
            str(sum(row[3][tag] >= 0.3 for row in rows if row[1] == split)) for split in splits if splits[split])
            for tag in tags))


if __name__ == "__main__":
    main()
