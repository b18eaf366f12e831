#!/usr/bin/env python3
"""Writes the demo piece, a Standard MIDI File: four ensembles of ten seconds each.

    python3 demo/compose.py piece.mid

Piano alone; strings; techno drums with synthesiser; guitar. Standard library only.
"""

import struct
import sys

TICKS = 480  # a quarter note
BEATS_PER_SECOND = 2  # 120 beats a minute
SECTION = 20  # beats of a section: ten seconds

# General MIDI programs.
PIANO, GUITAR, STRINGS, CELLO, SYNTH_BASS, SAW_LEAD = 0, 24, 48, 42, 38, 81
DRUMS = 9  # channel

A_MINOR, F_MAJOR, C_MAJOR, G_MAJOR = (57, 60, 64), (53, 57, 60), (48, 52, 55), (55, 59, 62)


class Track:
    """Events at beats, in whatever order they are thought of."""

    def __init__(self):
        self.events = []

    def program(self, beat, channel, program):
        self.events.append((beat, 0, bytes([0xC0 | channel, program])))

    def control(self, beat, channel, controller, value):
        self.events.append((beat, 0, bytes([0xB0 | channel, controller, value])))

    def note(self, beat, length, channel, pitch, velocity):
        self.events.append((beat, 2, bytes([0x90 | channel, pitch, velocity])))
        self.events.append((beat + length, 1, bytes([0x80 | channel, pitch, 0])))

    def encoded(self):
        data = bytearray()
        # A microsecond tempo first: 120 beats a minute.
        data += b"\x00\xff\x51\x03" + (1_000_000 // BEATS_PER_SECOND).to_bytes(3, "big")
        time = 0
        for beat, _, message in sorted(self.events, key=lambda event: (event[0], event[1])):
            ticks = round(beat * TICKS)
            data += variable_length(ticks - time) + message
            time = ticks
        data += b"\x00\xff\x2f\x00"
        return b"MTrk" + struct.pack(">I", len(data)) + bytes(data)


def variable_length(value):
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(value & 0x7F | 0x80)
    return bytes(reversed(parts))


def piano(track, start):
    """Slow broken chords under a melody, pedal held for each chord."""
    track.program(start, 0, PIANO)
    melody = [76, 74, 72, 71, 72, 69, 67, 64, 65, 69, 72, 76, 74, 71, 67, 71]
    for bar, chord in enumerate([A_MINOR, F_MAJOR, C_MAJOR, G_MAJOR]):
        beat = start + bar * 4.5
        track.control(beat, 0, 64, 127)
        for step in range(8):
            note = (chord + (chord[0] + 12,))[[0, 1, 2, 3, 2, 1, 2, 3][step]]
            track.note(beat + step * 0.5, 0.9, 0, note - 12 if step == 0 else note, 58 + 4 * (step == 0))
        for step in range(4):
            track.note(beat + step, 1.2, 0, melody[bar * 4 + step], 76)
        track.control(beat + 4.3, 0, 64, 0)


def strings(track, start):
    """Long chords, cellos below."""
    track.program(start, 1, STRINGS)
    track.program(start, 2, CELLO)
    for bar, chord in enumerate([A_MINOR, F_MAJOR, C_MAJOR, G_MAJOR, A_MINOR]):
        beat = start + bar * 3.8
        for pitch in chord + (chord[0] + 12, chord[1] + 12):
            track.note(beat, 3.9, 1, pitch + 12, 84)
        track.note(beat, 3.8, 2, chord[0] - 12, 90)
        track.note(beat, 1.9, 1, chord[2] + 24, 80)
        track.note(beat + 1.9, 1.9, 1, chord[1] + 24, 80)


def techno(track, start):
    """Four on the floor at 120, a bass in sixteenths, a lead."""
    track.program(start, 3, SYNTH_BASS)
    track.program(start, 4, SAW_LEAD)
    for beat in range(SECTION - 1):
        at = start + beat
        track.note(at, 0.2, DRUMS, 36, 127)
        track.note(at + 0.5, 0.1, DRUMS, 46, 96)
        for sixteenth in range(4):
            track.note(at + sixteenth / 4, 0.1, DRUMS, 42, 70)
        if beat % 2:
            track.note(at, 0.2, DRUMS, 39, 112)
        root = (33, 33, 29, 31)[beat // 4 % 4]
        for sixteenth in range(4):
            track.note(at + sixteenth / 4, 0.2, 3, root + (12 if sixteenth == 2 else 0), 116)
        for step, pitch in enumerate((69, 76, 72, 76)):
            track.note(at + step / 4, 0.2, 4, pitch + (0, 0, -4, -2)[beat // 4 % 4], 84)


def guitar(track, start):
    """Plucked arpeggios over a bass note."""
    track.program(start, 5, GUITAR)
    for bar, chord in enumerate([A_MINOR, C_MAJOR, G_MAJOR, A_MINOR, F_MAJOR]):
        beat = start + bar * 3.6
        voices = (chord[0] - 12, chord[1], chord[2], chord[0] + 12, chord[1] + 12)
        for step, voice in enumerate([0, 2, 3, 4, 3, 2, 0, 2, 4, 3, 2, 1]):
            track.note(beat + step * 0.3, 1.2, 5, voices[voice], 96 if voice == 0 else 84)


def main():
    track = Track()
    for index, section in enumerate([piano, strings, techno, guitar]):
        section(track, index * SECTION)
    with open(sys.argv[1], "wb") as file:
        file.write(b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS) + track.encoded())


if __name__ == "__main__":
    main()
