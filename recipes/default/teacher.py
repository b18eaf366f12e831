"""The teacher: musicnn's MTT_musicnn (Pons and Serra 2019), asked about 187 log-mel frames at 16 kHz centred on each window.

Needs the packages tensorflow 2.15, librosa 0.10 and, without its dependencies, musicnn.
"""

import importlib.util
import os
import sys
import types

import librosa
import numpy
import scipy.signal
import soundfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow.compat.v1 as tf

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


def patches(mel, count, first=0):
    """Of `count` windows that follow each other, the first at `first` windows from the beginning."""
    result = numpy.zeros([count, FRAMES, BANDS], "float32")
    for index in range(count):
        start = round((first + index + 0.5) * WINDOW * RATE / HOP - FRAMES / 2)
        low, high = max(0, start), min(len(mel), start + FRAMES)
        result[index, low - start : high - start] = mel[low:high]
    return result


class Teacher:
    def __init__(self):
        configuration, models, folder = musicnn_modules()
        tf.disable_eager_execution()
        tf.reset_default_graph()
        with tf.name_scope("model"):
            self._patches = tf.placeholder(tf.float32, [None, FRAMES, BANDS])
            self._training = tf.placeholder(tf.bool)
            logits = models.define_model(self._patches, self._training, "MTT_musicnn", len(configuration.MTT_LABELS))[0]
            self._opinion = tf.nn.sigmoid(logits)
        threads = int(os.environ.get("THREADS", "2"))
        self._session = tf.Session(
            config=tf.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1))
        self._session.run(tf.global_variables_initializer())
        tf.train.Saver().restore(self._session, os.path.join(folder, "MTT_musicnn") + "/")
        self.tags = list(configuration.MTT_LABELS)

    def opinion(self, patches):
        """Probabilities [windows, tags]."""
        return self._session.run(self._opinion, {self._patches: patches, self._training: False})
