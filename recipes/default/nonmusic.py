#!/usr/bin/env python3
"""What is no music: silence, noises, hum, rooms, rain, clicks, beeps, effects; and speech, alone and over music.

    nonmusic.py WORK [--scale 1.0]

Writes WORK/nonmusic/SPLIT/*.flac and WORK/index/nonmusic.ndjson (see render.py). Splits differ in seeds, voices and,
for recorded speech and effects, in packages: test's voices speak in no other split.
"""

import argparse
import functools
import glob
import json
import os
import random
import subprocess
import tempfile

import numpy
import scipy.signal
import soundfile

RATE, WINDOW = 22050, 59049

# Windows by split.
SHARES = {
    "train": {"silence": 120, "floor": 130, "white": 90, "coloured": 240, "hum": 170, "room": 180, "fan": 130, "rain": 130,
              "crackle": 100, "clicks": 70, "beeps": 130, "effects": 110, "speech": 480, "speech_music": 200},
    "valid": {"silence": 25, "floor": 25, "white": 20, "coloured": 40, "hum": 35, "room": 35, "fan": 25, "rain": 25,
              "crackle": 15, "clicks": 15, "beeps": 25, "effects": 15, "speech": 110, "speech_music": 40},
    # An hour: 1344 windows, and speech over music besides.
    "test": {"silence": 100, "floor": 100, "white": 90, "coloured": 150, "hum": 170, "room": 140, "fan": 90, "rain": 90,
             "crackle": 60, "clicks": 50, "beeps": 50, "speech": 260, "speech_music": 60},
}
ESPEAK = {
    "train": ["en-gb", "en-us", "de", "fr-fr", "es", "it", "pl", "sv", "nl", "ru", "hi", "cs", "el", "fi", "tr", "hu"],
    "valid": ["en-gb-scotland", "pt", "ro", "da"],
    "test": ["en-gb-x-rp", "pt-br", "nb", "es-419", "sk", "fr-be", "id"],
}
VARIANTS = {
    "train": ["", "+m1", "+m2", "+m3", "+m5", "+f1", "+f2", "+f4", "+croak"],
    "valid": ["+m4", "+f3"],
    "test": ["+m6", "+m7", "+f5", "+whisper"],
}
FLITE = {"train": ["kal", "awb", "slt"], "valid": ["kal16"], "test": ["rms"]}
RECORDED = {
    "train": ["/usr/share/asterisk/sounds/en*/**/*.wav", "/usr/share/asterisk/sounds/fr*/**/*.wav",
              "/usr/share/asterisk/sounds/ru*/**/*.wav"],
    "valid": ["/usr/share/asterisk/sounds/es*/**/*.wav"],
    "test": ["/usr/share/asterisk/sounds/it*/**/*.wav"],
}
EFFECTS = {
    "train": ["/usr/share/games/teeworlds/data/audio/[!v]*.wv"],
    "valid": ["/usr/share/sounds/freedesktop/stereo/*.oga"],
}
WORDS = ("the of and a to in is you that it he was for on are as with his they at be this have from or one had by word "
         "but not what all were we when your can said there use an each which she do how their if will up other about out "
         "many then them these so some her would make like him into time has look two more write go see number no way "
         "could people my than first water been call who oil its now find long down day did get come made may part over "
         "new sound take only little work know place year live me back give most very after thing our just name good "
         "sentence man think say great where help through much before line right too mean old any same tell boy follow "
         "came want show also around form three small set put end does another well large must big even such because "
         "turn here why ask went men read need land different home us move try kind hand picture again change off play "
         "spell air away animal house point page letter mother answer found study still learn should world high").split()


def lowpass(sound, cut, order=2):
    return scipy.signal.sosfilt(scipy.signal.butter(order, min(cut, 10500), "low", fs=RATE, output="sos"), sound)


def highpass(sound, cut, order=2):
    return scipy.signal.sosfilt(scipy.signal.butter(order, cut, "high", fs=RATE, output="sos"), sound)


