"""MP3, Opus and Vorbis at low rates and back, by libsndfile.

libsndfile is called itself: Debian 12's python3-soundfile can't say how much to compress.
"""

import ctypes
import tempfile

import numpy
import scipy.signal
import soundfile

RATE = 22050
# sndfile.h: formats, and the commands that say how much to compress.
FORMATS = {"mp3": 0x230000 | 0x0082, "vorbis": 0x200000 | 0x0060, "opus": 0x200000 | 0x0064}
SET_COMPRESSION_LEVEL, SET_BITRATE_MODE, CONSTANT = 0x1301, 0x1305, 0
WRITE = 0x20
BLOCK = 8192  # frames; Vorbis overflows the stack with much longer ones


class Info(ctypes.Structure):
    """SF_INFO."""

    _fields_ = [("frames", ctypes.c_int64), ("samplerate", ctypes.c_int), ("channels", ctypes.c_int),
                ("format", ctypes.c_int), ("sections", ctypes.c_int), ("seekable", ctypes.c_int)]


def _library():
    library = ctypes.CDLL("libsndfile.so.1")
    library.sf_open.restype = ctypes.c_void_p
    library.sf_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(Info)]
    library.sf_command.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
    library.sf_writef_double.restype = ctypes.c_int64
    library.sf_writef_double.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    library.sf_close.argtypes = [ctypes.c_void_p]
    library.sf_strerror.restype = ctypes.c_char_p
    library.sf_strerror.argtypes = [ctypes.c_void_p]
    return library


def _encode(path, sound, rate, codec, level):
    library = _library()
    file = library.sf_open(path.encode(), WRITE, ctypes.byref(Info(0, rate, 1, FORMATS[codec], 0, 0)))
    if not file:
        raise RuntimeError(f"libsndfile: {codec}: {library.sf_strerror(None).decode()}")
    value, constant = ctypes.c_double(level), ctypes.c_int(CONSTANT)
    if codec == "mp3":
        library.sf_command(file, SET_BITRATE_MODE, ctypes.byref(constant), ctypes.sizeof(constant))
    library.sf_command(file, SET_COMPRESSION_LEVEL, ctypes.byref(value), ctypes.sizeof(value))
    samples = numpy.ascontiguousarray(sound, "float64")
    for at in range(0, len(samples), BLOCK):
        part = samples[at : at + BLOCK]
        library.sf_writef_double(file, part.ctypes.data, len(part))
    library.sf_close(file)


def coded(chance, sound):
    """Through a codec at a low rate and back. Its delay stays: a window is long."""
    codec = chance.choice(["mp3", "opus", "vorbis"])
    least = {"mp3": 0.75, "opus": 0.7, "vorbis": 0.85}[codec]
    peak = max(1.0, numpy.abs(sound).max() / 0.98)
    rate, source = RATE, sound / peak
    if codec == "opus":
        rate, source = 24000, scipy.signal.resample_poly(source, 24000 // 150, RATE // 150)
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        _encode(file.name, source, rate, codec, chance.uniform(least, 1.0))
        back, rate = soundfile.read(file.name)
    if rate != RATE:
        common = numpy.gcd(rate, RATE)
        back = scipy.signal.resample_poly(back, RATE // common, rate // common)
    return numpy.concatenate([back[: len(sound)] * peak, numpy.zeros(max(0, len(sound) - len(back)))])
