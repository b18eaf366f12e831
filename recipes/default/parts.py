"""Parts that pieces are made of: keys and chords, melodies, accompaniments, basses, drums."""

from instruments import BY_PROGRAM
from midi import DRUMS

SCALES = {"major": [0, 2, 4, 5, 7, 9, 11], "minor": [0, 2, 3, 5, 7, 8, 10], "dorian": [0, 2, 3, 5, 7, 9, 10],
          "pentatonic": [0, 2, 4, 7, 9], "bhairav": [0, 1, 4, 5, 7, 8, 11], "phrygian": [0, 1, 3, 5, 7, 8, 10]}
PROGRESSIONS = [[0, 3, 4, 0], [0, 5, 3, 4], [0, 4, 5, 3], [5, 3, 0, 4], [0, 5, 1, 4], [0, 2, 3, 4], [0, 6, 5, 4],
                [0, 3, 0, 4], [1, 4, 0, 0], [0, 0, 3, 4]]


def choose(random, instruments):
    return random.choices(instruments, [instrument.weight for instrument in instruments])[0]


def prepare(piece, random, channel, program):
    """An instrument on a channel: tuning, place, effects."""
    piece.program(channel, program)
    piece.control(0, channel, 7, random.randint(80, 120))
    piece.control(0, channel, 10, random.randint(30, 98))
    piece.control(0, channel, 91, random.choice([0, 20, 40, 70, 100]))
    piece.control(0, channel, 93, random.choice([0, 0, 0, 30, 70]))
    piece.bend(0, channel, random.uniform(-0.35, 0.35))
    if program >= 0 and BY_PROGRAM[program].way in ("bow", "blow") and random.random() < 0.6:
        piece.control(0, channel, 1, random.randint(10, 90))


