"""What is said of a window: by construction, by the teacher, and after what was done to the sound."""

import numpy

from instruments import TAGS

# Of the corpus's 50 tags, those with at least 20 positive windows in a split or well rendered; voices are left out (the
# corpus has next to none), and so are doubles (beats, choral) and pop. Three are added.
KEPT = ["techno", "electronic", "drums", "fast", "beat", "guitar", "slow", "synth", "classical", "ambient", "strings",
        "violin", "rock", "piano", "flute", "loud", "indian", "quiet", "sitar", "dance", "cello", "metal", "harp",
        "choir", "harpsichord"]
ADDED = ["silence", "speech", "noise"]
# What construction decides of rendered music; of the rest a teacher is repeated, on test as well.
BUILT = TAGS + ["indian"] + ADDED
SILENT = -60  # dB of full scale, root mean square of a window


def none():
    """Nothing is heard."""
    return dict.fromkeys(KEPT + ADDED, 0.0)


def silent():
    return none() | {"silence": 1.0}


def corpus_labels(row):
    """Of a row of the corpus's manifest."""
    return none() | {tag: float(row[f"tag:{tag}"]) for tag in KEPT}


def music_labels(line, index, opinion):
    """What is said of a window of rendered music: construction first, then the teacher within reason."""
    made = line["labels"][index]
    labels = none()
    if line["level"][index] < SILENT:
        return silent()
    if not made:
        return None  # A tail; nobody can say what of.
    for tag in KEPT:
        if tag in opinion:
            labels[tag] = float(opinion[tag])
    drums, synth = made["drums"] > 0, made["synth"] > 0
    if not drums:
        for tag, most in (("beat", 0.1), ("rock", 0.15), ("metal", 0.1), ("dance", 0.05)):
            labels[tag] = min(labels[tag], most)
        if not synth:
            labels["techno"] = min(labels["techno"], 0.05)
            labels["electronic"] = min(labels["electronic"], 0.2)
    if made["sitar"]:
        labels["indian"] = max(labels["indian"], 0.6)
    else:
        labels["indian"] = min(labels["indian"], 0.1)
    if line["kind"] == "electronic" and (drums or synth):
        style = line["style"]
        if style == "pads":
            more = {"electronic": 0.6, "ambient": 0.8}
        elif style in ("techno", "house", "minimal"):
            more = {"techno": 0.9, "electronic": 0.9, "beat": 0.5, "dance": 0.4}
        else:
            more = {"electronic": 0.9, "techno": 0.6, "beat": 0.4}
        if not drums:
            more = {"electronic": 0.7, "techno": 0.4}
        for tag, value in more.items():
            labels[tag] = max(labels[tag], value)
    if line["kind"] == "chamber":
        labels["classical"] = max(labels["classical"], 0.8)
    for tag in TAGS:
        labels[tag] = float(made.get(tag, 0))
    for tag, value in made.items():
        labels[tag] = float(value)
    return labels


def nonmusic_labels(line, index, under):
    """Of a window of something that is no music; `under`: the labels of the music beneath it, or None."""
    if line["level"][index] < SILENT:
        return silent()
    return none() | (under or {}) | {"silence": 0.0} | line["labels"][index]


def degraded_labels(said, line, index, clean=None):
    """Of a degraded window, from the clean one's; `clean`: levels of the clean sound's windows."""
    if said is None:
        return None
    said, ratio, level = dict(said), line["ratio"], line["level"][index]
    if clean and ratio < 90 and said["silence"] < 0.5:
        # Noise was added at a ratio to the whole sound; a soft window has less.
        ratio += clean[index] - 10 * numpy.log10(numpy.mean(10 ** (numpy.array(clean) / 10)))
        if ratio < -6:
            return None
    if level < SILENT - 6:
        return silent()
    if said["silence"] >= 0.5:
        # A pause, in which now only what was added is heard.
        return none() | ({"noise": 1.0} if ratio < 45 and level > SILENT else {"silence": 1.0})
    if ratio < 5:
        said["noise"] = 1.0
    elif ratio < 10:
        said["noise"] = max(said["noise"], 0.5)
    return said
