#!/usr/bin/env python3
"""How good a model is: every figure that the default model is judged by, each with its interval.

    evaluate.py WORK [--wavetag PROGRAM] [--model FILE] [--out PREFIX] [--float-only]

Hears the test manifests that assemble.py writes into WORK, and writes PREFIX.md and PREFIX.json (or the table to
standard output). Intervals are of 95 %, by a bootstrap over sounds. The test split is for a model that is released:
choose by the valid split.

A window's family is the likeliest of the family tags that the model has; violin and cello count as strings. A piece's
is that of the mean of its windows. Windows are what is judged: they are what a listener is shown. The held-out
soundfont's harpsichord isn't held out: one that trains has the same recordings (shared_recordings.py). So it isn't judged,
and told apart.
"""

import argparse
import json
import os
import struct
import subprocess

import numpy

from instruments import FAMILIES
from labels import ADDED, BUILT
from metrics import Ranking, by_sound, calibration_error, interval, share
from predictions import predict, read_manifest

POSITIVE = 0.3
USUAL_THRESHOLD = 0.5
FAMILY_TAGS = {family: family for family in FAMILIES} | {"violin": "strings", "cello": "strings"}
NOT_HELD_OUT = "harpsichord"
# What is measured, the least that is wanted of it, and what is hoped for.
ROWS = [
    ("roc_auc_windows", "macro ROC-AUC, corpus, by window", 0.905, 0.935),
    ("roc_auc_songs", "macro ROC-AUC, corpus, by song", 0.925, 0.955),
    ("family_solo", "family of solos, held-out soundfont", 0.80, 0.90),
    ("family_room", "family in a room, at 20 dB", 0.70, 0.85),
    ("false_alarms", "false alarms without music", 0.02, 0.005),
    ("calibration_error", "expected calibration error, corpus", 0.05, 0.03),
    ("int8_loss", "ROC-AUC lost in 8 bits, by window", 0.005, 0.002),
]
SHARES = {"family_solo", "family_room", "false_alarms"}
MORE = [
    ("family_solo_pieces", "family of solos, by piece"),
    ("family_room_pieces", "family in a room, by piece"),
    ("family_solo_all", "family of solos, the harpsichord too"),
    ("family_room_all", "family in a room, the harpsichord too"),
    ("false_alarms_at_half", "false alarms where every threshold is 0.5"),
    ("calibration_error_positives", "expected calibration error, a label of 0.3 being a positive"),
    ("calibration_error_all", "expected calibration error, all tags together"),
    ("int8_loss_songs", "ROC-AUC lost in 8 bits, by song"),
]


