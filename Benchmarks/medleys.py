#!/usr/bin/env python3
"""How well song changes are found: medleys of a data set's tracks, made up, cross-faded, and tagged.

    pip install numpy scipy soundfile
    python3 Benchmarks/medleys.py MANIFEST FOLDER --split test

MANIFEST is wavetag's (docs/datasets.md); paths in it count from FOLDER. Every medley is one unbroken stream: tracks
drawn without replacement, of each a stretch of 60 to 180 s, all equally loud, each faded into the next at equal power.
`wavetag tag --songs novelty` then says where songs end. A change counts as found where a song ends within 5 s of the
middle of the cross-fade, each end for one change at most. The same seed makes the same medleys.
"""

import argparse
import csv
import json
import math
import pathlib
import subprocess
import tempfile

import numpy as np
import scipy.signal
import soundfile

RATE = 22_050
WAVETAG = pathlib.Path(__file__).resolve().parent.parent / ".build/release/wavetag"
# What every track is brought to, as a station does: a change of level gives nothing away.
LEVEL = 0.1


def tracks(manifest, folder, splits, shortest):
    """Each track of a split once, if it is long enough."""
    with open(manifest, newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        paths = sorted({row["path"] for row in rows if row["split"] in splits})
    return [folder / path for path in paths if soundfile.info(folder / path).duration >= shortest]


def stretch(path, generator, shortest, longest):
    """A stretch of a track: mono, RATE, equally loud, without silence at its ends."""
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    sound = sound.mean(axis=1)
    block = rate // 50
    levels = np.square(sound[: len(sound) // block * block].reshape(-1, block)).mean(axis=1)
    loud = np.flatnonzero(levels > 1e-6)
    if len(loud) == 0:
        return None
    sound = sound[loud[0] * block : (loud[-1] + 1) * block]
    length = int(min(generator.uniform(shortest, longest) * rate, len(sound)))
    start = int(generator.integers(0, len(sound) - length + 1))
    divisor = math.gcd(RATE, rate)
    sound = scipy.signal.resample_poly(sound[start : start + length], RATE // divisor, rate // divisor)
    return sound * (LEVEL / max(1e-6, float(np.sqrt(np.square(sound).mean()))))


def join(parts, fade):
    """The parts one after the other, and where each change is, in seconds."""
    count = int(fade * RATE)
    rising = np.sin(np.linspace(0, np.pi / 2, count, dtype=np.float32))
    medley, changes = parts[0].copy(), []
    for part in parts[1:]:
        changes.append((len(medley) - count / 2) / RATE)
        overlap = medley[len(medley) - count :] * rising[::-1] + part[:count] * rising
        medley = np.concatenate([medley[: len(medley) - count], overlap, part[count:]])
    return medley, changes


def found_songs(path, wavetag, options):
    """Where songs end, in seconds, without the one that ends because the input does."""
    lines = subprocess.run(
        [wavetag, "tag", "--songs", "novelty", "--every", "86400", "--top", "0", *options, path], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    return [event["end"] / RATE for event in events if event["type"] == "song"][:-1]


def hits(found, changes, tolerance):
    """How many changes have an end of their own near them; both in order."""
    count, taken = 0, 0
    for change in changes:
        while taken < len(found) and found[taken] < change - tolerance:
            taken += 1
        if taken < len(found) and found[taken] <= change + tolerance:
            count, taken = count + 1, taken + 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--split", default="test", help="splits to draw tracks from, with commas between")
    parser.add_argument("--fades", default="0,2,5", help="seconds of the cross-fades")
    parser.add_argument("--medleys", type=int, default=6, help="medleys for each cross-fade")
    parser.add_argument("--tracks", type=int, default=10, help="tracks of a medley")
    parser.add_argument("--tolerance", type=float, default=5, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="folder to leave the medleys in, with their changes as JSON")
    parser.add_argument("--wavetag", default=WAVETAG, help="the program")
    parser.add_argument("--option", action="append", default=[], help="more for wavetag tag, for example --option=--hop=2187")
    arguments = parser.parse_args()

    shortest, longest = 60, 180
    all_tracks = tracks(arguments.manifest, arguments.folder, arguments.split.split(","), shortest)
    print(f"{len(all_tracks)} tracks of {shortest} s or more in {arguments.split}")
    print("fade  changes  found  hits  precision  recall  F1     mean error")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for fade in (float(text) for text in arguments.fades.split(",")):
            # Same tracks and stretches at every fade, so that fades compare.
            generator = np.random.default_rng(arguments.seed)
            total = np.zeros(3, dtype=int)
            errors = []
            for index in range(arguments.medleys):
                parts = []
                for choice in generator.permutation(len(all_tracks)):
                    part = stretch(all_tracks[choice], generator, shortest, longest)
                    if part is not None and len(part) > 2 * fade * RATE:
                        parts.append(part)
                    if len(parts) == arguments.tracks:
                        break
                medley, changes = join(parts, fade)
                path = folder / f"{arguments.split}-{fade:g}-{index}.wav"
                soundfile.write(path, medley, RATE, subtype="FLOAT")
                if arguments.keep:
                    path.with_suffix(".json").write_text(json.dumps(changes))
                found = found_songs(path, arguments.wavetag, arguments.option)
                total += np.array([len(changes), len(found), hits(found, changes, arguments.tolerance)])
                errors += [min(abs(change - end) for end in found) for change in changes if found]
                if not arguments.keep:
                    path.unlink()
            changes, found, hit = total
            precision, recall = hit / max(1, found), hit / max(1, changes)
            score = 2 * precision * recall / max(1e-9, precision + recall)
            near = [error for error in errors if error <= arguments.tolerance]
            print(
                f"{fade:3g} s  {changes:7d}  {found:5d}  {hit:4d}  {precision:9.3f}  {recall:6.3f}  {score:.3f}  "
                f"{np.mean(near) if near else math.nan:.1f} s"
            )


if __name__ == "__main__":
    main()
