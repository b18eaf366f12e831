#!/usr/bin/env python3
"""Writes the fixtures beside this script: small nets and what PyTorch says of them.

    pip install torch==2.13.0+cpu numpy scikit-learn
    python3 Tests/Fixtures/make.py

Nothing here knows wavetag's code: nets are built from torch's own layers, after the papers. The script is
seeded, and two runs write the same bytes.
"""

import json
import pathlib
import struct

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
SHAPES = [(2, 13), (2, 14), (3, 8), (3, 9), (4, 6), (4, 7), (5, 5), (5, 6)]
EPSILON = 1e-5
TAGS = ["guitar", "techno", "female vocal"]


def uniform(generator, *shape, low=-1.0, high=1.0):
    return torch.rand(*shape, generator=generator) * (high - low) + low


def batch_norm(generator, width):
    return {
        "weight": uniform(generator, width, low=-0.4, high=1.3),
        "bias": uniform(generator, width, low=-0.1, high=0.4),
        "running_mean": uniform(generator, width, low=-0.2, high=0.2),
        "running_var": uniform(generator, width, low=0.3, high=1.1),
    }


def normalise(x, p):
    return F.batch_norm(x, p["running_mean"], p["running_var"], p["weight"], p["bias"], False, 0.0, EPSILON)


def make_net(m, n, generator):
    """Random weights of an m^n net of a few channels a layer, in He's scale so that no layer dies."""
    widths = [3 + i % 3 for i in range(n + 2)]
    layers = []
    inputs = 1
    for i, width in enumerate(widths):
        taps = 1 if i == n + 1 else m
        bound = (6 / (inputs * taps)) ** 0.5
        layers.append({
            "weight": uniform(generator, width, inputs, taps, low=-bound, high=bound),
            # One layer without a bias: the file may leave it out.
            "bias": None if i == 2 else uniform(generator, width, low=-0.1, high=0.1),
            "bn": batch_norm(generator, width),
        })
        inputs = width
    output = {"weight": uniform(generator, len(TAGS), inputs), "bias": uniform(generator, len(TAGS))}
    return widths, layers, output


def forward(m, n, first_padding, layers, output, window):
    """All layers' activations after their pooling, each [channels, columns], and the probabilities."""
    x = window[None, None]
    activations = []
    for i, layer in enumerate(layers):
        if i == 0:
            x = F.conv1d(F.pad(x, (first_padding, 0)), layer["weight"], layer["bias"], stride=m)
        elif i <= n:
            left = (m - 1) // 2
            x = F.conv1d(F.pad(x, (left, m - 1 - left)), layer["weight"], layer["bias"])
        else:
            x = F.conv1d(x, layer["weight"], layer["bias"])
        x = F.relu(normalise(x, layer["bn"]))
        if 1 <= i <= n:
            x = F.max_pool1d(x, m)
        activations.append(x[0])
    logits = F.linear(x[0, :, 0], output["weight"], output["bias"])
    return activations, torch.sigmoid(logits)


def chosen_columns(count):
    """The first and last 12 columns, where the padding shows, and 16 between."""
    chosen = set(range(min(12, count))) | set(range(max(0, count - 12), count))
    chosen |= {int(i) for i in np.linspace(0, count - 1, 16)}
    return sorted(chosen)


def tensors_of_batch_norm(name, p):
    return {f"{name}.{key}": value.numpy() for key, value in p.items()}


