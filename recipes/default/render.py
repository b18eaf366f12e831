#!/usr/bin/env python3
"""Renders music by script with the free soundfonts of Debian; soundfonts are split, as albums are.

    render.py WORK [--scale 1.0] [--jobs 2] [--font NAME]

Writes WORK/rendered/SPLIT/*.flac (22 050 Hz, mono, whole windows) and WORK/index/rendered.ndjson: a line a piece, with
the tags that construction decides in each window. Finished pieces are kept, so a run that was stopped goes on; those of
another version of this script are to be removed first.

FluidR3 and MuseScore's soundfont share recordings, and so do TimGM6mb and Csound's (their samples' names say so: 334
and 391 in common). So the first two train together with freepats and GeneralUser (67 names in common with MuseScore's);
TimGM6mb alone tests; Csound's, its relative, validates and never trains. Of Denemo's soundfont those instruments train
that have no recording in common with either, by name or by samples (shared_recordings.py). GeneralUser and freepats don't
play what they were found to have in common as sound (NOT_OF), but GeneralUser's harpsichord, which is TimGM6mb's, so that
evaluate.py judges without it, and its drum kits, of which a wood block, a bongo and a click are.
"""

import argparse
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile

import numpy
import scipy.signal
import soundfile

import pieces
import synthesiser
from index import write_index
from instruments import BY_PROGRAM, FAMILIES, TAGS, tags_of
from midi import DRUMS
from sound import RATE, WINDOW, generator

SOUNDFONTS = {
    "fluid": "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "mono": "/usr/share/sounds/sf3/FluidR3Mono_GM.sf3",
    # The lossless one where it is installed: the other is unpacked for every piece.
    "musescore": "/usr/share/sounds/sf3/MuseScore_General_Full.sf3",
    "generaluser": "/usr/share/minuet/soundfonts/GeneralUser-v1.47.sf2",
    "denemo": "/usr/share/sounds/sf2/A320U.sf2",
    "opl3": "/usr/share/sounds/sf2/OPL-3_FM_128M.sf2",
    "csound": "/usr/share/sounds/sf2/sf_GMbank.sf2",
    "timgm6mb": "/usr/share/sounds/sf2/TimGM6mb.sf2",
    "freepats": None,
    "synthesiser": None,
}
# Other sounds of a program, by bank, where they are the same instrument.
BANKS = {
    "musescore": {0: [8], 4: [8], 5: [8], 6: [8], 25: [8], 26: [8], 28: [8], 30: [8], 38: [8], 39: [8], 40: [8],
                  44: [20, 25], 45: [20, 25], 48: [20, 25], 49: [20, 25], 50: [8], 62: [8], 80: [8], 81: [20]},
    "generaluser": {4: [8], 5: [8], 6: [8], 25: [8], 26: [8], 27: [8, 12], 28: [8], 38: [1, 8, 11, 12],
                    39: [8, 11], 44: [1], 48: [1], 49: [1, 11, 12], 50: [8], 51: [11], 52: [1], 62: [8],
                    80: [1, 8, 12, 13], 81: [1, 11, 12, 13], 87: [11], 88: [13]},
}
# A tape that runs too fast or too slow, up to two semitones and a third: another size of every instrument.
SPEEDS = [(7, 8), (8, 9), (12, 13), (16, 17), (17, 16), (13, 12), (9, 8), (8, 7)]
# What freepats has of the programs in use; a missing instrument would be silent.
FREEPATS = {0, 1, 2, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 21, 23, 24, 25, 26, 27, 28, 29, 30, 32, 33, 34, 35, 36, 38,
            40, 42, 44, 45, 46, 48, 53, 56, 57, 58, 59, 60, 61, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 79, 80,
            84, 88, 94, 95, 101, 104, -1}
# What Denemo's soundfont has in common with no soundfont that judges; what others have in common with one that does.
DENEMO = {0, 1, 2, 4, 11, 12, 14, 21, 22, 24, 25, 27, 28, 29, 30, 32, 33, 34, 36, 40, 41, 42, 43, 45, 46, 53, 54, 56, 59, 64,
          65, 66, 67, 68, 69, 70, 71, 72, 73, 75, 77, 79, 80, 81, 82, 88, 90, 106, 107}
NOT_OF = {"generaluser": {26, 34, 51, 53, 58, 68, 79, 99, 101, 108}, "freepats": {75, 79}}
# Windows of solos by Denemo's soundfont alone, by family.
OF_DENEMO = {"piano": 700, "guitar": 900, "strings": 800, "harp": 400, "flute": 600, "choir": 200, "synth": 200, "": 700}
# Windows to make: (kind, family) by split.
SHARES = {
    "train": [("solo", family, 1500) for family in FAMILIES] + [
        ("solo", "", 1500), ("ensemble", "", 1600), ("chamber", "", 500), ("electronic", "", 900), ("rock", "", 350),
        ("raga", "", 300)],
    "valid": [("solo", family, 200) for family in FAMILIES] + [
        ("solo", "", 40), ("ensemble", "", 120), ("chamber", "", 40), ("electronic", "", 80), ("rock", "", 30),
        ("raga", "", 20)],
    "test": [("solo", family, 100) for family in FAMILIES] + [
        ("ensemble", "", 120), ("chamber", "", 40), ("electronic", "", 80), ("rock", "", 40), ("raga", "", 30)],
}


