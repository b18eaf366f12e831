#!/usr/bin/env python3
"""A microphone is not a file: copies of sounds as rooms, microphones, cheap codecs and bad cables leave them.

    degrade.py WORK CORPUS [--corpus-windows 4700] [--jobs 2]

Of the corpus's training tracks: runs of windows, each through a chain of its own, to WORK/degraded/corpus. Of rendered
and other sounds in the index: a share, to WORK/degraded/rendered and so on; and of the held-out soundfont's solos a copy
each in a room at 20 dB, WORK/degraded/room. WORK/index/degraded.ndjson says what became of what, with the ratio of
signal to noise, for the labels.
"""

import argparse
import csv
import io
import json
import multiprocessing
import os
import random

import numpy
import scipy.signal
import soundfile

from nonmusic import coloured, levels, write

RATE, WINDOW = 22050, 59049
SPEED_OF_SOUND = 343.0


def room_response(chance, size=None, reverberation=None):
    """Impulse response of a shoebox room by the image-source method (Allen and Berkley 1979), 22 050 Hz.

    Walls reflect a share that follows from the reverberation time by Sabine's formula, and each reflection also loses
    some treble. Late reflections, too dense to count, are noise with the same decay.
    """
    size = size if size is not None else numpy.array([chance.uniform(2.5, 12), chance.uniform(2.5, 9), chance.uniform(2.2, 4.5)])
    time = reverberation or chance.uniform(0.15, 1.1)
    volume = size.prod()
    surface = 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    absorption = min(0.95, 0.161 * volume / (surface * time))
    reflection = numpy.sqrt(1 - absorption)
    source = size * chance.uniform(0.15, 0.85, 3)
    microphone = size * chance.uniform(0.15, 0.85, 3)
    early = 0.08
    order = [int(numpy.ceil(early * SPEED_OF_SOUND / (2 * side))) + 1 for side in size]
    response = numpy.zeros(int(RATE * (time + early)) + 64)
    grids = [numpy.arange(-n, n + 1) for n in order]
    places = numpy.array(numpy.meshgrid(*grids, indexing="ij")).reshape(3, -1).T
    for flip in numpy.ndindex(2, 2, 2):
        flip = numpy.array(flip)
        images = (1 - 2 * flip) * source + 2 * places * size
        distance = numpy.sqrt(((images - microphone) ** 2).sum(1))
        bounces = numpy.abs(2 * places - flip).sum(1)
        late = distance / SPEED_OF_SOUND * RATE
        keep = late < early * RATE
        strength = reflection ** bounces / (4 * numpy.pi * numpy.maximum(distance, 0.3))
        # Between two samples: shared out.
        whole = late[keep].astype(int)
        part = late[keep] - whole
        numpy.add.at(response, whole, strength[keep] * (1 - part))
        numpy.add.at(response, whole + 1, strength[keep] * part)
    start = int(early * RATE)
    tail = numpy.arange(len(response) - start) / RATE
    energy = numpy.sqrt(numpy.mean(response[start - RATE // 50 : start] ** 2) + 1e-12)
    response[start:] += chance.standard_normal(len(tail)) * energy * numpy.exp(-6.9 * tail / time)
    response = scipy.signal.sosfilt(
        scipy.signal.butter(1, [40, chance.uniform(5000, 10000)], "band", fs=RATE, output="sos"), response)
    first = numpy.abs(response).argmax()
    return response[max(0, first - 20):]


def with_room(sound, response):
    level = sound.std()
    wet = scipy.signal.fftconvolve(sound, response)[: len(sound)]
    return wet * (level / (wet.std() + 1e-9))


def with_noise(chance, sound, ratio, slope=None):
    noise = coloured(chance, len(sound), chance.uniform(0, 2) if slope is None else slope)
    if chance.random() < 0.25:
        time = numpy.arange(len(sound)) / RATE
        base = chance.choice([50, 60])
        noise /= noise.std()
        for harmonic in range(1, 9):
            noise += chance.uniform(0, 1) / harmonic * numpy.sin(2 * numpy.pi * base * harmonic * time)
    return sound + noise * (sound.std() / (noise.std() + 1e-12) * 10 ** (-ratio / 20))


def equalise(chance, sound):
    """One to three peaks, dips or shelves, by the usual bilinear formulas."""
    for _ in range(int(chance.integers(1, 4))):
        centre, gain, width = chance.uniform(60, 9000), chance.uniform(-12, 9), chance.uniform(0.4, 2)
        amplitude, angle = 10 ** (gain / 40), 2 * numpy.pi * centre / RATE
        alpha = numpy.sin(angle) / (2 * width)
        top = [1 + alpha * amplitude, -2 * numpy.cos(angle), 1 - alpha * amplitude]
        bottom = [1 + alpha / amplitude, -2 * numpy.cos(angle), 1 - alpha / amplitude]
        sound = scipy.signal.lfilter(top, bottom, sound)
    return sound


def band(chance, sound):
    kind = chance.integers(3)
    if kind != 1:
        sound = scipy.signal.sosfilt(
            scipy.signal.butter(int(chance.integers(1, 4)), chance.uniform(1800, 9000), "low", fs=RATE, output="sos"), sound)
    if kind != 0:
        sound = scipy.signal.sosfilt(
            scipy.signal.butter(int(chance.integers(1, 3)), chance.uniform(50, 450), "high", fs=RATE, output="sos"), sound)
    return sound


def resample(sound, rate):
    there = scipy.signal.resample_poly(sound, rate // 50, RATE // 50)
    back = scipy.signal.resample_poly(there, RATE // 50, rate // 50)
    return fit(back, len(sound))


def fit(sound, length):
    return numpy.concatenate([sound[:length], numpy.zeros(max(0, length - len(sound)))])


def coded(chance, sound):
    """Through MP3 or Opus at a low rate and back."""
    kind = chance.choice(["mp3", "opus", "vorbis"])
    peak = max(1.0, numpy.abs(sound).max() / 0.98)
    buffer = io.BytesIO()
    if kind == "opus":
        source = scipy.signal.resample_poly(sound / peak, 24000 // 150, RATE // 150)
        soundfile.write(buffer, source, 24000, format="OGG", subtype="OPUS", compression_level=chance.uniform(0.7, 1.0))
    elif kind == "mp3":
        soundfile.write(buffer, sound / peak, RATE, format="MP3", subtype="MPEG_LAYER_III",
                        compression_level=chance.uniform(0.75, 1.0), bitrate_mode="CONSTANT")
    else:
        soundfile.write(buffer, sound / peak, RATE, format="OGG", subtype="VORBIS",
                        compression_level=chance.uniform(0.85, 1.0))
    buffer.seek(0)
    back, rate = soundfile.read(buffer)
    if rate != RATE:
        common = numpy.gcd(rate, RATE)
        back = scipy.signal.resample_poly(back, RATE // common, rate // common)
    # A codec's delay stays: a window is long.
    return fit(back * peak, len(sound))


def chain(chance, sound):
    """Two to five of what can happen to a sound, in the order of the way: room, microphone, circuit, codec.

    Returns the sound and its ratio of signal to noise in dB (99: none was added).
    """
    ratio = 99.0
    length = len(sound)
    if chance.random() < 0.55:
        sound = with_room(sound, room_response(chance))
    if chance.random() < 0.65:
        ratio = chance.uniform(0, 30) if chance.random() < 0.8 else chance.uniform(15, 40)
        sound = with_noise(chance, sound, ratio)
    if chance.random() < 0.5:
        sound = equalise(chance, sound)
    if chance.random() < 0.4:
        sound = band(chance, sound)
    if chance.random() < 0.3:
        sound = resample(sound, int(chance.choice([8000, 11000, 16000, 16000, 48000])))
    if chance.random() < 0.2:
        over = 10 ** (chance.uniform(1, 12) / 20)
        peak = numpy.abs(sound).max() + 1e-9
        sound = (sound / peak * over).clip(-1, 1) if chance.random() < 0.6 else numpy.tanh(sound / peak * over)
    peak = numpy.abs(sound).max() + 1e-9
    sound = sound / peak * 0.9
    if chance.random() < 0.35:
        sound = coded(chance, sound)
    # Of full scale, so what was quiet and what was loud come out anywhere.
    gain = chance.uniform(-40, 6) if chance.random() < 0.5 else chance.uniform(-20, 0)
    sound = sound * 10 ** (gain / 20)
    if chance.random() < 0.15:
        sound = sound + chance.uniform(-0.03, 0.03)
    if chance.random() < 0.5:
        sound = -sound
    return sound[:length].clip(-1, 1), ratio


def generator(name):
    return numpy.random.default_rng(int.from_bytes(random.Random(f"wavetag {name}").randbytes(8), "big"))


def load(path, start, length):
    """Part of a file, mono at 22 050 Hz; seconds."""
    with soundfile.SoundFile(path) as file:
        rate = file.samplerate
        file.seek(min(int(start * rate), file.frames))
        sound = file.read(int(length * rate) + 8, dtype="float32", always_2d=True).mean(1)
    if rate != RATE:
        common = numpy.gcd(rate, RATE)
        sound = scipy.signal.resample_poly(sound, RATE // common, rate // common)
    return sound.astype(float)


def make(job):
    work, line = job
    chance = generator(line["path"])
    count = line["windows"]
    target = os.path.join(work, line["path"])
    try:
        sound = load(line["source"], line.get("from", 0.0), count * WINDOW / RATE)
    except Exception:
        return None
    sound = fit(sound, count * WINDOW)
    if sound.std() < 1e-5:
        return None
    if line["path"].startswith("degraded/room/"):
        sound = with_room(sound, room_response(chance))
        sound = with_noise(chance, sound, 20)
        sound, line["ratio"] = sound / numpy.abs(sound).max() * 10 ** (chance.uniform(-24, -3) / 20), 20
    else:
        sound, line["ratio"] = chain(chance, sound)
        line["ratio"] = round(float(line["ratio"]), 1)
    if not os.path.exists(target):
        write(target, sound)
    line["level"] = levels(sound, count)
    return line


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work")
    parser.add_argument("corpus", help="the corpus's folder, with manifest.tsv")
    parser.add_argument("--corpus-windows", type=int, default=4700)
    parser.add_argument("--share", type=float, default=0.42, help="of rendered pieces that are degraded")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", choices=["corpus", "rendered", "nonmusic", "room"])
    arguments = parser.parse_args()
    jobs = []
    with open(os.path.join(arguments.corpus, "manifest.tsv"), newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row["split"] == "train"]
    runs = {}
    for row in rows:
        runs.setdefault(row["path"], []).append(row)
    pieces = []
    for path, windows in runs.items():
        for at in range(0, len(windows), 12):
            pieces.append((path, at, windows[at : at + 12]))
    random.Random("wavetag corpus").shuffle(pieces)
    left = arguments.corpus_windows
    for path, at, windows in pieces:
        if left <= 0:
            break
        left -= len(windows)
        name = path.replace("/", "_").rsplit(".", 1)[0]
        jobs.append({"path": f"degraded/corpus/{name}-{at}.flac", "split": "train", "of": "corpus", "original": path,
                     "source": os.path.join(arguments.corpus, path), "from": float(windows[0]["start"]), "at": at,
                     "windows": len(windows)})
    for index in ("rendered", "nonmusic"):
        name = os.path.join(arguments.work, "index", index + ".ndjson")
        if not os.path.exists(name):
            continue
        with open(name) as file:
            for line in map(json.loads, file):
                source = os.path.join(arguments.work, line["path"])
                base = {"split": line["split"], "of": index, "original": line["path"], "source": source,
                        "windows": line["windows"]}
                name = line["path"].split("/", 1)[1]
                lot = random.Random("wavetag lot " + line["path"]).random()
                musical = index == "rendered" or line["kind"].startswith("speech")
                if line["split"] != "test" and musical and lot < arguments.share:
                    jobs.append({"path": f"degraded/{index}/{name}"} | base)
                if line["split"] == "test" and index == "rendered" and line["kind"] == "solo":
                    jobs.append({"path": f"degraded/room/{name}"} | base)
    if arguments.only:
        jobs = [job for job in jobs if job["path"].startswith(f"degraded/{arguments.only}/")]
    with multiprocessing.Pool(arguments.jobs) as pool:
        lines = [line for line in pool.imap_unordered(make, [(arguments.work, job) for job in jobs], 4) if line]
    for line in lines:
        del line["source"]
    lines.sort(key=lambda line: line["path"])
    name = "degraded" + (f"-{arguments.only}" if arguments.only else "") + ".ndjson"
    target = os.path.join(arguments.work, "index", name)
    with open(target + ".part", "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    os.rename(target + ".part", target)
    print(f"{target}: {len(lines)} sounds, {sum(line['windows'] for line in lines)} windows, "
          f"{len(jobs) - len(lines)} could not be read or are silent")


if __name__ == "__main__":
    main()
