#!/usr/bin/env python3
"""Which instruments of a soundfont have recordings that a held-out soundfont has too, by name or by their samples.

    shared_recordings.py SOUNDFONT HELD_OUT...

Prints the programs of bank 0 that render.py uses: those that share nothing, and of the others which recordings. A name
in common may be chance or another take; 20 samples in common, in a row and at full resolution, can't be. A recording
that was resampled or made louder under another name would not be found.
"""

import re
import struct
import sys

import numpy

from instruments import BY_PROGRAM

SAMPLE_ID, INSTRUMENT = 53, 41  # Generators of SoundFont 2.04, 8.1.2.
ROW, LEAST = 20, 50  # Samples to have in common; a row that is quieter or simpler than this says nothing.


class Soundfont:
    """Recordings (name, start, end) and the numbers of those that a preset (bank, program) plays."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self._bytes = file.read()
        self._chunks = dict(self._lists())
        start, end = self._chunks[b"smpl"]
        self.audio = self._bytes[start:end]
        self.samples = numpy.frombuffer(self.audio[: (end - start) // 2 * 2], "<i2")
        self.recordings = [(self._name(at), *struct.unpack("<II", self._bytes[at + 20 : at + 28]))
                           for at in range(*self._chunks[b"shdr"], 46)][:-1]
        of_instrument = self._zones(b"inst", 22, 20, b"ibag", b"igen", SAMPLE_ID)
        of_preset = self._zones(b"phdr", 38, 24, b"pbag", b"pgen", INSTRUMENT)
        self.presets = {}
        for at, played in zip(range(*self._chunks[b"phdr"], 38), of_preset):
            program, bank = struct.unpack("<HH", self._bytes[at + 20 : at + 24])
            self.presets[bank, program] = set().union(*(of_instrument[index] for index in played))

    def _lists(self):
        at = 12
        while at + 8 <= len(self._bytes):
            name, size = struct.unpack("<4sI", self._bytes[at : at + 8])
            inner, end = at + 12, at + 8 + size
            while name == b"LIST" and inner + 8 <= end:
                part, length = struct.unpack("<4sI", self._bytes[inner : inner + 8])
                yield part, (inner + 8, inner + 8 + length)
                inner += 8 + length + length % 2
            at = end + size % 2

    def _name(self, at):
        return self._bytes[at : at + 20].split(b"\0")[0].decode("latin1").strip()

    def _zones(self, header, size, at, bag, generators, wanted):
        """For each header the values of one generator in its zones."""
        first = [struct.unpack("<H", self._bytes[here + at : here + at + 2])[0]
                 for here in range(*self._chunks[header], size)]
        begins = [struct.unpack("<H", self._bytes[here : here + 2])[0] for here in range(*self._chunks[bag], 4)]
        values = [struct.unpack("<HH", self._bytes[here : here + 4]) for here in range(*self._chunks[generators], 4)]
        return [{value for zone in range(start, end) for kind, value in values[begins[zone] : begins[zone + 1]]
                 if kind == wanted} for start, end in zip(first, first[1:])]

    def plain_names(self):
        return {plain(name) for name, _, _ in self.recordings}


def plain(name):
    return re.sub(r"[^a-z0-9#]", "", name.lower())


def in_common(font, number, others, names):
    """Whether a recording's name or a row of its samples is in another soundfont."""
    name, start, end = font.recordings[number]
    if plain(name) in names:
        return True
    for part in (0.2, 0.4, 0.6, 0.8):
        at = start + int((end - start) * part)
        row = font.samples[at : at + ROW]
        telling = len(row) == ROW and numpy.abs(row.astype(int)).max() > LEAST and len(set(row.tolist())) > 5
        if telling and any(row.tobytes() in other.audio for other in others):
            return True
    return False


def main():
    font, *others = [Soundfont(path) for path in sys.argv[1:]]
    names = set().union(*(other.plain_names() for other in others))
    own = []
    for program in sorted(BY_PROGRAM):
        played = font.presets.get((0, program), set())
        shared = sorted(font.recordings[number][0] for number in played if in_common(font, number, others, names))
        if shared:
            print(f"program {program} ({BY_PROGRAM[program].family or 'no family'}): {len(shared)} of {len(played)}: "
                  + ", ".join(shared))
        elif played:
            own.append(program)
    print("nothing in common:", ", ".join(map(str, own)))


if __name__ == "__main__":
    main()