def plan(scale):
    """What to make: a list of jobs, the same in every run."""
    shares = [(f"{split}/{kind}-{family or 'any'}", split, kind, family, windows)
              for split, of_split in SHARES.items() for kind, family, windows in of_split]
    shares += [(f"train/solo-denemo-{family or 'any'}", "train", "solo", family, windows)
               for family, windows in OF_DENEMO.items()]
    jobs = []
    for stem, split, kind, family, windows in shares:
        left, number = round(windows * scale), 0
        while left > 0:
            name = f"{stem}-{number}"
            count = min(left, random.Random(name).randint(5, 12))
            jobs.append((name, split, kind, family, count))
            left -= count
            number += 1
    # In any order, so that a run that is stopped leaves some of everything; what the training needs comes first.
    random.Random("wavetag order").shuffle(jobs)
    return sorted(jobs, key=lambda job: ("valid", "train", "test").index(job[1]))


def compose(name, split, kind, family, count):
    chance = random.Random(f"wavetag {name}")
    seconds = count * WINDOW / RATE
    if kind == "solo":
        piece, _, facts = pieces.solo(chance, family, seconds, 0.6)
    else:
        piece, _, facts = getattr(pieces, kind)(chance, seconds)
    programs = {note[2] for note in piece.notes}
    if name.startswith("train/solo-denemo-"):
        font = "denemo"
        while not programs <= DENEMO:
            piece, _, facts = pieces.solo(chance, family, seconds, 0.6)
            programs = {note[2] for note in piece.notes}
    elif split == "valid":
        font = "csound"
    elif split == "test":
        font = "timgm6mb"
    elif kind == "solo" and all(tags_of(program).keys() == {"synth"} for program in programs) and chance.random() < 0.5:
        font = "synthesiser"
    elif kind == "solo" and programs <= FREEPATS and chance.random() < 0.25:
        font = "freepats"
    elif kind == "electronic" or family == "synth":
        font = chance.choices(["fluid", "musescore", "generaluser", "mono", "opl3"], [4, 4, 6, 1, 2])[0]
    else:
        font = chance.choices(["fluid", "musescore", "generaluser", "mono"], [5, 5, 8, 1])[0]
    if programs & NOT_OF.get(font, set()):
        font = "musescore"
    return piece, seconds, facts, font, chance


def reshape(piece, chance):
    """Instruments as another maker would have set them: darker or brighter, slower or faster to speak and to die away.
    The five generators: filter cutoff and resonance, attack, decay and release of the loudness."""
    for channel, program in piece.programs:
        if program < 0 or channel == DRUMS:
            continue
        plucked = BY_PROGRAM[program].way in ("keys", "pluck")
        if chance.random() < 0.6:
            piece.generator(channel, 8, -chance.choice([600, 1200, 2400, 3600, 4800]) * chance.uniform(0.5, 1), 2)
            piece.generator(channel, 9, chance.choice([0, 0, 30, 80]), 1)
        if chance.random() < 0.5:
            # Of a thousandth of a second, as most have it: up to a hundredth, or of what isn't plucked an eighth.
            piece.generator(channel, 34, chance.uniform(0, 4000 if plucked else 8500), 2)
        if chance.random() < 0.5:
            piece.generator(channel, 36, chance.uniform(-1500, 1500), 2)
        if chance.random() < 0.5:
            piece.generator(channel, 38, chance.uniform(-1500, 1800), 2)


def windows_labels(piece, facts, count):
    """Tags that construction decides, a dictionary a window."""
    result = []
    for index in range(count):
        start, end = index * WINDOW / RATE, (index + 1) * WINDOW / RATE
        sounding, strokes = set(), 0
        for begin, finish, program, _, _ in piece.notes:
            if program < 0:
                if start <= begin < end - 0.03:
                    strokes += 1
            elif min(finish + 0.1, end) - max(begin, start) > 0.15 or (start <= begin < end - 0.1):
                sounding.add(program)
        if strokes >= (1 if "solo" not in facts and len(piece.notes) < 400 else 2):
            sounding.add(-1)
        labels = {}
        if sounding:
            labels = dict.fromkeys(TAGS, 0)
            for program in sounding:
                for tag, value in tags_of(program).items():
                    labels[tag] = max(labels[tag], value)
            labels |= facts.get("labels", {})
            tempo = facts.get("tempo")
            if tempo and facts.get("style") and -1 in sounding:
                if tempo >= 140:
                    labels |= {"fast": 0.9, "slow": 0}
                elif tempo <= 75:
                    labels |= {"slow": 0.9, "fast": 0}
        result.append(labels)
    return result