def bandpass(sound, low, high, order=2):
    return scipy.signal.sosfilt(scipy.signal.butter(order, [low, min(high, 10500)], "band", fs=RATE, output="sos"), sound)


def coloured(chance, length, slope):
    """Noise whose power falls with frequency to the power of `slope`: 0 white, 1 pink, 2 brown, -1 blue."""
    spectrum = numpy.fft.rfft(chance.standard_normal(length))
    frequency = numpy.fft.rfftfreq(length, 1 / RATE)
    spectrum[1:] *= numpy.maximum(frequency[1:], 20) ** (-slope / 2)
    spectrum[0] = 0
    return numpy.fft.irfft(spectrum, length)


def at_level(sound, level):
    """To a root mean square in dB of full scale; what would clip comes down."""
    sound = sound * 10 ** (level / 20) / (numpy.sqrt(numpy.mean(sound**2)) + 1e-12)
    peak = numpy.abs(sound).max()
    return sound * (0.99 / peak) if peak > 0.99 else sound


def silence(chance, length):
    if chance.random() < 0.6:
        return numpy.zeros(length), {}
    # A dithered or offset zero.
    sound = numpy.full(length, chance.uniform(-0.0003, 0.0003)) + chance.standard_normal(length) * 2e-5
    return sound, {}


def floor(chance, length):
    sound = coloured(chance, length, chance.choice([0, 1, 1.5, 2]))
    if chance.random() < 0.4:
        sound = sound / sound.std() + hum(chance, length)[0] * 10
    return at_level(sound, chance.uniform(-84, -66)), {}


def white(chance, length):
    sound = chance.standard_normal(length)
    if chance.random() < 0.3:
        time = numpy.arange(length) / RATE
        sound *= 1 + 0.6 * numpy.sin(2 * numpy.pi * chance.uniform(0.1, 4) * time)
    return at_level(sound, chance.uniform(-50, -8)), {"noise": 1}