def write(name, tensors, config=None):
    metadata = None
    if config is not None:
        metadata = {"format": "wavetag", "version": "1", "config": json.dumps(config)}
    path = HERE / f"{name}.safetensors"
    path.parent.mkdir(exist_ok=True)
    header, offset = ({"__metadata__": metadata} if metadata else {}), 0
    for key, value in tensors.items():
        dtype = {"float32": "F32", "float16": "F16"}[value.dtype.name]
        header[key] = {"dtype": dtype, "shape": value.shape, "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(np.ascontiguousarray(value).tobytes() for value in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_nets(signal):
    for m, n in SHAPES:
        for first_padding in (0, 1):
            generator = torch.Generator().manual_seed(1000 * m + 10 * n + first_padding)
            widths, layers, output = make_net(m, n, generator)
            name = f"{m}^{n}"
            tensors = {f"nets.{name}.output.{key}": value.numpy() for key, value in output.items()}
            for i, layer in enumerate(layers):
                prefix = f"nets.{name}.layers.{i}"
                tensors[f"{prefix}.conv.weight"] = layer["weight"].numpy()
                if layer["bias"] is not None:
                    tensors[f"{prefix}.conv.bias"] = layer["bias"].numpy()
                tensors |= tensors_of_batch_norm(f"{prefix}.bn", layer["bn"])
            net = {"name": name, "m": m, "n": n, "widths": widths}
            if first_padding:
                net["first_padding"] = first_padding
            config = {"sample_rate": 22050, "tags": TAGS, "bn_epsilon": EPSILON, "output": "sigmoid", "nets": [net]}
            stem = f"nets/{m}-{n}-padding{first_padding}"
            write(stem, tensors, config)
            if (m, n, first_padding) == (3, 8, 0):
                write("nets/half-precision", {k: v.astype(np.float16) for k, v in tensors.items()}, config)

            activations, probabilities = forward(m, n, first_padding, layers, output, signal[: m ** (n + 1)])
            expected = {"probabilities": probabilities.numpy()}
            for i, activation in enumerate(activations):
                columns = chosen_columns(activation.shape[1])
                expected[f"activations.{i}"] = activation[:, columns].T.numpy()  # [columns, channels]
                expected[f"columns.{i}"] = np.array(columns, dtype=np.float32)
            features = [activation.max(dim=1).values for activation in activations[-3:]]
            expected["features"] = torch.cat(features).numpy()
            write(f"{stem}-expected", expected)


def write_classifiers():
    """Two hidden layers over two nets' features of which it reads three levels of one and two of the other."""
    nets = [("3^8", 3, 8), ("4^6", 4, 6)]
    for output in ("sigmoid", "softmax"):
        generator = torch.Generator().manual_seed(7 if output == "sigmoid" else 8)
        tensors = {}
        widths = {}
        shapes = []
        for name, m, n in nets:
            net_widths, layers, out = make_net(m, n, generator)
            widths[name] = net_widths
            shapes.append({"name": name, "m": m, "n": n, "widths": net_widths})
            for i, layer in enumerate(layers):
                prefix = f"nets.{name}.layers.{i}"
                tensors[f"{prefix}.conv.weight"] = layer["weight"].numpy()
                tensors |= tensors_of_batch_norm(f"{prefix}.bn", layer["bn"])
            tensors |= {f"nets.{name}.output.{key}": value.numpy() for key, value in out.items()}
        features = uniform(generator, sum(sum(widths[name][-3:]) for name, _, _ in nets), low=0, high=2)
        # The classifier names the second net first, and levels in an order of its own.
        order = [("4^6", level) for level in (-1, -3)] + [("3^8", level) for level in (-1, -3)]
        start = {"3^8": 0, "4^6": sum(widths["3^8"][-3:])}
        x = []
        for name, level in order:
            begin = start[name] + sum(widths[name][-3:][: level + 3])
            x.append(features[begin : begin + widths[name][level]])
        x = torch.cat(x)
        mean, std = uniform(generator, len(x)), uniform(generator, len(x), low=0.2, high=2)
        tensors |= {"classifier.norm.mean": mean.numpy(), "classifier.norm.std": std.numpy()}
        x = (x - mean) / std
        hidden = [6, 5]
        for i, width in enumerate(hidden + [len(TAGS)]):
            weight, bias = uniform(generator, width, len(x)), uniform(generator, width)
            tensors |= {f"classifier.layers.{i}.weight": weight.numpy(), f"classifier.layers.{i}.bias": bias.numpy()}
            x = F.linear(x, weight, bias)
            if i < len(hidden):
                bn = batch_norm(generator, width)
                tensors |= tensors_of_batch_norm(f"classifier.layers.{i}.bn", bn)
                x = F.relu(normalise(x[None], bn)[0])
        probabilities = torch.sigmoid(x) if output == "sigmoid" else torch.softmax(x, 0)
        config = {
            "sample_rate": 22050, "tags": TAGS, "bn_epsilon": EPSILON, "output": output, "nets": shapes,
            "classifier": {"nets": ["4^6", "3^8"], "levels": [-1, -3], "hidden": hidden, "bn_epsilon": EPSILON},
        }
        write(f"classifiers/{output}", tensors, config)
        write(f"classifiers/{output}-expected", {"features": features.numpy(), "probabilities": probabilities.numpy()})


def write_metrics():
    """Scores with and without ties, and scikit-learn's ROC-AUC and average precision, each double as two floats."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    tensors = {}
    for index, (count, share, levels) in enumerate(
        [(500, 0.3, 0), (500, 0.02, 0), (1000, 0.5, 10), (37, 0.2, 3), (200, 0.9, 1), (2, 0.5, 0)]
    ):
        generator = np.random.default_rng(index)
        positive = generator.random(count) < share
        positive[0], positive[-1] = True, False
        scores = (generator.random(count) + 0.3 * positive).astype(np.float32)
        if levels:
            scores = np.floor(scores * levels).astype(np.float32) / np.float32(levels)
        expected = []
        for value in (roc_auc_score(positive, scores), average_precision_score(positive, scores)):
            high = np.float32(value)
            expected += [high, np.float32(value - np.float64(high))]
        tensors[f"{index}.scores"] = scores
        tensors[f"{index}.positive"] = positive.astype(np.float32)
        tensors[f"{index}.expected"] = np.array(expected, dtype=np.float32)
    write("metrics", tensors)


def doubles(values):
    """[2, count]: two floats whose sum holds a double."""
    values = np.asarray(values, dtype=np.float64)
    high = values.astype(np.float32)
    return np.stack([high, (values - high).astype(np.float32)])


def draw_songs(seed, resamples, songs):
    """[resamples, songs]: how often a song is drawn. SplitMix64, the upper half of a 64 by 64 bit product."""
    state, mask = seed, 2**64 - 1
    counts = np.zeros((resamples, songs), dtype=np.int64)
    for resample in range(resamples):
        for _ in range(songs):
            state = (state + 0x9E3779B97F4A7C15) & mask
            mixed = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & mask
            mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & mask
            counts[resample, ((mixed ^ mixed >> 31) * songs) >> 64] += 1
    return counts


def write_evaluation():
    """Curves, calibration, a confusion matrix and bootstrap intervals, from scikit-learn."""
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_auc_score, roc_curve

    tensors = {}
    for index, (count, share, levels) in enumerate([(400, 0.3, 0), (300, 0.05, 20), (60, 0.5, 3), (50, 0.2, 1)]):
        generator = np.random.default_rng(100 + index)
        positive = generator.random(count) < share
        positive[0], positive[-1] = True, False
        scores = np.clip(generator.random(count) * 0.7 + 0.3 * positive, 0, 1).astype(np.float32)
        if levels:
            scores = np.floor(scores * levels).astype(np.float32) / np.float32(levels)
        precision, recall, _ = precision_recall_curve(positive, scores)
        false_rate, true_rate, _ = roc_curve(positive, scores, drop_intermediate=False)
        exact = scores.astype(np.float64)
        share_of_positives, mean_probability = calibration_curve(positive, exact, n_bins=10)
        bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], exact)
        counts = np.bincount(bins, minlength=10)
        counts = counts[counts > 0]
        error = np.sum(counts / count * np.abs(share_of_positives - mean_probability))
        tensors |= {
            f"{index}.scores": scores,
            f"{index}.positive": positive.astype(np.float32),
            f"{index}.precision": doubles(precision),
            f"{index}.recall": doubles(recall),
            f"{index}.false_positive_rate": doubles(false_rate),
            f"{index}.true_positive_rate": doubles(true_rate),
            f"{index}.calibration.counts": counts.astype(np.float32),
            f"{index}.calibration.labels": doubles(share_of_positives),
            f"{index}.calibration.probabilities": doubles(mean_probability),
            f"{index}.calibration.error": doubles([error]),
        }

    generator = np.random.default_rng(7)
    genres = generator.integers(0, 4, 200)
    scores = (generator.random((200, 4)) + 0.6 * np.eye(4)[genres]).astype(np.float32)
    tensors |= {
        "genres.scores": scores,
        "genres.labels": np.eye(4, dtype=np.float32)[genres],
        "genres.confusion": confusion_matrix(genres, scores.argmax(axis=1)).astype(np.float32),
    }

    # 25 songs of 1 to 9 windows, three tags; the last has positives in two songs only, so that some resamples have none.
    songs = np.repeat(np.arange(25), generator.integers(1, 10, 25))
    labels = generator.random((len(songs), 3)) < [0.5, 0.2, 0.0]
    labels[np.isin(songs, [3, 11]), 2] = True
    scores = (generator.random((len(songs), 3)) + 0.25 * labels).astype(np.float32)
    scores[:, 1] = np.floor(scores[:, 1] * 8) / 8
    areas = []
    for counts in draw_songs(5, 203, 25):
        weight = counts[songs].astype(np.float64)
        here = [len(set(labels[weight > 0, tag])) == 2 for tag in range(3)]
        areas.append([
            roc_auc_score(labels[:, tag], scores[:, tag], sample_weight=weight) if here[tag] else np.nan
            for tag in range(3)
        ])
    areas = np.array(areas)
    assert np.isnan(areas).any() and not np.isnan(areas).all(axis=1).any()
    ends = [5, 95]
    tensors |= {
        "bootstrap.scores": scores,
        "bootstrap.labels": labels.astype(np.float32),
        "bootstrap.songs": songs.astype(np.float32),
        "bootstrap.tags": doubles(np.nanpercentile(areas, ends, axis=0).T.ravel()),
        "bootstrap.macro": doubles(np.percentile(np.nanmean(areas, axis=1), ends)),
        # Without the tag that has few positives.
        "bootstrap.macro_of_two": doubles(np.percentile(areas[:, :2].mean(axis=1), ends)),
        "bootstrap.positives": labels.sum(axis=0).astype(np.float32),
    }
    write("evaluation", tensors)


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(1)
    time = torch.arange(5**7) / 22050
    tones = sum(torch.sin(2 * torch.pi * f * time) for f in (110.0, 441.0, 3520.0)) / 6
    signal = tones + 0.2 * uniform(generator, len(time))
    write("signal", {"samples": signal.numpy()})
    write_nets(signal)
    write_classifiers()
    write_metrics()
    write_evaluation()


if __name__ == "__main__":
    main()
