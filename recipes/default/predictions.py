"""What a model says of a manifest's windows, asked of `wavetag tag`."""

import csv
import json
import os
import subprocess
import tempfile

import numpy
import soundfile

from sound import RATE, WINDOW

SECONDS = WINDOW / RATE
FILES = 16  # a run of wavetag


class Predictions:
    """`rows` of a manifest, and [rows, tags] of probabilities and labels, over the tags that model and manifest have.

    `all_tags` and `everything` are the model's own, whether the manifest knows them or not.
    """

    def __init__(self, rows, all_tags, everything):
        self.rows, self.all_tags, self.everything = rows, all_tags, everything
        self.tags = [tag for tag in all_tags if f"tag:{tag}" in rows[0]]
        self.scores = everything[:, [all_tags.index(tag) for tag in self.tags]]
        self.labels = numpy.array([[float(row[f"tag:{tag}"]) for tag in self.tags] for row in rows])
        # Windows of a sound are much alike; a sound's number, for each window.
        self.sounds = numpy.unique([row["path"] for row in rows], return_inverse=True)[1]


def read_manifest(path, split, keep=lambda row: True):
    with open(path, newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
                if row["split"] == split and keep(row)]
    folder = os.path.dirname(os.path.abspath(path))
    return [row | {"file": os.path.join(folder, row["path"])} for row in rows]


def _on_grid(start):
    """The number of the window that begins there, if windows from a file's beginning on fall there."""
    index = round(start / SECONDS)
    return index if abs(start - index * SECONDS) < 0.001 else None


def _cut(source, start, count, target):
    """`count` windows of a file from `start` on, as a file of its own."""
    with soundfile.SoundFile(source) as file:
        rate = file.samplerate
        file.seek(min(round(start * rate), file.frames))
        sound = file.read(round((count * SECONDS + 0.05) * rate), dtype="float32", always_2d=True)
    # What the last window may lack of some samples.
    sound = numpy.concatenate([sound, numpy.zeros((round(0.05 * rate), sound.shape[1]), "float32")])
    soundfile.write(target, sound, rate, format="WAV", subtype="FLOAT")


def _tag(wavetag, model, precision, files):
    """Of each file {window: {tag: probability}}, the mean over the model's nets."""
    command = [wavetag, "tag", "--model", model, "--precision", precision, "--hop", str(WINDOW), "--songs", "off",
               "--detail", "nets", *files]
    result = []
    for line in subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines():
        event = json.loads(line)
        if event["type"] == "hello":
            result.append({})
        elif event["type"] == "tags":
            nets = [net["tags"] for net in event["nets"].values()]
            result[-1][event["position"] // WINDOW - 1] = {
                tag: sum(net[tag] for net in nets) / len(nets) for tag in nets[0]}
    if len(result) != len(files):
        raise RuntimeError(f"wavetag tag: {len(result)} of {len(files)} files")
    return result


def predict(wavetag, model, rows, precision="float"):
    """Asks for the windows of `rows` (see read_manifest); windows of a file follow each other."""
    of_file = {}
    for number, row in enumerate(rows):
        of_file.setdefault(row["file"], []).append((number, float(row["start"])))
    heard, files = {}, list(of_file.items())
    for at in range(0, len(files), FILES):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            names, places = [], []
            for file, windows in files[at : at + FILES]:
                indices = [_on_grid(start) for _, start in windows]
                if None in indices:
                    first = windows[0][1]
                    indices = [round((start - first) / SECONDS) for _, start in windows]
                    name = os.path.join(folder, f"{len(names)}.wav")
                    _cut(file, first, max(indices) + 1, name)
                    file = name
                names.append(file)
                places.append(indices)
            answers = _tag(wavetag, model, precision, names)
            for (_, windows), indices, answer in zip(files[at : at + FILES], places, answers, strict=True):
                for (number, _), index in zip(windows, indices, strict=True):
                    if index in answer:
                        heard[number] = answer[index]
    kept = [number for number in range(len(rows)) if number in heard]
    if len(kept) < 0.99 * len(rows):
        raise RuntimeError(f"{model}: heard {len(kept)} of {len(rows)} windows")
    tags = list(heard[kept[0]])
    return Predictions([rows[number] for number in kept], tags,
                       numpy.array([[heard[number][tag] for tag in tags] for number in kept]))
