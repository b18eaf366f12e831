"""Sounds as arrays: files in and out, noise with a slope, filters, levels."""

import functools
import os
import random
import subprocess

import numpy
import scipy.signal
import soundfile

RATE, WINDOW = 22050, 59049


def generator(name):
    """Chance that is the same in every run for a name."""
    return numpy.random.default_rng(int.from_bytes(random.Random(f"wavetag {name}").randbytes(8), "big"))


def coloured(chance, length, slope):
    """Noise whose power falls with frequency to the power of `slope`: 0 white, 1 pink, 2 brown, -1 blue."""
    spectrum = numpy.fft.rfft(chance.standard_normal(length))
    frequency = numpy.fft.rfftfreq(length, 1 / RATE)
    spectrum[1:] *= numpy.maximum(frequency[1:], 20) ** (-slope / 2)
    spectrum[0] = 0
    return numpy.fft.irfft(spectrum, length)


def lowpass(sound, cut, order=2):
    return scipy.signal.sosfilt(scipy.signal.butter(order, min(cut, 10500), "low", fs=RATE, output="sos"), sound)


def bandpass(sound, low, high, order=2):
    return scipy.signal.sosfilt(
        scipy.signal.butter(order, [low, min(high, 10500)], "band", fs=RATE, output="sos"), sound)


def at_level(sound, level):
    """To a root mean square in dB of full scale; what would clip comes down."""
    sound = sound * 10 ** (level / 20) / (numpy.sqrt(numpy.mean(sound**2)) + 1e-12)
    peak = numpy.abs(sound).max()
    return sound * (0.99 / peak) if peak > 0.99 else sound


def fit(sound, length):
    """Cut, or filled with silence."""
    return numpy.concatenate([sound[:length], numpy.zeros(max(0, length - len(sound)))])


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


def levels(sound, count):
    """Of each window the root mean square, in dB of full scale."""
    power = (sound[: count * WINDOW].reshape(count, WINDOW).astype("float64") ** 2).mean(1)
    return [round(float(10 * numpy.log10(value + 1e-12)), 1) for value in power]


def write(path, sound):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    soundfile.write(path + ".part", sound.clip(-1, 1).astype("float32"), RATE, format="FLAC", subtype="PCM_16")
    os.rename(path + ".part", path)
