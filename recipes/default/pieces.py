"""Music by rule and chance: solo notes and phrases, ensembles, drums, electronic music.

Every function returns (Piece, seconds, facts); facts has the tempo where there is one and labels that hold throughout.
"""

from instruments import BY_PROGRAM, of_family
from midi import DRUMS, Piece
from parts import PROGRESSIONS, STYLES, Key, accompany, bass, choose, drums, kit, melody, prepare, tempo_of


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
            span = instrument.high - instrument.low
            pitch = instrument.low + (pitch + random.randint(-5, 7) - instrument.low) % span
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


def drum_hits(random, seconds):
    """Single strokes with air between."""
    piece = Piece()
    kit(piece, random, random.choice(list(STYLES)))
    time = random.uniform(0.02, 0.5)
    while time < seconds - 0.3:
        drum = random.choice([35, 36, 37, 38, 38, 39, 40, 41, 42, 43, 45, 46, 47, 48, 49, 50, 51, 53, 54, 55, 57, 60,
                              61, 62, 63, 64, 65, 66])
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


def ensemble(random, seconds):
    """Two to five instruments, some with drums; parts come and go by section."""
    piece = Piece()
    with_drums = random.random() < 0.4
    styles = ["rock", "pop", "funk", "swing", "ballad", "march", "latin", "tribal"]
    style = random.choice(styles) if with_drums else None
    tempo = tempo_of(random, style) if style else random.choice(
        [random.uniform(48, 75), random.uniform(75, 125), random.uniform(135, 175)])
    beat, key, progression = 60 / tempo, Key(random), random.choice(PROGRESSIONS)
    families = ["piano", "guitar", "strings", "strings", "harp", "harpsichord", "flute", "sitar", "synth", "choir", "",
                ""]
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
                    melody(piece, random, channel, instrument, key, time, end, beat, low,
                           min(instrument.high, low + 24))
                else:
                    low = max(instrument.low, 43)
                    ways = ["block", "broken", "alberti", "strum"]
                    if instrument.way in ("pad", "bow", "blow"):
                        ways = ["block"]
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
    beat, key = 60 / tempo, Key(random, random.choice(["minor", "dorian", "phrygian"]))
    progression = random.choice(PROGRESSIONS)
    leads = [BY_PROGRAM[program] for program in (80, 81, 82, 84, 87)]
    pads = [BY_PROGRAM[program] for program in (88, 89, 90, 94, 95, 50)]
    half = seconds / 2
    if style:
        kit(piece, random, style)
        drums(piece, random, style, random.choice([0.02, 0.02, 8 * beat]), seconds - 0.2, beat,
              random.randint(100, 124))
        program = random.choice([38, 39, 87])
        prepare(piece, random, 0, program)
        bass(piece, random, 0, program, key, progression, random.choice([0.02, 8 * beat]), seconds - 0.3, beat,
             random.choice(["sixteenths", "eighths"]))
    if random.random() < 0.7:
        lead = random.choice(leads)
        prepare(piece, random, 1, lead.program)
        pitches, _ = key.chord(random.choice(progression), 55, 80, 4)
        time, step = random.choice([0.02, half]), 0
        cell = [random.randint(0, 3) for _ in range(random.choice([3, 4, 8, 16]))]
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