def soundfont(font):
    lossless = "/usr/share/sounds/sf2/MuseScore_General_Full.sf2"
    return lossless if font == "musescore" and os.path.exists(lossless) else SOUNDFONTS[font]


def synthesise(midi, font, chance, gain, up=1, down=1):
    """Plays a file, mono at 22 050 Hz; `up` and `down`: how much longer than what was played, and lower."""
    with tempfile.NamedTemporaryFile(suffix=".wav", dir="/dev/shm") as out:
        if font == "freepats":
            command = ["timidity", "-c", "/etc/timidity/freepats.cfg", "-Ow", "-s", "44100", "-o", out.name, "-A50",
                       chance.choice(["-EFreverb=d", "-EFreverb=G,80", "-EFreverb=G,40"]), midi]
        else:
            command = ["fluidsynth", "-ni", "-q", "-g", f"{gain:.2f}", "-r", "44100", "-O", "s16", "-T", "wav", "-F",
                       out.name, "-o", "synth.dynamic-sample-loading=1",
                       "-R", str(int(chance.random() < 0.75)), "-C", str(int(chance.random() < 0.5)),
                       "-o", f"synth.reverb.room-size={chance.uniform(0.1, 0.9):.2f}",
                       "-o", f"synth.reverb.level={chance.uniform(0.1, 0.9):.2f}",
                       "-o", f"synth.reverb.damp={chance.uniform(0.0, 0.6):.2f}", soundfont(font), midi]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        try:
            samples, _ = soundfile.read(out.name, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            return numpy.zeros(0, "float32")
    mono = samples.mean(1)
    return scipy.signal.resample_poly(mono, up, 2 * down).astype("float32") if len(mono) else mono


def make(job):
    work, only, name, split, kind, family, count = job
    path = f"rendered/{name}.flac"
    target = os.path.join(work, path)
    piece, seconds, facts, font, chance = compose(name, split, kind, family, count)
    if only and split == "train":
        font = only
    line = {"path": path, "split": split, "kind": kind, "family": family, "font": font, "windows": count}
    for fact in ("tempo", "style", "solo", "program"):
        if fact in facts:
            line[fact] = facts[fact]
    gain = chance.uniform(0.2, 0.6)
    level = chance.uniform(-20, -1)
    shape = random.Random(f"wavetag shape {name}")
    if os.path.exists(target):
        sound, _ = soundfile.read(target, dtype="float32")
    else:
        banks, (up, down) = {}, (1, 1)
        if split == "train":
            banks = {program: chance.choice(others) for program, others in BANKS.get(font, {}).items()
                     if chance.random() < 0.5}
            if chance.random() < 0.6:
                up, down = chance.choice(SPEEDS)
            if font not in ("synthesiser", "freepats") and shape.random() < 0.6:
                reshape(piece, shape)
        if font == "synthesiser":
            sound = synthesiser.play(generator(name), piece.notes, seconds)
        else:
            with tempfile.NamedTemporaryFile(suffix=".mid", dir="/dev/shm") as midi:
                piece.write(midi.name, seconds, banks, up / down)
                sound = synthesise(midi.name, font, chance, gain, down, up)
        length = count * WINDOW
        sound = numpy.concatenate([sound[:length], numpy.zeros(max(0, length - len(sound)), "float32")])
        peak = numpy.abs(sound).max()
        if peak < 1e-3:
            return None
        sound *= 10 ** (level / 20) / peak
        os.makedirs(os.path.dirname(target), exist_ok=True)
        soundfile.write(target + ".part", sound, RATE, format="FLAC", subtype="PCM_16")
        os.rename(target + ".part", target)
    power = (sound[:count * WINDOW].reshape(count, WINDOW).astype("float64") ** 2).mean(1)
    line["level"] = [round(float(10 * numpy.log10(value + 1e-12)), 1) for value in power]
    line["labels"] = windows_labels(piece, facts, count)
    return line


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the windows to make")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--font", choices=list(SOUNDFONTS), help="the only soundfont to train with")
    arguments = parser.parse_args()
    jobs = [(arguments.work, arguments.font, *job) for job in plan(arguments.scale)]
    lines, silent = [], 0
    with multiprocessing.Pool(arguments.jobs) as pool:
        for number, line in enumerate(pool.imap_unordered(make, jobs, chunksize=4)):
            if line is None:
                silent += 1
            else:
                lines.append(line)
            if number % 100 == 99:
                print(f"rendered {number + 1} of {len(jobs)} pieces", file=sys.stderr)
    lines.sort(key=lambda line: line["path"])
    target = write_index(arguments.work, "rendered", lines)
    print(f"{target}: {len(lines)} pieces, {sum(line['windows'] for line in lines)} windows, "
          f"{silent} left out as silent")


if __name__ == "__main__":
    main()