def coloured_noise(chance, length):
    sound = coloured(chance, length, chance.uniform(-1, 2.4))
    kind = chance.integers(4)
    if kind == 0:
        low = chance.uniform(60, 4000)
        sound = bandpass(sound, low, low * chance.uniform(1.5, 8))
    elif kind == 1:
        sound = lowpass(sound, chance.uniform(150, 6000))
    elif kind == 2:
        # Bursts.
        gate = numpy.repeat(chance.random(length // 2000 + 1) < 0.5, 2000)[:length]
        sound *= lowpass(gate.astype(float), 20) + 0.02
    return at_level(sound, chance.uniform(-50, -8)), {"noise": 1}


def hum(chance, length):
    time = numpy.arange(length) / RATE
    base = chance.choice([50.0, 60.0]) * chance.uniform(0.998, 1.002)
    sound = numpy.zeros(length)
    fall = chance.uniform(0.3, 1.8)
    for harmonic in range(1, int(chance.integers(2, 40))):
        weight = harmonic**-fall * chance.uniform(0.1, 1) * (1.5 if harmonic % 2 == 0 else 1)
        sound += weight * numpy.sin(2 * numpy.pi * base * harmonic * time + chance.uniform(0, 6.28))
    sound /= sound.std()
    sound += coloured(chance, length, 1) * 0.1 * chance.random()
    sound += chance.standard_normal(length) * 0.05 * chance.random()
    return at_level(sound, chance.uniform(-52, -12)), {"noise": 1}


def room(chance, length):
    sound = coloured(chance, length, chance.uniform(1.2, 2.4))
    sound /= sound.std()
    sound += 0.5 * chance.random() * hum(chance, length)[0] / 0.05
    for _ in range(int(chance.integers(0, 6))):
        # A knock, a creak, a rustle somewhere.
        at, span = chance.integers(0, length), int(chance.uniform(0.02, 0.5) * RATE)
        piece = bandpass(chance.standard_normal(span), 100, chance.uniform(600, 5000)) * numpy.exp(
            -numpy.arange(span) / (span / chance.uniform(3, 8)))
        end = min(length, at + span)
        sound[at:end] += piece[: end - at] * chance.uniform(1, 10)
    return at_level(lowpass(sound, chance.uniform(800, 9000), 1), chance.uniform(-56, -26)), {"noise": 1}


def fan(chance, length):
    time = numpy.arange(length) / RATE
    sound = lowpass(coloured(chance, length, 1), chance.uniform(300, 4000))
    sound /= sound.std()
    rate = chance.uniform(15, 160) * (1 + 0.01 * numpy.sin(2 * numpy.pi * chance.uniform(0.05, 0.5) * time))
    phase = 2 * numpy.pi * numpy.cumsum(rate) / RATE
    for harmonic in range(1, 8):
        sound += chance.uniform(0, 0.6) / harmonic * numpy.sin(harmonic * phase + chance.uniform(0, 6.28))
    sound *= 1 + chance.uniform(0, 0.4) * numpy.sin(phase / chance.integers(1, 9))
    return at_level(sound, chance.uniform(-50, -15)), {"noise": 1}


def rain(chance, length):
    """Many small bursts: rain when they are short, applause when they are longer and hollow."""
    applause = chance.random() < 0.5
    rate = chance.uniform(40, 600) if applause else chance.uniform(200, 4000)
    sound = numpy.zeros(length)
    starts = chance.integers(0, length, int(rate * length / RATE))
    sound[starts] += chance.exponential(1, len(starts)) * chance.choice([-1, 1], len(starts))
    span = int(RATE * (chance.uniform(0.008, 0.025) if applause else chance.uniform(0.001, 0.006)))
    shape = chance.standard_normal(span) * numpy.exp(-numpy.arange(span) / (span / 4))
    sound = scipy.signal.fftconvolve(sound, shape)[:length]
    if applause:
        low = chance.uniform(500, 1200)
        sound = bandpass(sound, low, low * chance.uniform(2, 5), 1)
    sound = sound / sound.std() + coloured(chance, length, 1) / RATE**0 * chance.uniform(0, 0.3)
    swell = lowpass(chance.standard_normal(length), 0.5, 1)
    return at_level(sound * (1 + 0.3 * swell / (numpy.abs(swell).max() + 1e-9)), chance.uniform(-45, -10)), {"noise": 1}


def crackle(chance, length):
    sound = numpy.zeros(length)
    number = int(length / RATE * chance.uniform(5, 200))
    sound[chance.integers(0, length, number)] = chance.standard_normal(number) ** 3
    sound = lowpass(sound, chance.uniform(2000, 10000), 1)
    sound = sound / sound.std() + coloured(chance, length, 1) * chance.uniform(0, 0.3)
    return at_level(sound, chance.uniform(-50, -20)), {"noise": 1}


def clicks(chance, length):
    """Clicks, knocks, footsteps: few, over a floor."""
    sound = coloured(chance, length, 1)
    sound *= 0.001 * chance.random() / sound.std()
    time, steady = chance.uniform(0, 0.5), chance.uniform(0.25, 1.5)
    irregular = chance.random() < 0.6
    while time < length / RATE - 0.1:
        span = int(RATE * chance.uniform(0.003, 0.08))
        low = chance.uniform(80, 2500)
        piece = bandpass(chance.standard_normal(span), low, low * 4, 1) * numpy.exp(-numpy.arange(span) / (span / 5))
        at = int(time * RATE)
        end = min(length, at + span)
        sound[at:end] += (piece / (numpy.abs(piece).max() + 1e-9))[: end - at] * chance.uniform(0.2, 1)
        time += chance.uniform(0.1, 1.5) if irregular else steady
    return sound * 10 ** (chance.uniform(-30, -2) / 20) / numpy.abs(sound).max(), {"noise": 0.6}


def beeps(chance, length):
    """Test tones, sweeps, dialling, alarms."""
    time = numpy.arange(length) / RATE
    kind = chance.integers(5)
    if kind == 0:
        sound = numpy.sin(2 * numpy.pi * chance.uniform(60, 8000) * time)
    elif kind == 1:
        low, high = chance.uniform(40, 400), chance.uniform(1000, 9000)
        sound = scipy.signal.chirp(time % (length / RATE / chance.integers(1, 12)), low, 2.7, high, "log")
        sound = numpy.nan_to_num(sound)
    elif kind == 2:
        sound = numpy.zeros(length)
        tones = [(row, column) for row in (697, 770, 852, 941) for column in (1209, 1336, 1477)]
        step = int(RATE * chance.uniform(0.1, 0.5))
        for at in range(0, length - step, 2 * step):
            first, second = tones[chance.integers(len(tones))]
            part = time[: step]
            sound[at : at + step] = numpy.sin(2 * numpy.pi * first * part) + numpy.sin(2 * numpy.pi * second * part)
    else:
        frequency = chance.uniform(300, 4000)
        period = chance.uniform(0.2, 1.5)
        sound = numpy.sin(2 * numpy.pi * frequency * time) * ((time % period) < period * chance.uniform(0.1, 0.6))
        if kind == 4:
            sound = numpy.sign(sound) * 0.5
    sound = sound + coloured(chance, length, 1) * 1e-4
    return at_level(sound, chance.uniform(-40, -8)), {}


@functools.lru_cache(maxsize=2000)
def read(path):
    """Any file, mono, at 22 050 Hz."""
    if path.endswith((".wv", ".oga")):
        raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"],
                             capture_output=True).stdout
        return numpy.frombuffer(raw, "float32").astype(float)
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    sound = sound.mean(1)
    if rate != RATE:
        common = numpy.gcd(rate, RATE)
        sound = scipy.signal.resample_poly(sound, RATE // common, rate // common)
    return sound.astype(float)


_files = {}


def files(patterns):
    key = tuple(patterns)
    if key not in _files:
        _files[key] = sorted({path for pattern in patterns for path in glob.glob(pattern, recursive=True)})
    return _files[key]


def string_together(chance, paths, length, gap):
    """Files in a row, with pauses, until `length` is full."""
    sound, at = numpy.zeros(length), 0
    while at < length:
        try:
            piece = read(paths[chance.integers(len(paths))])
        except Exception:
            piece = numpy.zeros(0)
        if len(piece) < 400 or numpy.abs(piece).max() < 1e-3:
            at += 200
            continue
        end = min(length, at + len(piece))
        sound[at:end] = piece[: end - at]
        at = end + int(RATE * chance.uniform(*gap))
    return sound


def effects(chance, length, split):
    paths = files(EFFECTS.get(split, []))
    if not paths:
        return None
    sound = string_together(chance, paths, length, (0, 0.8))
    return at_level(sound, chance.uniform(-40, -14)), {"noise": 0.4}


def sentence(chance):
    words = [WORDS[chance.integers(len(WORDS))] for _ in range(int(chance.integers(4, 14)))]
    return " ".join(words).capitalize() + "."


def speak(chance, length, split):
    """Synthetic or recorded speech."""
    recorded = files(RECORDED[split])
    kind = chance.random()
    if recorded and kind < 0.45:
        return string_together(chance, recorded, length, (0.05, 0.7))
    text = " ".join(sentence(chance) for _ in range(max(3, int(length / RATE / 2))))
    with tempfile.NamedTemporaryFile(suffix=".wav", dir="/dev/shm") as out:
        if kind < 0.65:
            voices = FLITE[split]
            command = ["flite", "-voice", voices[chance.integers(len(voices))],
                       "--setf", f"duration_stretch={chance.uniform(0.75, 1.3):.2f}",
                       "--setf", f"int_f0_target_mean={chance.uniform(80, 220):.0f}", "-t", text, "-o", out.name]
        else:
            voice = ESPEAK[split][chance.integers(len(ESPEAK[split]))]
            variant = VARIANTS[split][chance.integers(len(VARIANTS[split]))]
            command = ["espeak-ng", "-v", voice + variant, "-s", str(int(chance.uniform(110, 230))),
                       "-p", str(int(chance.uniform(15, 85))), "-w", out.name, text]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        sound = read(out.name)
    while 0 < len(sound) < length:
        sound = numpy.concatenate([sound, sound])
    return sound[:length]


def speech(chance, length, split):
    sound = speak(chance, length, split)
    if len(sound) < length or numpy.abs(sound).max() < 1e-3:
        return None
    sound = at_level(sound, chance.uniform(-40, -14))
    if chance.random() < 0.5:
        level = 20 * numpy.log10(sound.std() + 1e-9) - chance.uniform(5, 35)
        sound = sound + at_level(coloured(chance, length, chance.uniform(0, 2)), level)
    return sound, {"speech": 1}


MAKERS = {"silence": silence, "floor": floor, "white": white, "coloured": coloured_noise, "hum": hum, "room": room,
          "fan": fan, "rain": rain, "crackle": crackle, "clicks": clicks, "beeps": beeps}


def levels(sound, count):
    power = (sound[: count * WINDOW].reshape(count, WINDOW).astype("float64") ** 2).mean(1)
    return [round(float(10 * numpy.log10(value + 1e-12)), 1) for value in power]


def write(path, sound):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    soundfile.write(path + ".part", sound.clip(-1, 1).astype("float32"), RATE, format="FLAC", subtype="PCM_16")
    os.rename(path + ".part", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work")
    parser.add_argument("--scale", type=float, default=1.0)
    arguments = parser.parse_args()
    work = arguments.work
    with open(os.path.join(work, "index", "rendered.ndjson")) as file:
        music = [json.loads(line) for line in file]
    lines, missing = [], 0
    for split, shares in SHARES.items():
        beds = [line for line in music if line["split"] == split and line["kind"] != "solo" and line["windows"] >= 4]
        for kind, windows in shares.items():
            left, number = round(windows * arguments.scale), 0
            while left > 0:
                name = f"nonmusic/{split}/{kind}-{number}"
                seed = int.from_bytes(random.Random(f"wavetag {name}").randbytes(8), "big")
                chance = numpy.random.default_rng(seed)
                # Variety counts: noises are short, speech is longer.
                count = min(left, int(chance.integers(4, 9)) if kind.startswith("speech") else int(chance.integers(1, 4)))
                number += 1
                left -= count
                length = count * WINDOW
                line = {"path": name + ".flac", "split": split, "kind": kind, "family": "", "windows": count}
                bed = None
                if kind == "speech_music":
                    if not beds:
                        missing += count
                        continue
                    bed = beds[chance.integers(len(beds))]
                    count = line["windows"] = min(count, bed["windows"])
                    length = count * WINDOW
                path = os.path.join(work, line["path"])
                if kind == "speech":
                    made = speech(chance, length, split)
                elif kind == "effects":
                    made = effects(chance, length, split)
                elif kind == "speech_music":
                    made = speech(chance, length, split)
                    if made:
                        under, _ = soundfile.read(os.path.join(work, bed["path"]), dtype="float32")
                        voice = at_level(made[0], -20)
                        sound = voice + at_level(under[:length], -20 - chance.uniform(-3, 15))
                        made = at_level(sound, chance.uniform(-32, -14)), {"speech": 1}
                        line["bed"] = bed["path"]
                else:
                    made = MAKERS[kind](chance, length)
                if made is None:
                    missing += count
                    continue
                sound, labels = made
                if not os.path.exists(path):
                    write(path, sound)
                line["level"] = levels(numpy.asarray(sound), count)
                line["labels"] = [labels] * count
                if kind in ("silence", "floor"):
                    line["labels"] = [{"silence": 1}] * count
                lines.append(line)
    target = os.path.join(work, "index", "nonmusic.ndjson")
    with open(target + ".part", "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    os.rename(target + ".part", target)
    print(f"{target}: {len(lines)} sounds, {sum(line['windows'] for line in lines)} windows, {missing} windows missing")


if __name__ == "__main__":
    main()
