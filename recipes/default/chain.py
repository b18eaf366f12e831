"""What happens to a sound on its way: a room, noise, a microphone, bad cables, a codec."""

import numpy
import scipy.signal

from codec import coded
from sound import RATE, coloured, fit

SPEED_OF_SOUND = 343.0


def room_response(chance):
    """Impulse response of a shoebox room by the image-source method (Allen and Berkley 1979), 22 050 Hz.

    Walls reflect a share that follows from the reverberation time by Sabine's formula, and each reflection also loses
    some treble. Late reflections, too dense to count, are noise with the same decay.
    """
    size = numpy.array([chance.uniform(2.5, 12), chance.uniform(2.5, 9), chance.uniform(2.2, 4.5)])
    time = chance.uniform(0.15, 1.1)
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


def with_noise(chance, sound, ratio):
    """Noise, a quarter of the time with hum in it, at a ratio of signal to noise in dB."""
    noise = coloured(chance, len(sound), chance.uniform(0, 2))
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
            scipy.signal.butter(int(chance.integers(1, 4)), chance.uniform(1800, 9000), "low", fs=RATE, output="sos"),
            sound)
    if kind != 0:
        sound = scipy.signal.sosfilt(
            scipy.signal.butter(int(chance.integers(1, 3)), chance.uniform(50, 450), "high", fs=RATE, output="sos"),
            sound)
    return sound


def resample(sound, rate):
    there = scipy.signal.resample_poly(sound, rate // 50, RATE // 50)
    back = scipy.signal.resample_poly(there, RATE // 50, rate // 50)
    return fit(back, len(sound))


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
