#!/usr/bin/env python3
"""Writes embedding.safetensors beside this script: points, and what scikit-learn's t-SNE and silhouette say of them.

    pip install numpy scikit-learn==1.9.1
    python3 Tests/Fixtures/embedding.py

Nothing here knows wavetag's code. The script is seeded; Float64 values are stored as pairs of floats whose sum they are.
"""

import json
import pathlib
import struct

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score

HERE = pathlib.Path(__file__).parent


def pairs(values):
    """Each double as the nearest float and what it lacks."""
    values = np.asarray(values, dtype=np.float64).reshape(-1)
    high = values.astype(np.float32)
    return np.stack([high, (values - high.astype(np.float64)).astype(np.float32)], axis=1)


def write(name, tensors):
    header, offset = {}, 0
    for key, value in tensors.items():
        header[key] = {"dtype": "F32", "shape": value.shape, "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(np.ascontiguousarray(value).tobytes() for value in tensors.values())
    (HERE / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def clusters(generator, count, dimensions, groups, spread):
    """Points around a few centres, some groups larger than others."""
    labels = np.sort(generator.integers(0, groups, count) // generator.integers(1, 3, count))
    centres = generator.normal(size=(groups, dimensions)) * spread
    points = centres[labels] + generator.normal(size=(count, dimensions)) * generator.uniform(0.5, 1.5, (count, 1))
    return points.astype(np.float32), labels


def main():
    tensors = {}
    # Clusters far apart, clusters in each other, and a cloud without any.
    for index, (count, dimensions, groups, spread, perplexity) in enumerate(
        [(240, 20, 4, 3.0, 30.0), (180, 7, 3, 0.8, 12.0), (150, 10, 2, 0.0, 5.0)]
    ):
        generator = np.random.default_rng(index)
        points, labels = clusters(generator, count, dimensions, groups, spread)
        exact = points.astype(np.float64)
        start = PCA(n_components=2, svd_solver="full").fit_transform(exact)
        start = start / start[:, 0].std() * 1e-4
        start = pairs(start).astype(np.float64).sum(axis=1).reshape(count, 2)
        tsne = TSNE(perplexity=perplexity, init=start, method="exact", random_state=0, max_iter=1000)
        plane = tsne.fit_transform(exact)
        random = TSNE(perplexity=perplexity, init="random", method="exact", random_state=0, max_iter=1000)
        random.fit(exact)
        tensors[f"{index}.points"] = points
        tensors[f"{index}.labels"] = labels.astype(np.float32)
        tensors[f"{index}.perplexity"] = np.array([perplexity], dtype=np.float32)
        tensors[f"{index}.start"] = pairs(start)
        tensors[f"{index}.divergence"] = pairs([tsne.kl_divergence_, random.kl_divergence_])
        tensors[f"{index}.plane"] = pairs(plane)
        tensors[f"{index}.silhouette"] = pairs([silhouette_score(exact, labels), silhouette_score(plane, labels)])
        print(index, tsne.kl_divergence_, random.kl_divergence_, tensors[f"{index}.silhouette"].sum(axis=1))
    write("embedding", tensors)


if __name__ == "__main__":
    main()
