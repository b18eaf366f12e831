"""A synthesiser that is another one for every piece: oscillators, a filter that opens, modulation, effects.

Soundfonts have a dozen recordings of synthesisers; a model that knew only those would know recordings, not synthesis.
"""

import numpy
import scipy.signal

from chain import room_response, with_room
from sound import RATE, fit

OVER = 4 * RATE  # Oscillators alias; at this rate little of it comes down.


def oscillator(chance, kind, frequency, time, detune):
    """Saws, pulses, triangles or modulated sines, some of them in parallel and out of tune."""
    sound = numpy.zeros(len(time))
    for offset in detune:
        phase = frequency * 2 ** (offset / 1200) * time + chance.random()
        if kind == "saw":
            sound += 2 * (phase % 1) - 1
        elif kind == "pulse":
            width = 0.5 + 0.4 * numpy.sin(2 * numpy.pi * 0.7 * time + offset) * (len(detune) > 1)
            sound += numpy.where(phase % 1 < width, 1.0, -1.0)
        elif kind == "triangle":
            sound += 4 * numpy.abs(phase % 1 - 0.5) - 1
        else:
            sound += numpy.sin(2 * numpy.pi * phase)
    return sound / numpy.sqrt(len(detune))


def envelope(time, length, attack, decay, sustain, release):
    held = numpy.where(time < attack, time / attack,
                       sustain + (1 - sustain) * numpy.exp(-(time - attack).clip(0) / decay))
    return held * numpy.exp(-(time - length).clip(0) / release)


def voice(chance):
    """A sound: what a player would have dialled in."""
    kind = chance.choice(["saw", "saw", "saw", "pulse", "pulse", "triangle", "modulated"])
    spread = chance.choice([0, 0, 8, 18, 30])
    count = 1 if spread == 0 else int(chance.choice([2, 3, 5]))
    plucked = chance.random() < 0.45
    return {
        "kind": kind, "detune": spread * numpy.linspace(-1, 1, count) if count > 1 else numpy.zeros(1),
        "sub": chance.choice([0, 0, 0.5, 0.8]), "noise": chance.choice([0, 0, 0, 0.05]),
        "ratio": chance.choice([0.5, 1, 1, 2, 3, 1.41, 3.5]), "index": chance.uniform(0.5, 6),
        "attack": chance.choice([0.003, 0.003, 0.02, 0.2]) if not plucked else 0.003,
        "decay": chance.uniform(0.08, 0.5) if plucked else chance.uniform(0.3, 2),
        "sustain": 0.0 if plucked else chance.uniform(0.4, 1), "release": chance.uniform(0.03, 0.5),
        "closed": chance.uniform(1, 4), "open": chance.uniform(4, 30), "resonance": chance.uniform(0.6, 5),
        "sweep": chance.uniform(0.05, 0.8), "vibrato": chance.choice([0, 0, 0, 12, 25]), "rate": chance.uniform(4, 7),
        "drive": chance.choice([0, 0, 2, 6]), "echo": chance.choice([0, 0, 0.3, 0.5]), "beat": chance.uniform(0.15, 0.5),
        "chorus": chance.choice([0, 0.6]), "room": chance.choice([0, 0.2, 0.4]),
    }


def low_pass(sound, cut, resonance):
    """Second order, by the usual bilinear formulas."""
    angle = 2 * numpy.pi * min(cut, 0.45 * OVER) / OVER
    alpha = numpy.sin(angle) / (2 * resonance)
    cosine = numpy.cos(angle)
    return scipy.signal.lfilter([(1 - cosine) / 2, 1 - cosine, (1 - cosine) / 2],
                                [1 + alpha, -2 * cosine, 1 - alpha], sound)


def note(chance, facts, pitch, length, velocity):
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    time = numpy.arange(int((length + min(3 * facts["release"], 1.5)) * OVER)) / OVER
    shaken = time
    if facts["vibrato"]:
        shaken = time + facts["vibrato"] / 1731 / (2 * numpy.pi * facts["rate"]) * numpy.sin(
            2 * numpy.pi * facts["rate"] * time)
    loud = envelope(time, length, facts["attack"], facts["decay"], facts["sustain"], facts["release"])
    if facts["kind"] == "modulated":
        depth = facts["index"] * numpy.exp(-time / facts["sweep"]) + 0.3
        sound = numpy.sin(2 * numpy.pi * frequency * shaken
                          + depth * numpy.sin(2 * numpy.pi * frequency * facts["ratio"] * shaken))
    else:
        sound = oscillator(chance, facts["kind"], frequency, shaken, facts["detune"])
        if facts["sub"]:
            sound += facts["sub"] * oscillator(chance, "pulse", frequency / 2, shaken, numpy.zeros(1))
        if facts["noise"]:
            sound += facts["noise"] * chance.standard_normal(len(sound))
        # The filter closes as the note goes on: between an open and a closed one, faded.
        opened = numpy.exp(-time / facts["sweep"])
        sound = (opened * low_pass(sound, frequency * facts["open"], facts["resonance"])
                 + (1 - opened) * low_pass(sound, frequency * facts["closed"], facts["resonance"]))
    return scipy.signal.resample_poly(sound * loud, 1, 4) * (velocity / 127) ** 1.5


def play(chance, notes, seconds):
    """Notes of a `Piece`, mono at 22 050 Hz, of `seconds`; chance is NumPy's."""
    facts = voice(chance)
    sound = numpy.zeros(int(seconds * RATE) + 4 * RATE)
    for start, end, _, pitch, velocity in notes:
        made = note(chance, facts, pitch, end - start, velocity)
        at = int(start * RATE)
        made = made[: max(0, len(sound) - at)]
        sound[at : at + len(made)] += made
    if facts["drive"]:
        sound = numpy.tanh(sound / (numpy.abs(sound).max() + 1e-9) * facts["drive"])
    if facts["chorus"]:
        at = numpy.arange(len(sound))
        away = RATE * (0.012 + 0.004 * numpy.sin(2 * numpy.pi * 0.6 * at / RATE))
        sound = sound + facts["chorus"] * numpy.interp(at - away, at, sound)
    if facts["echo"]:
        step = int(facts["beat"] * RATE)
        for turn in range(1, 4):
            sound[turn * step :] += facts["echo"] ** turn * sound[: len(sound) - turn * step]
    if facts["room"]:
        sound = sound + facts["room"] * with_room(sound, room_response(chance))
    return fit(sound, int(seconds * RATE)).astype("float32")
