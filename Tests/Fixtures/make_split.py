#!/usr/bin/env python3
"""Writes split.safetensors: windows of songs with tags and with genres, and scikit-learn's figures for them.

    pip install scikit-learn==1.9.1
    python3 Tests/Fixtures/make_split.py
"""

import json
import pathlib
import struct

import numpy as np
from sklearn.metrics import accuracy_score, average_precision_score, roc_auc_score


def doubles(values):
    """[2, count]: two floats whose sum holds a double."""
    values = np.asarray(values, dtype=np.float64)
    high = values.astype(np.float32)
    return np.stack([high, (values - high).astype(np.float32)])


def figures(scores, labels, positive_from, least):
    """Of each tag ROC-AUC and average precision (−1: none), positives; means over tags with enough positives."""
    areas, precisions, counted = [], [], []
    positives = labels >= positive_from
    for tag in range(labels.shape[1]):
        positive = positives[:, tag]
        mixed = 0 < positive.sum() < len(positive)
        areas.append(roc_auc_score(positive, scores[:, tag]) if mixed else -1)
        precisions.append(average_precision_score(positive, scores[:, tag]) if positive.any() else -1)
        if mixed and positive.sum() >= least:
            counted.append(tag)
    return areas + precisions + [np.mean([areas[tag] for tag in counted]), np.mean([precisions[tag] for tag in counted])]


def by_song(values, songs):
    means = [values[songs == song].astype(np.float64).mean(axis=0) for song in range(songs.max() + 1)]
    return np.array(means).astype(np.float32)


def main():
    generator = np.random.default_rng(3)
    tensors = {}
    songs = np.repeat(np.arange(40), generator.integers(1, 11, 40))
    # Soft labels. Of the last two tags one has no positives and one too few.
    chance = generator.random((40, 7))[songs] * np.array([1, 1, 0.7, 0.5, 0.4, 0.2, 0.02])
    labels = np.clip(chance + generator.normal(0, 0.1, chance.shape), 0, 1).astype(np.float32)
    labels[:, 5] = np.minimum(labels[:, 5], 0.2)
    labels[:3, 6] = 0.9
    scores = np.clip(0.6 * labels + 0.5 * generator.random(labels.shape), 0, 1).astype(np.float32)
    # Many windows share a score.
    scores[:, 2] = np.floor(scores[:, 2] * 10) / np.float32(10)
    tensors["tags.scores"], tensors["tags.labels"] = scores, labels
    tensors["tags.songs"] = songs.astype(np.float32)
    tensors["tags.windows"] = doubles(figures(scores, labels, 0.3, 10))
    tensors["tags.by_song"] = doubles(figures(by_song(scores, songs), by_song(labels, songs), 0.3, 4))

    genres = generator.integers(0, 5, 40)
    labels = np.eye(5, dtype=np.float32)[genres[songs]]
    logits = 1.2 * labels + generator.normal(0, 1, labels.shape)
    scores = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    songs_scores = by_song(scores, songs)
    tensors["genres.scores"], tensors["genres.labels"] = scores, labels
    tensors["genres.songs"] = songs.astype(np.float32)
    tensors["genres.accuracy"] = doubles(
        [
            accuracy_score(genres[songs], scores.argmax(axis=1)),
            accuracy_score(genres, songs_scores.argmax(axis=1)),
            roc_auc_score(labels, scores, average="macro"),
            roc_auc_score(by_song(labels, songs), songs_scores, average="macro"),
            average_precision_score(labels, scores, average="macro"),
            average_precision_score(by_song(labels, songs), songs_scores, average="macro"),
        ]
    )

    header, data = {}, b""
    for name, values in tensors.items():
        raw = np.ascontiguousarray(values, dtype="<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path = pathlib.Path(__file__).resolve().parent / "split.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    main()
