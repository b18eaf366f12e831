#!/usr/bin/env python3
"""A teacher's opinion of rendered music, for the tags that construction can't decide (slow, ambient, classical, ...).

    teach.py WORK INDEX [PART/PARTS]        INDEX: a name below WORK/index, without .ndjson

The teacher is musicnn's MTT_musicnn (Pons and Serra 2019), as for the corpus: 187 log-mel frames at 16 kHz, centred on
each window. Writes WORK/index/teacher-INDEX.PART.npz: an array [windows, 50] for each path, and the tags' names. What
is there is kept, so a run that was stopped goes on.
Needs the packages tensorflow 2.15, librosa 0.10 and, without its dependencies, musicnn.
"""

import importlib.util
import os
import random
import sys
import types

import librosa
import numpy
import scipy.signal
import soundfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow.compat.v1 as tf

from index import read_index

FRAMES, BANDS, RATE, HOP, WINDOW = 187, 96, 16000, 256, 59049 / 22050


def musicnn_modules():
    """musicnn's configuration and models, without the rest of the package, which wants old libraries."""
    spec = importlib.util.find_spec("musicnn")
    folder = list(spec.submodule_search_locations)[0]
    package = types.ModuleType("musicnn")
    package.__path__ = [folder]
    sys.modules["musicnn"] = package
    import musicnn.configuration
    import musicnn.models

    return musicnn.configuration, musicnn.models, folder


def log_mel(path):
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    sound = scipy.signal.resample_poly(sound.mean(1), 320, 441) if rate == 22050 else librosa.resample(
        sound.mean(1), orig_sr=rate, target_sr=RATE)
    mel = librosa.feature.melspectrogram(y=sound, sr=RATE, hop_length=HOP, n_fft=512, n_mels=BANDS).T
    return numpy.log10(10000 * mel + 1).astype("float32")


def patches(mel, count):
    result = numpy.zeros([count, FRAMES, BANDS], "float32")
    for index in range(count):
        start = round((index + 0.5) * WINDOW * RATE / HOP - FRAMES / 2)
        low, high = max(0, start), min(len(mel), start + FRAMES)
        result[index, low - start : high - start] = mel[low:high]
    return result


def is_asked(line):
    """Of the many solos to train with a tenth; their kind's mean stands for the others (`assemble.py`)."""
    return line["split"] != "train" or line["kind"] != "solo" or random.Random(line["path"]).random() < 0.1


def main():
    work, name = sys.argv[1:3]
    part, parts = map(int, (sys.argv[3] if len(sys.argv) > 3 else "0/1").split("/"))
    configuration, models, folder = musicnn_modules()
    tf.disable_eager_execution()
    tf.reset_default_graph()
    threads = int(os.environ.get("THREADS", "2"))
    with tf.name_scope("model"):
        x = tf.placeholder(tf.float32, [None, FRAMES, BANDS])
        training = tf.placeholder(tf.bool)
        y = models.define_model(x, training, "MTT_musicnn", len(configuration.MTT_LABELS))[0]
        opinion = tf.nn.sigmoid(y)
    session = tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1))
    session.run(tf.global_variables_initializer())
    tf.train.Saver().restore(session, os.path.join(folder, "MTT_musicnn") + "/")
    target = os.path.join(work, "index", f"teacher-{name}.{part}.npz")
    known = {}
    if os.path.exists(target):
        with numpy.load(target) as old:
            known = {key: old[key] for key in old.files}
    known["tags"] = numpy.array(configuration.MTT_LABELS)
    lines = read_index(work, name)
    # What is trained with first, and of that what construction says least about; solos in any order, so that a run that
    # is stopped has heard some of every family.
    lines.sort(key=lambda line: (line["split"] == "test", line["kind"] == "solo", random.Random(line["path"]).random()))
    lines = [line for line in lines[part::parts] if line["path"] not in known and is_asked(line)]

    def keep():
        with open(target + ".part", "wb") as file:
            numpy.savez(file, **known)
        os.rename(target + ".part", target)

    batch, owners = [], []
    for number, line in enumerate(lines):
        batch.append(patches(log_mel(os.path.join(work, line["path"])), line["windows"]))
        owners.append((line["path"], line["windows"]))
        if len(owners) == 8 or number == len(lines) - 1:
            values = session.run(opinion, {x: numpy.concatenate(batch), training: False})
            at = 0
            for path, count in owners:
                known[path] = values[at : at + count].astype("float32")
                at += count
            batch, owners = [], []
        if number % 40 == 39:
            keep()
            print(f"{name}: {number + 1} of {len(lines)}", file=sys.stderr, flush=True)
    keep()
    print(f"{target}: {len(known) - 1} sounds")


if __name__ == "__main__":
    main()
