"""A Standard MIDI File, and what sounds in it when."""

import struct

TICKS = 480  # a quarter note
DRUMS = 9  # channel


class Piece:
    """Notes in seconds; tempo is the composer's business, so the file runs at 60 beats a minute."""

    def __init__(self):
        self.events = []
        self.programs = []  # (channel, program)
        self.notes = []  # (start, end, program, pitch, velocity); program -1: drums

    def program(self, channel, program):
        self.programs.append((channel, program))

    def control(self, time, channel, controller, value):
        self.events.append((time, 0, bytes([0xB0 | channel, controller, int(max(0, min(127, value)))])))

    def generator(self, channel, number, offset, step):
        """Moves a soundfont's generator (SoundFont 2.04, 8.1.3) by `offset` of its units, as its section 9.6 has it: by an
        NRPN of the parameter 120, of `step` units each."""
        value = int(max(0, min(16383, 8192 + offset / step)))
        for controller, part in ((99, 120), (98, number), (38, value & 0x7F), (6, value >> 7)):
            self.control(0, channel, controller, part)

    def bend(self, time, channel, semitones):
        """A pitch bend; synthesisers begin with a range of two semitones."""
        value = int(max(0, min(16383, 8192 + semitones / 2 * 8191)))
        self.events.append((time, 0, bytes([0xE0 | channel, value & 0x7F, value >> 7])))

    def note(self, start, length, channel, program, pitch, velocity):
        pitch, velocity = int(pitch), int(max(1, min(127, velocity)))
        if not 0 <= pitch <= 127:
            return
        start, end = max(0.01, start), max(0.01, start) + max(0.03, length)
        self.events.append((start, 2, bytes([0x90 | channel, pitch, velocity])))
        self.events.append((end, 1, bytes([0x80 | channel, pitch, 0])))
        self.notes.append((start, end, -1 if channel == DRUMS else program, pitch, velocity))

    def write(self, path, seconds, banks=None, stretch=1.0):
        """A file of `seconds` times `stretch`; `banks`: where a program's sound is, other than in bank 0."""
        events = []
        for channel, program in self.programs:
            if channel != DRUMS:
                events.append((0, 0, bytes([0xB0 | channel, 0, (banks or {}).get(program, 0)])))
            events.append((0, 0, bytes([0xC0 | channel, program])))
        data = bytearray(b"\x00\xff\x51\x03" + (1_000_000).to_bytes(3, "big"))
        now = 0
        for time, _, message in sorted(events + self.events, key=lambda event: (event[0], event[1])):
            ticks = round(time * stretch * TICKS)
            data += variable_length(ticks - now) + message
            now = ticks
        data += variable_length(max(0, round(seconds * stretch * TICKS) - now)) + b"\xff\x2f\x00"
        with open(path, "wb") as file:
            file.write(b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS))
            file.write(b"MTrk" + struct.pack(">I", len(data)) + bytes(data))


def variable_length(value):
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(value & 0x7F | 0x80)
    return bytes(reversed(parts))
