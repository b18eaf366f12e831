#!/usr/bin/env python3
"""What stages and recipes are compared by: families of valid's solos, as they are and in a room, and ROC-AUC of valid's
game music.

    families.py WORK WAVETAG MODEL...
"""

import os
import sys

import numpy

from evaluate import families, ranking, songs
from instruments import FAMILIES
from metrics import interval
from predictions import predict, read_manifest

LEAST, LEAST_SONGS = 20, 3


def solos(work):
    """Rows of valid's solos that have a family: as they are, and in a room."""
    def of_family(row):
        return row["kind"].startswith("solo") and row["family"] in FAMILIES

    return [read_manifest(os.path.join(work, name), "valid", of_family) for name in ("valid-solo.tsv", "valid-room.tsv")]


def main():
    work, wavetag, *models = sys.argv[1:]
    clean, room = solos(work)
    corpus = read_manifest(os.path.join(work, "manifest.tsv"), "valid", lambda row: row["kind"] == "corpus")
    for model in models:
        by_window, by_piece, _ = families(predict(wavetag, model, clean))
        room_window, room_piece, _ = families(predict(wavetag, model, room))
        heard = predict(wavetag, model, corpus)
        pieces = numpy.arange(heard.sounds.max() + 1)
        print(f"{model}: family by window {100 * by_window['value']:.1f} %, by piece {100 * by_piece['value']:.1f} %; "
              f"in a room {100 * room_window['value']:.1f} %, by piece {100 * room_piece['value']:.1f} %; "
              f"ROC-AUC by window {interval(ranking(heard, LEAST), heard.sounds)['value']:.4f}, "
              f"by song {interval(songs(heard, LEAST_SONGS), pieces)['value']:.4f}", flush=True)


if __name__ == "__main__":
    main()
