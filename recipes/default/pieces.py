"""Music by rule and chance: solo notes and phrases, ensembles, drums, electronic music.

Every function returns (Piece, seconds, facts); facts has the tempo where there is one and labels that hold throughout.
"""

from instruments import BY_PROGRAM, INSTRUMENTS, of_family
from midi import DRUMS, Piece

SCALES = {"major": [0, 2, 4, 5, 7, 9, 11], "minor": [0, 2, 3, 5, 7, 8, 10], "dorian": [0, 2, 3, 5, 7, 9, 10],
          "pentatonic": [0, 2, 4, 7, 9], "bhairav": [0, 1, 4, 5, 7, 8, 11], "phrygian": [0, 1, 3, 5, 7, 8, 10]}
PROGRESSIONS = [[0, 3, 4, 0], [0, 5, 3, 4], [0, 4, 5, 3], [5, 3, 0, 4], [0, 5, 1, 4], [0, 2, 3, 4], [0, 6, 5, 4],
                [0, 3, 0, 4], [1, 4, 0, 0], [0, 0, 3, 4]]


def choose(random, instruments):
    return random.choices(instruments, [instrument.weight for instrument in instruments])[0]


def prepare(piece, random, channel, program, bank=0):
    """An instrument on a channel: tuning, place, effects."""
    piece.program(channel, program, bank)
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


# Solo


def solo_notes(random, instrument, seconds):
    """One note after the other with air between, as samples of an instrument are recorded."""
    piece = Piece()
    prepare(piece, random, 0, instrument.program)
    time = random.uniform(0.02, 0.6)
    steady = random.random() < 0.5
    gap = random.uniform(1.2, 3.6)
    pitch = random.randint(instrument.low, instrument.high)
    while time < seconds - 0.5:
        if random.random() < 0.5:
            pitch = random.randint(instrument.low, instrument.high)
        else:
            pitch = instrument.low + (pitch + random.randint(-5, 7) - instrument.low) % (instrument.high - instrument.low)
        length = random.choice([0.15, 0.4, 0.8, 1.5, 2.5, 4.0]) * random.uniform(0.8, 1.2)
        piece.note(time, length, 0, instrument.program, pitch, random.choice([30, 50, 70, 85, 100, 115, 127]))
        time += (gap if steady else random.uniform(0.8, 4.0)) + (length if length > 1 and random.random() < 0.7 else 0)
    return piece, seconds, {}