class Key:
    def __init__(self, random, scale=None):
        self.scale = SCALES[scale or random.choice(["major", "major", "minor", "minor", "dorian", "pentatonic"])]
        self.tonic = random.randint(0, 11)

    def pitch(self, degree, low, high):
        """A degree's pitch inside low ... high, if there is one; degree counts through octaves."""
        octave, step = divmod(degree, len(self.scale))
        pitch = self.tonic + self.scale[step] + 12 * octave
        while pitch < low:
            pitch += 12
        while pitch > high and pitch - 12 >= low:
            pitch -= 12
        return pitch

    def chord(self, degree, low, high, voices=3):
        seven = self.scale if len(self.scale) == 7 else SCALES["major"]
        root = self.tonic + seven[degree % 7] + 12
        pitches = []
        for voice in range(voices):
            octave, step = divmod(degree + 2 * (voice % 4), 7)
            pitch = self.tonic + seven[step] + 12 * octave + 12 * (voice // 4)
            while pitch < low:
                pitch += 12
            while pitch > high:
                pitch -= 12
            pitches.append(pitch)
        return sorted(set(pitches)), root


def melody(piece, random, channel, instrument, key, start, end, beat, low, high, rests=0.1, legato=None, loud=None):
    legato = legato or random.choice([0.5, 0.9, 1.0])
    loud = loud or random.randint(60, 112)
    degree = 7 * random.randint(0, 1) + random.randint(0, 6)
    rhythm = random.choice([[1], [1, 1, 2], [0.5, 0.5, 1], [0.5, 0.5, 0.5, 0.5], [1.5, 0.5], [2, 2], [0.25] * 4 + [1],
                            [3, 1], [0.5, 0.25, 0.25, 1]])
    time, step = start, 0
    while time < end - 0.1:
        length = rhythm[step % len(rhythm)] * beat
        step += 1
        if random.random() >= rests:
            degree += random.choice([-3, -2, -1, -1, 1, 1, 2, 3, 0])
            degree = max(-3, min(14, degree))
            pitch = key.pitch(degree, low, high)
            piece.note(time, min(length * legato, end - time), channel, instrument.program, pitch,
                       loud + random.randint(-12, 12))
        elif random.random() < 0.3:
            time += 2 * beat
        time += length


def accompany(piece, random, channel, instrument, key, progression, start, end, beat, low, high, style, loud=None):
    loud = loud or random.randint(55, 100)
    time, bar = start, 0
    while time < end - 0.2:
        span = min(4 * beat, end - time)
        pitches, _ = key.chord(progression[bar % len(progression)], low, high, random.choice([3, 4]))
        if style == "block":
            parts = random.choice([1, 1, 2])
            for part in range(parts):
                for pitch in pitches:
                    piece.note(time + part * span / parts, span / parts * 0.97, channel, instrument.program, pitch,
                               loud + random.randint(-6, 6))
        elif style == "strum":
            hits = random.choice([[0, 2], [0, 1, 2, 3], [0, 1, 1.5, 2.5, 3, 3.5], [0, 1.5, 2, 3]])
            for hit in hits:
                for index, pitch in enumerate(pitches):
                    if hit * beat < span:
                        piece.note(time + hit * beat + index * 0.015, beat * 0.9, channel, instrument.program, pitch,
                                   loud + random.randint(-10, 10))
        else:
            order = [0, 2, 1, 2] if style == "alberti" else list(range(len(pitches))) + [1]
            step, divide = 0, random.choice([0.5, 0.5, 0.25])
            while step * divide * beat < span - 0.05:
                pitch = pitches[order[step % len(order)] % len(pitches)]
                piece.note(time + step * divide * beat, beat * random.choice([0.5, 1, 1.5]), channel,
                           instrument.program, pitch, loud + random.randint(-8, 8))
                step += 1
        time += 4 * beat
        bar += 1


def bass(piece, random, channel, program, key, progression, start, end, beat, style=None):
    style = style or random.choice(["root", "eighths", "walk", "sixteenths"])
    time, bar = start, 0
    while time < end - 0.1:
        _, root = key.chord(progression[bar % len(progression)], 28, 50)
        while root < 28:
            root += 12
        while root > 45:
            root -= 12
        if style == "root":
            hits = [(0, 2), (2, 2)]
        elif style == "walk":
            hits = [(step, 1) for step in range(4)]
        elif style == "eighths":
            hits = [(step / 2, 0.5) for step in range(8)]
        else:
            hits = [(step / 4, 0.25) for step in range(16) if step % 4 or random.random() < 0.5]
        for index, (at, length) in enumerate(hits):
            if time + at * beat < end:
                offset = random.choice([0, 0, 7, 12]) if style in ("walk", "sixteenths") and index else 0
                piece.note(time + at * beat, length * beat * 0.9, channel, program, root + offset,
                           random.randint(85, 115))
        time += 4 * beat
        bar += 1


# Drums: sixteenths of a bar of four beats.
KICK, SNARE, RIM, CLAP, HAT, OPEN, RIDE, CRASH, TOM_LOW, TOM_MID, TOM_HIGH, COW, CONGA, SHAKER = (
    36, 38, 37, 39, 42, 46, 51, 49, 41, 45, 48, 56, 63, 70)
STYLES = {
    "rock": {KICK: [0, 8, 10], SNARE: [4, 12], HAT: range(0, 16, 2)},
    "pop": {KICK: [0, 7, 8], SNARE: [4, 12], HAT: range(0, 16, 2), SHAKER: range(0, 16)},
    "punk": {KICK: [0, 4, 8, 12, 14], SNARE: [2, 6, 10, 14], HAT: range(0, 16, 2)},
    "metal": {KICK: range(0, 16), SNARE: [4, 12], RIDE: range(0, 16, 4)},
    "funk": {KICK: [0, 3, 10], SNARE: [4, 7, 9, 12], HAT: range(0, 16)},
    "swing": {RIDE: [0, 4, 7, 8, 12, 15], 44: [4, 12], KICK: [0], SNARE: [15]},
    "ballad": {KICK: [0, 8], RIM: [4, 12], HAT: range(0, 16, 4)},
    "march": {SNARE: [0, 3, 4, 7, 8, 10, 11, 12, 14], KICK: [0, 8]},
    "latin": {KICK: [0, 6, 8, 14], RIM: [0, 3, 6, 10, 12], CONGA: [2, 4, 7, 10, 14], SHAKER: range(0, 16),
              COW: [0, 4, 8, 12]},
    "tribal": {TOM_LOW: [0, 3, 6, 8, 11], TOM_MID: [2, 10, 14], TOM_HIGH: [7, 13], KICK: [0, 8]},
    "techno": {KICK: [0, 4, 8, 12], OPEN: [2, 6, 10, 14], HAT: range(0, 16), CLAP: [4, 12]},
    "house": {KICK: [0, 4, 8, 12], OPEN: [2, 6, 10, 14], CLAP: [4, 12], SHAKER: range(0, 16)},
    "dnb": {KICK: [0, 10], SNARE: [4, 12], HAT: range(0, 16, 2), 40: [7, 9]},
    "breaks": {KICK: [0, 2, 10, 11], SNARE: [4, 7, 9, 12, 15], HAT: range(0, 16, 2)},
    "minimal": {KICK: [0, 4, 8, 12], RIM: [3, 11], HAT: [2, 6, 10, 14]},
}
KITS = {"techno": [25, 24, 0, 8], "house": [25, 24, 8], "dnb": [25, 24, 0], "breaks": [0, 24, 25], "minimal": [25, 24],
        "rock": [0, 16, 8], "metal": [16, 0], "swing": [32, 40, 0], "ballad": [0, 40, 8]}


def drums(piece, random, style, start, end, beat, loud=None):
    loud = loud or random.randint(80, 120)
    pattern = STYLES[style]
    time, bar, crash = start, 0, random.random() < 0.5
    while time < end:
        for drum, steps in pattern.items():
            for step in steps:
                at = time + step * beat / 4
                if at >= end:
                    continue
                if random.random() < 0.95:
                    velocity = loud - (15 if step % 4 else 0) - (20 if drum in (HAT, SHAKER, RIDE) else 0)
                    piece.note(at + random.gauss(0, 0.003), 0.1, DRUMS, -1, drum, velocity + random.randint(-8, 8))
        if bar % 4 == 3 and random.random() < 0.6:
            for step in range(12, 16):
                at = time + step * beat / 4
                if at < end:
                    piece.note(at, 0.1, DRUMS, -1, random.choice([SNARE, TOM_HIGH, TOM_MID, TOM_LOW]), loud)
        if crash and bar % 4 == 0:
            piece.note(time, 0.5, DRUMS, -1, CRASH, loud)
        time += 4 * beat
        bar += 1


def kit(piece, random, style):
    piece.program(DRUMS, random.choice(KITS.get(style, [0, 8, 16])))
    piece.control(0, DRUMS, 7, random.randint(85, 120))
    piece.control(0, DRUMS, 91, random.choice([0, 20, 40, 80]))


def tempo_of(random, style):
    low, high = {"punk": (160, 200), "metal": (130, 200), "ballad": (55, 80), "techno": (122, 145), "house": (115, 130),
                 "dnb": (160, 178), "minimal": (118, 132), "swing": (90, 220), "breaks": (100, 140),
                 "march": (95, 125)}.get(style, (80, 140))
    return random.uniform(low, high)
