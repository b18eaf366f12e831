"""Speech, synthetic and recorded, and recorded effects, out of Debian packages; each split has its own voices."""

import functools
import glob
import subprocess
import tempfile

import numpy

from sound import RATE, at_level, coloured, read

ESPEAK = {
    "train": ["en-gb", "en-us", "de", "fr-fr", "es", "it", "pl", "sv", "nl", "ru", "hi", "cs", "el", "fi", "tr", "hu"],
    "valid": ["en-gb-scotland", "pt", "ro", "da"],
    "test": ["en-gb-x-rp", "pt-br", "nb", "es-419", "sk", "fr-be", "id"],
}
VARIANTS = {
    "train": ["", "+m1", "+m2", "+m3", "+m5", "+f1", "+f2", "+f4", "+croak"],
    "valid": ["+m4", "+f3"],
    "test": ["+m6", "+m7", "+f5", "+whisper"],
}
FLITE = {"train": ["kal", "awb", "slt"], "valid": ["kal16"], "test": ["rms"]}
RECORDED = {
    "train": ["/usr/share/asterisk/sounds/en*/**/*.wav", "/usr/share/asterisk/sounds/fr*/**/*.wav",
              "/usr/share/asterisk/sounds/ru*/**/*.wav"],
    "valid": ["/usr/share/asterisk/sounds/es*/**/*.wav"],
    "test": ["/usr/share/asterisk/sounds/it*/**/*.wav"],
}
EFFECTS = {
    "train": ["/usr/share/games/teeworlds/data/audio/[!v]*.wv"],
    "valid": ["/usr/share/sounds/freedesktop/stereo/*.oga"],
}
WORDS = """
the of and a to in is you that it he was for on are as with his they at be this have from or one had by word but not
what all were we when your can said there use an each which she do how their if will up other about out many then
them these so some her would make like him into time has look two more write go see number no way could people my
than first water been call who oil its now find long down day did get come made may part over new sound take only
little work know place year live me back give most very after thing our just name good sentence man think say great
where help through much before line right too mean old any same tell boy follow came want show also around form
three small set put end does another well large must big even such because turn here why ask went men read need land
different home us move try kind hand picture again change off play spell air away animal house point page letter
mother answer found study still learn should world high
""".split()  # noqa: SIM905


@functools.lru_cache
def files(*patterns):
    return sorted({path for pattern in patterns for path in glob.glob(pattern, recursive=True)})


def string_together(chance, paths, length, gap):
    """Files in a row, with pauses, until `length` is full."""
    sound, at = numpy.zeros(length), 0
    while at < length:
        try:
            piece = read(paths[chance.integers(len(paths))])
        except Exception:
            piece = numpy.zeros(0)
        if len(piece) < 400 or numpy.abs(piece).max() < 1e-3:
            at += 200
            continue
        end = min(length, at + len(piece))
        sound[at:end] = piece[: end - at]
        at = end + int(RATE * chance.uniform(*gap))
    return sound


def effects(chance, length, split):
    paths = files(*EFFECTS.get(split, ()))
    if not paths:
        return None
    sound = string_together(chance, paths, length, (0, 0.8))
    return at_level(sound, chance.uniform(-40, -14)), {"noise": 0.4}


def sentence(chance):
    words = [WORDS[chance.integers(len(WORDS))] for _ in range(int(chance.integers(4, 14)))]
    return " ".join(words).capitalize() + "."


def speak(chance, length, split):
    """Synthetic or recorded speech."""
    recorded = files(*RECORDED[split])
    kind = chance.random()
    if recorded and kind < 0.45:
        return string_together(chance, recorded, length, (0.05, 0.7))
    text = " ".join(sentence(chance) for _ in range(max(3, int(length / RATE / 2))))
    with tempfile.NamedTemporaryFile(suffix=".wav", dir="/dev/shm") as out:
        if kind < 0.65:
            voices = FLITE[split]
            command = ["flite", "-voice", voices[chance.integers(len(voices))],
                       "--setf", f"duration_stretch={chance.uniform(0.75, 1.3):.2f}",
                       "--setf", f"int_f0_target_mean={chance.uniform(80, 220):.0f}", "-t", text, "-o", out.name]
        else:
            voice = ESPEAK[split][chance.integers(len(ESPEAK[split]))]
            variant = VARIANTS[split][chance.integers(len(VARIANTS[split]))]
            command = ["espeak-ng", "-v", voice + variant, "-s", str(int(chance.uniform(110, 230))),
                       "-p", str(int(chance.uniform(15, 85))), "-w", out.name, text]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        sound = read(out.name)
    while 0 < len(sound) < length:
        sound = numpy.concatenate([sound, sound])
    return sound[:length]


def speech(chance, length, split):
    sound = speak(chance, length, split)
    if len(sound) < length or numpy.abs(sound).max() < 1e-3:
        return None
    sound = at_level(sound, chance.uniform(-40, -14))
    if chance.random() < 0.5:
        level = 20 * numpy.log10(sound.std() + 1e-9) - chance.uniform(5, 35)
        sound = sound + at_level(coloured(chance, length, chance.uniform(0, 2)), level)
    return sound, {"speech": 1}