def solo_phrases(random, instrument, seconds):
    """Melodies in one voice, with rests."""
    piece = Piece()
    prepare(piece, random, 0, instrument.program)
    tempo = random.uniform(55, 170)
    beat = 60 / tempo
    key = Key(random, random.choice(["bhairav", "phrygian", "dorian"]) if instrument.family == "sitar" else None)
    low = instrument.low + random.randint(0, max(0, (instrument.high - instrument.low) // 2))
    high = min(instrument.high, low + 24)
    melody(piece, random, 0, instrument, key, 0.05, seconds - 0.3, beat, low, high, rests=0.2)
    if instrument.family == "sitar":
        time = 0.05
        while time < seconds - 1:
            piece.note(time, beat * 2, 0, 104, key.pitch(0, 43, 55), 60)
            time += beat * 4
    return piece, seconds, {"tempo": tempo}


def solo_chords(random, instrument, seconds):
    """Chords, broken or whole, for instruments that can."""
    piece = Piece()
    prepare(piece, random, 0, instrument.program)
    tempo = random.uniform(50, 150)
    beat = 60 / tempo
    key = Key(random)
    progression = random.choice(PROGRESSIONS)
    low = max(instrument.low, random.randint(36, 55))
    style = random.choice(["block", "broken", "strum", "alberti"])
    accompany(piece, random, 0, instrument, key, progression, 0.05, seconds - 0.3, beat, low,
              min(instrument.high, low + 28), "block" if instrument.way in ("bow", "blow", "pad") else style)
    if instrument.way == "keys" and random.random() < 0.6:
        melody(piece, random, 0, instrument, key, 0.05, seconds - 0.3, beat, min(72, instrument.high - 13),
               min(instrument.high, 90), rests=0.15)
    return piece, seconds, {"tempo": tempo}


# Parts


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
    "latin": {KICK: [0, 6, 8, 14], RIM: [0, 3, 6, 10, 12], CONGA: [2, 4, 7, 10, 14], SHAKER: range(0, 16), COW: [0, 4, 8, 12]},
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
    piece.events.append((0, 0, bytes([0xC0 | DRUMS, random.choice(KITS.get(style, [0, 8, 16]))])))
    piece.control(0, DRUMS, 7, random.randint(85, 120))
    piece.control(0, DRUMS, 91, random.choice([0, 20, 40, 80]))


def drum_hits(random, seconds):
    """Single strokes with air between."""
    piece = Piece()
    kit(piece, random, random.choice(list(STYLES)))
    time = random.uniform(0.02, 0.5)
    while time < seconds - 0.3:
        drum = random.choice([35, 36, 37, 38, 38, 39, 40, 41, 42, 43, 45, 46, 47, 48, 49, 50, 51, 53, 54, 55, 57, 60, 61,
                              62, 63, 64, 65, 66])
        for index in range(random.choice([1, 1, 1, 2, 3, 4])):
            piece.note(time + index * random.choice([0.12, 0.25]), 0.2, DRUMS, -1, drum, random.randint(50, 127))
        time += random.uniform(0.5, 2.2)
    return piece, seconds, {}


def drum_solo(random, seconds):
    piece = Piece()
    style = random.choice(list(STYLES))
    kit(piece, random, style)
    tempo = tempo_of(random, style)
    drums(piece, random, style, 0.02, seconds - 0.2, 60 / tempo)
    return piece, seconds, {"tempo": tempo, "style": style}


def tempo_of(random, style):
    low, high = {"punk": (160, 200), "metal": (130, 200), "ballad": (55, 80), "techno": (122, 145), "house": (115, 130),
                 "dnb": (160, 178), "minimal": (118, 132), "swing": (90, 220), "breaks": (100, 140),
                 "march": (95, 125)}.get(style, (80, 140))
    return random.uniform(low, high)


# Several together


def ensemble(random, seconds):
    """Two to five instruments, some with drums; parts come and go by section."""
    piece = Piece()
    with_drums = random.random() < 0.4
    style = random.choice(["rock", "pop", "funk", "swing", "ballad", "march", "latin", "tribal"]) if with_drums else None
    tempo = tempo_of(random, style) if style else random.choice([random.uniform(48, 75), random.uniform(75, 125),
                                                                random.uniform(135, 175)])
    beat, key, progression = 60 / tempo, Key(random), random.choice(PROGRESSIONS)
    families = ["piano", "guitar", "strings", "strings", "harp", "harpsichord", "flute", "sitar", "synth", "choir", "", ""]
    chosen = [choose(random, of_family(family)) for family in random.sample(families, random.choice([2, 2, 3, 3, 4]))]
    section = max(4 * beat, seconds / random.choice([1, 2, 3]))
    for channel, instrument in enumerate(chosen):
        prepare(piece, random, channel, instrument.program)
        time = 0.03
        while time < seconds - 1:
            end = min(time + section, seconds - 0.3)
            if channel == 0 or random.random() < 0.75:
                if channel and (instrument.way in ("bow", "blow", "lead") or random.random() < 0.4):
                    low = max(instrument.low, 55) if instrument.high > 67 else instrument.low
                    melody(piece, random, channel, instrument, key, time, end, beat, low, min(instrument.high, low + 24))
                else:
                    low = max(instrument.low, 43)
                    ways = ["block"] if instrument.way in ("pad", "bow", "blow") else ["block", "broken", "alberti", "strum"]
                    accompany(piece, random, channel, instrument, key, progression, time, end, beat, low,
                              min(instrument.high, low + 26), random.choice(ways))
            time += section
    if random.random() < 0.5:
        program = random.choice([32, 33, 34, 35, 43])
        prepare(piece, random, 7, program)
        bass(piece, random, 7, program, key, progression, 0.03, seconds - 0.3, beat, random.choice(["root", "walk"]))
    if style:
        kit(piece, random, style)
        drums(piece, random, style, 0.03 if random.random() < 0.6 else section, seconds - 0.3, beat)
    return piece, seconds, {"tempo": tempo, "style": style or ""}


def chamber(random, seconds):
    """Strings in parts, perhaps with one more."""
    piece = Piece()
    tempo = random.uniform(50, 150)
    beat, key, progression = 60 / tempo, Key(random), random.choice(PROGRESSIONS)
    programs = random.choice([[40, 40, 41, 42], [48], [49, 40], [40, 42], [44, 42], [48, 42, 43]])
    for channel, program in enumerate(programs):
        instrument = BY_PROGRAM[program]
        prepare(piece, random, channel, program)
        if instrument.way == "pad":
            accompany(piece, random, channel, instrument, key, progression, 0.03, seconds - 0.3, beat, 50, 80, "block")
        else:
            low = instrument.low + random.randint(0, 8)
            melody(piece, random, channel, instrument, key, 0.03, seconds - 0.3, beat, low, low + 17, rests=0.05)
    if random.random() < 0.5:
        instrument = choose(random, of_family(random.choice(["piano", "harpsichord", "flute", "harp", "choir"])))
        prepare(piece, random, 6, instrument.program)
        way = "block" if instrument.way == "pad" else random.choice(["broken", "alberti"])
        if instrument.way == "blow":
            melody(piece, random, 6, instrument, key, 0.03, seconds - 0.3, beat, 65, 88)
        else:
            accompany(piece, random, 6, instrument, key, progression, 0.03, seconds - 0.3, beat, 48, 76, way)
    return piece, seconds, {"tempo": tempo}


def electronic(random, seconds):
    """Drum machine, synthesiser bass, arpeggios, pads; or pads without drums."""
    piece = Piece()
    style = random.choice(["techno", "techno", "house", "dnb", "breaks", "minimal", None])
    tempo = tempo_of(random, style) if style else random.uniform(60, 100)
    beat, key, progression = 60 / tempo, Key(random, random.choice(["minor", "dorian", "phrygian"])), random.choice(PROGRESSIONS)
    leads = [BY_PROGRAM[program] for program in (80, 81, 82, 84, 87)]
    pads = [BY_PROGRAM[program] for program in (88, 89, 90, 94, 95, 50)]
    half = seconds / 2
    if style:
        kit(piece, random, style)
        drums(piece, random, style, random.choice([0.02, 0.02, 8 * beat]), seconds - 0.2, beat, random.randint(100, 124))
        program = random.choice([38, 39, 87])
        prepare(piece, random, 0, program)
        bass(piece, random, 0, program, key, progression, random.choice([0.02, 8 * beat]), seconds - 0.3, beat,
             random.choice(["sixteenths", "eighths"]))
    if random.random() < 0.7:
        lead = random.choice(leads)
        prepare(piece, random, 1, lead.program)
        pitches, _ = key.chord(random.choice(progression), 55, 80, 4)
        time, step, cell = random.choice([0.02, half]), 0, [random.randint(0, 3) for _ in range(random.choice([3, 4, 8, 16]))]
        while time < seconds - 0.4:
            if random.random() < 0.9:
                piece.note(time, beat / 4, 1, lead.program, pitches[cell[step % len(cell)] % len(pitches)],
                           random.randint(70, 105))
            time += beat / 4
            step += 1
    if random.random() < 0.6 or not style:
        pad = random.choice(pads)
        prepare(piece, random, 2, pad.program)
        accompany(piece, random, 2, pad, key, progression, 0.02, seconds - 0.3, beat, 48, 74, "block")
    if random.random() < 0.25:
        other = choose(random, of_family(random.choice(["piano", "strings", "flute", "choir"])))
        prepare(piece, random, 3, other.program)
        melody(piece, random, 3, other, key, random.choice([0.02, half]), seconds - 0.3, beat, 60, 84)
    return piece, seconds, {"tempo": tempo, "style": style or "pads"}


def rock(random, seconds):
    """Distorted guitars, bass and drums."""
    piece = Piece()
    style = random.choice(["rock", "rock", "punk", "metal"])
    tempo = tempo_of(random, style)
    beat, key, progression = 60 / tempo, Key(random, "minor"), random.choice(PROGRESSIONS)
    kit(piece, random, style)
    drums(piece, random, style, 0.02, seconds - 0.2, beat, random.randint(100, 125))
    program = random.choice([33, 34])
    prepare(piece, random, 0, program)
    bass(piece, random, 0, program, key, progression, 0.02, seconds - 0.3, beat, "eighths")
    rhythm = BY_PROGRAM[random.choice([29, 30])]
    prepare(piece, random, 1, rhythm.program)
    time, bar, divide = 0.02, 0, random.choice([0.5, 0.25, 1])
    while time < seconds - 0.4:
        _, root = key.chord(progression[bar % 4], 40, 60)
        while root < 40:
            root += 12
        while root > 52:
            root -= 12
        for step in range(int(4 / divide)):
            at = time + step * divide * beat
            if at < seconds - 0.4 and random.random() < 0.9:
                for pitch in (root, root + 7, root + 12):
                    piece.note(at, divide * beat * 0.9, 1, rhythm.program, pitch, random.randint(90, 120))
        time += 4 * beat
        bar += 1
    if random.random() < 0.5:
        lead = BY_PROGRAM[random.choice([27, 29, 30])]
        prepare(piece, random, 2, lead.program)
        melody(piece, random, 2, lead, key, seconds / 3, seconds - 0.3, beat, 60, 82, loud=110)
    labels = {"rock": 0.9}
    if style == "metal":
        labels["metal"] = 0.8
    return piece, seconds, {"tempo": tempo, "style": style, "labels": labels}


def raga(random, seconds):
    """A sitar over a drone, perhaps with hand drums."""
    piece = Piece()
    tempo = random.uniform(60, 140)
    beat, key = 60 / tempo, Key(random, random.choice(["bhairav", "phrygian", "dorian"]))
    sitar = BY_PROGRAM[104]
    prepare(piece, random, 0, 104)
    prepare(piece, random, 1, 104)
    melody(piece, random, 0, sitar, key, 0.5, seconds - 0.3, beat, 55, 79)
    time = 0.02
    while time < seconds - 1:
        for index, degree in enumerate((4, 7, 7, 0)):
            piece.note(time + index * beat, beat * 1.5, 1, 104, key.pitch(degree, 43, 60), 62)
        time += 4 * beat
    labels = {"indian": 0.9}
    if random.random() < 0.6:
        kit(piece, random, "pop")
        time = 4 * beat
        cell = [random.choice([60, 61, 62, 63, 64, None]) for _ in range(16)]
        step = 0
        while time < seconds - 0.3:
            drum = cell[step % 16]
            if drum:
                piece.note(time, 0.1, DRUMS, -1, drum, random.randint(70, 110))
            time += beat / 2
            step += 1
    if random.random() < 0.3:
        flute = BY_PROGRAM[random.choice([73, 77])]
        prepare(piece, random, 2, flute.program)
        melody(piece, random, 2, flute, key, seconds / 2, seconds - 0.3, beat, 62, 84)
    return piece, seconds, {"tempo": tempo, "labels": labels}


def solo(random, family, seconds, notes_share=0.5):
    """Notes, phrases or chords of one family; family "": of an instrument that has none."""
    if family == "drums":
        return drum_hits(random, seconds) if random.random() < notes_share else drum_solo(random, seconds)
    instrument = choose(random, of_family(family))
    if random.random() < notes_share:
        piece, length, facts = solo_notes(random, instrument, seconds)
        kind = "notes"
    elif instrument.way in ("bow", "blow", "lead") or random.random() < 0.45:
        piece, length, facts = solo_phrases(random, instrument, seconds)
        kind = "phrases"
    else:
        piece, length, facts = solo_chords(random, instrument, seconds)
        kind = "chords"
    return piece, length, facts | {"program": instrument.program, "solo": kind}
