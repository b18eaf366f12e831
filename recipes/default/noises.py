"""Silence, noises and other sounds that are no music, made by rule and chance.

Each function returns a sound of `length` samples, and labels that hold throughout.
"""

import numpy
import scipy.signal

from sound import RATE, at_level, bandpass, coloured, lowpass


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


MAKERS = {"silence": silence, "floor": floor, "white": white, "coloured": coloured_noise, "hum": hum, "room": room,
          "fan": fan, "rain": rain, "crackle": crackle, "clicks": clicks, "beeps": beeps}
