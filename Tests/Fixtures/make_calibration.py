#!/usr/bin/env python3
"""Writes calibration.safetensors: logits and labels, and the scalings that scikit-learn and SciPy find for them.

    pip install scikit-learn==1.9.1 scipy==1.17.1
    python3 Tests/Fixtures/make_calibration.py
"""

import json
import pathlib
import struct

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, precision_recall_curve


def doubles(values):
    """[2, count]: two floats whose sum holds a double."""
    values = np.asarray(values, dtype=np.float64)
    high = values.astype(np.float32)
    return np.stack([high, (values - high).astype(np.float32)])


def error(probabilities, labels):
    """Expected calibration error over ten bins; a soft label is that share of a positive."""
    bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], probabilities)
    return sum(abs(probabilities[bins == b].sum() - labels[bins == b].sum()) for b in range(10)) / len(labels)


def by_regression(logits, labels):
    """Without a prior it is logistic regression on the logits; a soft label is a positive and a negative, weighted."""
    x = np.concatenate([logits, logits]).astype(np.float64)[:, None]
    y = np.concatenate([np.ones(len(labels)), np.zeros(len(labels))])
    weight = np.concatenate([labels, 1 - labels]).astype(np.float64)
    found = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(x, y, weight)
    return found.coef_[0, 0], found.intercept_[0]


def loss(place, nets, labels, prior):
    scale, shift = place
    yes = np.mean([expit(scale * net.astype(np.float64) + shift) for net in nets], axis=0)
    no = np.mean([expit(-scale * net.astype(np.float64) - shift) for net in nets], axis=0)
    likely = labels * np.log(yes) + (1 - labels) * np.log(no)
    return -likely.sum() + prior / 2 * ((scale - 1) ** 2 + shift**2)


def by_minimisation(nets, labels, prior):
    labels = labels.astype(np.float64)
    found = minimize(loss, [1, 0], (nets, labels, prior), method="Nelder-Mead",
                     options={"xatol": 1e-11, "fatol": 1e-13, "maxiter": 4000, "maxfev": 8000})
    return found.x


def temperature_loss(scale, nets, labels, prior):
    if len(nets) == 1:
        logs = log_softmax(scale * nets[0].astype(np.float64), axis=1)
    else:
        logs = np.log(np.mean([softmax(scale * net.astype(np.float64), axis=1) for net in nets], axis=0))
    return -(labels * logs).sum() + prior / 2 * (scale - 1) ** 2


def main():
    generator = np.random.default_rng(8)
    tensors = {}

    def tag(name, nets, labels, prior, scaling):
        nets = [net.astype(np.float32) for net in nets]
        before = np.mean([expit(net.astype(np.float64)) for net in nets], axis=0)
        after = np.mean([expit(scaling[0] * net.astype(np.float64) + scaling[1]) for net in nets], axis=0)
        tensors[f"{name}.logits"] = np.stack(nets)
        tensors[f"{name}.labels"] = labels
        tensors[f"{name}.prior"] = np.array([prior], dtype=np.float32)
        tensors[f"{name}.expected"] = doubles(list(scaling) + [error(before, labels), error(after, labels)])

    # A net that is too sure, hard labels.
    true = generator.normal(-1, 1.5, 600)
    hard = (generator.random(600) < expit(true)).astype(np.float32)
    logits = (2.5 * true + 0.8).astype(np.float32)
    tag("sure", [logits], hard, 0, by_regression(logits, hard))
    # One that is too cautious, soft labels.
    soft = np.clip(expit(true) + generator.normal(0, 0.1, 600), 0, 1).astype(np.float32)
    logits = (0.3 * true + generator.normal(0, 0.2, 600)).astype(np.float32)
    tag("cautious", [logits], soft, 0, by_regression(logits, soft))
    tag("held", [logits], soft, 10, by_minimisation([logits], soft, 10))
    # Three positives, and a tag that logits tell apart: without the prior there would be no end.
    few = np.zeros(500, dtype=np.float32)
    few[:3] = 1
    logits = generator.normal(-5, 1, 500).astype(np.float32)
    logits[:3] = [-1, 0, 2]
    tag("few", [logits], few, 10, by_minimisation([logits], few, 10))
    # The wrong way round: the scale stays at its bound.
    wrong = (-1.5 * true).astype(np.float32)
    shift = minimize_scalar(lambda b: loss((0.05, b), [wrong], hard, 10), bounds=(-20, 20), method="bounded",
                            options={"xatol": 1e-12}).x
    tag("wrong", [wrong], hard, 10, (0.05, shift))
    # Two nets scaled alike, for their mean.
    nets = [(true + generator.normal(0, 1, 600)).astype(np.float32) for _ in range(2)]
    tag("mean", nets, hard, 10, by_minimisation(nets, hard, 10))

    genres = generator.integers(0, 4, 300)
    labels = np.eye(4, dtype=np.float32)[genres]
    labels[:5] = 0
    nets = [(3 * labels + generator.normal(0, 2, (300, 4))).astype(np.float32) for _ in range(2)]
    tensors["genres.logits"], tensors["genres.labels"] = np.stack(nets), labels
    found = [
        minimize_scalar(temperature_loss, args=(chosen, labels, 10), bounds=(0.05, 5), method="bounded",
                        options={"xatol": 1e-12}).x
        for chosen in ([nets[0]], nets)
    ]
    tensors["genres.expected"] = doubles(found)

    # Thresholds: the best F that scikit-learn finds at any of the scores.
    for index, (share, levels) in enumerate([(0.3, 0), (0.05, 0), (0.4, 12)]):
        positive = generator.random(400) < share
        positive[0] = True
        scores = np.clip(0.6 * generator.random(400) + 0.35 * positive, 0, 1).astype(np.float32)
        if levels:
            scores = np.floor(scores * levels).astype(np.float32) / np.float32(levels)
        best = []
        for beta in (1, 0.5, 2):
            _, _, thresholds = precision_recall_curve(positive, scores)
            best.append(max(fbeta_score(positive, scores >= threshold, beta=beta) for threshold in thresholds))
        tensors[f"threshold.{index}.scores"] = scores
        tensors[f"threshold.{index}.positive"] = positive.astype(np.float32)
        tensors[f"threshold.{index}.expected"] = doubles(best)

    header, data = {}, b""
    for name, values in tensors.items():
        raw = np.ascontiguousarray(values, dtype="<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path = pathlib.Path(__file__).resolve().parent / "calibration.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print({key: value.sum(axis=0) for key, value in tensors.items() if key.endswith("expected")})


if __name__ == "__main__":
    main()