def thresholds(model, tags):
    """Of the model's tags, as its file has them."""
    with open(model, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    known = json.loads(header["__metadata__"]["config"]).get("thresholds", {})
    return numpy.array([known.get(tag, USUAL_THRESHOLD) for tag in tags])


def ranking(heard, least):
    return Ranking(heard.scores, heard.labels, POSITIVE, least)


def songs(heard, least):
    return Ranking(by_sound(heard.scores, heard.sounds), by_sound(heard.labels, heard.sounds), POSITIVE, least)


def families(heard):
    """Accuracy by window and by piece, and of each family by window."""
    columns = [index for index, tag in enumerate(heard.tags) if tag in FAMILY_TAGS]
    names = numpy.array([FAMILY_TAGS[heard.tags[column]] for column in columns])
    truth = numpy.array([row["family"] for row in heard.rows])
    right = names[heard.scores[:, columns].argmax(1)] == truth
    said = names[by_sound(heard.scores[:, columns], heard.sounds).argmax(1)]
    of_piece = truth[numpy.unique(heard.sounds, return_index=True)[1]]
    pieces = numpy.arange(len(of_piece))
    return (share(right, heard.sounds), share(said == of_piece, pieces),
            {family: share(right[truth == family], numpy.unique(heard.sounds[truth == family], return_inverse=True)[1])
             for family in FAMILIES if (truth == family).any()})


def false_alarms(heard, limits):
    """The share of windows in which any tag but those of ADDED reaches its threshold, and each tag's own share."""
    music = [index for index, tag in enumerate(heard.all_tags) if tag not in ADDED]
    reached = heard.everything[:, music] >= limits[music]
    of_tag = {heard.all_tags[index]: float(reached[:, place].mean()) for place, index in enumerate(music)}
    kinds = numpy.array([row["kind"] for row in heard.rows])
    of_kind = {kind: float(reached[kinds == kind].any(1).mean()) for kind in sorted(set(kinds))}
    return (share(reached.any(1), heard.sounds), {tag: value for tag, value in of_tag.items() if value},
            {kind: value for kind, value in of_kind.items() if value})


def tag_areas(heard, least):
    """ROC-AUC by window, and positives, of the tags that have enough of them."""
    areas = ranking(heard, least)
    return {heard.tags[tag]: interval(lambda weights, tag=tag: areas.of_tag(tag, weights), heard.sounds)
            | {"positives": int(areas.positive[:, tag].sum())} for tag in areas.tags}


def program_says(arguments, manifest):
    """`wavetag evaluate`'s macro ROC-AUC by window and by song: the same figures by another way."""
    command = [arguments.wavetag, "evaluate", "--model", arguments.model, "--data", manifest, "--split", "test",
               "--positive", str(POSITIVE), "--least", str(arguments.least), "--least-songs",
               str(arguments.least_songs), "--json"]
    said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {"roc_auc_windows": said["windows"]["roc_auc"], "roc_auc_songs": said["songs"]["roc_auc"],
            "sha256": said["sha256"]}


def measure(arguments):
    def hear(name, keep=lambda row: True, precision="float"):
        rows = read_manifest(os.path.join(arguments.work, name + ".tsv"), "test", keep)
        return predict(arguments.wavetag, arguments.model, rows, precision)

    def of_corpus(row):
        return row["kind"] == "corpus"

    corpus, solo, room = hear("manifest", of_corpus), hear("test-solo"), hear("test-room")
    quiet, over = hear("test-nonmusic"), hear("test-speech-music")
    windows, of_songs = ranking(corpus, arguments.least), songs(corpus, arguments.least_songs)
    pieces = numpy.arange(corpus.sounds.max() + 1)
    figures = {"roc_auc_windows": interval(windows, corpus.sounds), "roc_auc_songs": interval(of_songs, pieces)}
    details = {"corpus": {"windows": len(corpus.rows), "songs": len(pieces), "tags_by_window": len(windows.tags),
                          "tags_by_song": len(of_songs.tags)},
               "wavetag_evaluate": program_says(arguments, os.path.join(arguments.work, "manifest.tsv"))}
    for name, heard in (("solo", solo), ("room", room)):
        figures[f"family_{name}_all"], _, details[f"family_{name}"] = families(heard)
        figures[f"family_{name}"], figures[f"family_{name}_pieces"], _ = families(held_out(heard))
    limits = thresholds(arguments.model, quiet.all_tags)
    figures["false_alarms"], details["false_alarms_by_tag"], details["false_alarms_by_kind"] = \
        false_alarms(quiet, limits)
    figures["false_alarms_at_half"] = false_alarms(quiet, numpy.full(len(limits), USUAL_THRESHOLD))[0]

    def error(labels):
        return lambda weights: float(numpy.mean([
            calibration_error(corpus.scores[:, tag], labels[:, tag], weights) for tag in windows.tags]))

    def error_of_all(weights):
        return calibration_error(corpus.scores.ravel(), corpus.labels.ravel(), numpy.repeat(weights, len(corpus.tags)))

    figures["calibration_error"] = interval(error(corpus.labels), corpus.sounds)
    figures["calibration_error_positives"] = interval(error(windows.positive.astype(float)), corpus.sounds)
    figures["calibration_error_all"] = interval(error_of_all, corpus.sounds)
    if not arguments.float_only:
        eight = hear("manifest", of_corpus, "int8")
        other, other_songs = ranking(eight, arguments.least), songs(eight, arguments.least_songs)
        figures["int8_loss"] = interval(lambda weights: windows(weights) - other(weights), corpus.sounds)
        figures["int8_loss_songs"] = interval(lambda weights: of_songs(weights) - other_songs(weights), pieces)
        details["int8_mean_difference"] = float(numpy.abs(eight.everything - corpus.everything).mean())
    details["tags_corpus"] = tag_areas(corpus, arguments.least)
    details["tags_rendered"] = {
        tag: area for tag, area in tag_areas(together(solo, quiet, over), arguments.least).items() if tag in BUILT}
    return {"model": os.path.basename(arguments.model), "tags": quiet.all_tags, "figures": figures, **details}


def held_out(heard):
    """Without solos of what was trained with too."""
    kept = [index for index, row in enumerate(heard.rows) if row["family"] != NOT_HELD_OUT]
    return type(heard)([heard.rows[index] for index in kept], heard.all_tags, heard.everything[kept])


def together(*parts):
    first = parts[0]
    return type(first)([row for part in parts for row in part.rows], first.all_tags,
                       numpy.concatenate([part.everything for part in parts]))


def table(result):
    """Markdown."""
    figures, lines = result["figures"], ["| what | bar | goal | measured | 95 % interval |", "|---|---|---|---|---|"]

    def cells(name, figure):
        if name.removesuffix("_pieces").removesuffix("_all") in SHARES or name == "false_alarms_at_half":
            return [f"{100 * figure[key]:.1f} %" for key in ("value", "low", "high")]
        return [f"{figure[key]:.4f}" for key in ("value", "low", "high")]

    for name, what, bar, goal in ROWS:
        if name in figures:
            value, low, high = cells(name, figures[name])
            bar, goal = ((f"{100 * number:g} %" if name in SHARES else f"{number:g}") for number in (bar, goal))
            lines.append(f"| {what} | {bar} | {goal} | {value} | {low} to {high} |")
    for name, what in MORE:
        if name in figures:
            value, low, high = cells(name, figures[name])
            lines.append(f"| {what} | | | {value} | {low} to {high} |")
    corpus, rendered = result["tags_corpus"], result["tags_rendered"]
    lines += ["", "| tag | ROC-AUC, corpus | positives | ROC-AUC, rendered | positives |", "|---|---|---|---|---|"]
    for tag in result["tags"]:
        row = [tag]
        for areas in (corpus, rendered):
            row += [f"{areas[tag]['value']:.3f} ({areas[tag]['low']:.3f} to {areas[tag]['high']:.3f})",
                    str(areas[tag]["positives"])] if tag in areas else ["", ""]
        if tag in corpus or tag in rendered:
            lines.append("| " + " | ".join(row) + " |")
    lines += ["", "| family, by window | held-out soundfont | in a room |", "|---|---|---|"]
    for family, solo in result["family_solo"].items():
        room = result["family_room"].get(family)
        lines.append(f"| {family} | {100 * solo['value']:.0f} % | "
                     + (f"{100 * room['value']:.0f} % |" if room else "|"))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", help="the folder of the manifests")
    parser.add_argument("--wavetag", default="wavetag", help="the program")
    parser.add_argument("--model", required=True)
    parser.add_argument("--least", type=int, default=20, help="positive windows that a tag needs")
    parser.add_argument("--least-songs", type=int, default=5, help="positive songs that a tag needs")
    parser.add_argument("--float-only", action="store_true", help="the model has no 8 bits")
    parser.add_argument("--out", help="prefix of the files to write")
    arguments = parser.parse_args()
    result = measure(arguments)
    text = table(result)
    if arguments.out:
        for ending, content in ((".md", text), (".json", json.dumps(result, indent=1) + "\n")):
            with open(arguments.out + ending, "w") as file:
                file.write(content)
    print(text, end="")


if __name__ == "__main__":
    main()
