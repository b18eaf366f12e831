"""General MIDI's programs: which tags an instrument makes true, where it plays, how it is played.

A tag's value is what a listener would say of the instrument alone; a family is what the evaluation of solo notes asks
for. Instruments without a family (organs, brass, reeds, bells) are there so that a model learns what is none of them.
"""

# The tags that construction decides. Others come from the teacher.
TAGS = ["piano", "guitar", "strings", "violin", "cello", "harp", "harpsichord", "flute", "sitar", "synth", "drums",
        "choir"]

FAMILIES = ["piano", "guitar", "strings", "harp", "harpsichord", "flute", "sitar", "synth", "drums", "choir"]


class Instrument:
    def __init__(self, program, family, low, high, tags, way, weight=1.0):
        self.program, self.family, self.low, self.high = program, family, low, high
        self.tags, self.way, self.weight = tags, way, weight


def _table():
    rows = []

    def add(programs, family, low, high, tags, way, weight=1.0):
        for program in programs:
            rows.append(Instrument(program, family, low, high, tags, way, weight))

    # way: "keys" and "pluck" ring and play chords, "bow" and "blow" sustain one voice, "pad" sustains chords.
    add([0, 1, 2], "piano", 28, 98, {"piano": 1}, "keys", 2)
    add([3], "piano", 36, 90, {"piano": 1}, "keys", 0.7)
    add([4, 5], "piano", 36, 88, {"piano": 0.7}, "keys", 0.5)
    add([6], "harpsichord", 36, 86, {"harpsichord": 1}, "keys", 3)
    add([24, 25], "guitar", 40, 82, {"guitar": 1}, "pluck", 2.5)
    add([26, 27, 28], "guitar", 40, 84, {"guitar": 1}, "pluck", 1)
    add([29, 30], "guitar", 40, 80, {"guitar": 1}, "pluck", 1.2)
    add([40], "strings", 55, 98, {"strings": 1, "violin": 1}, "bow", 4)
    add([41], "strings", 48, 84, {"strings": 1, "violin": 0.5}, "bow", 1)
    add([42], "strings", 36, 76, {"strings": 1, "cello": 1}, "bow", 3)
    add([43], "strings", 28, 60, {"strings": 1, "cello": 0.5}, "bow", 0.7)
    add([44, 48, 49], "strings", 36, 92, {"strings": 1, "violin": 0.6, "cello": 0.3}, "pad", 1)
    add([45], "strings", 40, 90, {"strings": 0.8, "violin": 0.4, "cello": 0.2}, "pluck", 0.5)
    add([46], "harp", 31, 98, {"harp": 1}, "pluck", 3)
    add([73], "flute", 60, 96, {"flute": 1}, "blow", 4)
    add([72, 74, 75], "flute", 62, 98, {"flute": 0.9}, "blow", 0.8)
    add([77, 79], "flute", 58, 90, {"flute": 0.8}, "blow", 0.4)
    add([104], "sitar", 43, 82, {"sitar": 1}, "pluck", 3)
    add([80, 81, 82, 84, 87], "synth", 36, 90, {"synth": 1}, "lead", 1)
    add([88, 89, 90, 94, 95, 99, 101], "synth", 36, 88, {"synth": 0.9}, "pad", 0.7)
    add([50, 51], "synth", 36, 86, {"synth": 0.8, "strings": 0.6}, "pad", 0.4)
    add([38, 39, 62], "synth", 28, 62, {"synth": 0.9}, "lead", 0.7)
    add([52, 53], "choir", 45, 82, {"choir": 1}, "pad", 3)
    add([54], "choir", 45, 82, {"choir": 0.7, "synth": 0.5}, "pad", 0.4)
    # Without a family.
    add([16, 17, 18, 19, 20], "", 36, 90, {}, "pad")
    add([21, 22, 23], "", 50, 86, {}, "blow")
    add([56, 57, 59, 60], "", 46, 84, {}, "blow")
    add([58], "", 30, 60, {}, "blow", 0.5)
    add([61], "", 40, 80, {}, "pad", 0.5)
    add([64, 65, 66, 67], "", 44, 84, {}, "blow")
    add([68, 69, 70, 71], "", 46, 88, {}, "blow")
    add([8, 9, 11, 12, 13, 14], "", 55, 96, {}, "keys")
    add([7, 15], "", 40, 84, {}, "keys", 0.5)
    add([32, 33, 34, 35, 36], "", 28, 55, {}, "pluck")
    add([105, 106, 107, 108], "", 48, 84, {}, "pluck", 0.5)
    add([109, 110], "", 55, 86, {}, "blow", 0.4)
    return rows


INSTRUMENTS = _table()
BY_PROGRAM = {instrument.program: instrument for instrument in INSTRUMENTS}


def of_family(family):
    return [instrument for instrument in INSTRUMENTS if instrument.family == family]


def tags_of(program):
    """What a sounding program makes true; -1: drums."""
    return {"drums": 1} if program < 0 else BY_PROGRAM[program].tags
