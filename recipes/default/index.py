"""What has been made: a line of JSON a sound, in WORK/index."""

import json
import os

SOLOS = 6  # Pieces of a family in training's manifest: with all that valid has, thresholds would be set for solos.


def _path(work, name):
    return os.path.join(work, "index", name + ".ndjson")


def read_index(work, name):
    with open(_path(work, name)) as file:
        return [json.loads(line) for line in file]


def write_index(work, name, lines):
    """Whole or not at all; returns where."""
    target = _path(work, name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target + ".part", "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    os.rename(target + ".part", target)
    return target


def to_compare(line):
    """Whether a sound is one of valid's solos that only models are compared by."""
    place = line["path"].rsplit("/", 1)[1].removesuffix(".flac").split("-")
    return line["split"] == "valid" and place[0] == "solo" and int(place[-1]) >= SOLOS
