#!/usr/bin/env python3
"""Writes the fixtures of the song-level classifier's training: what PyTorch and scikit-learn make of the same songs.

    pip install torch==2.13.0+cpu numpy scikit-learn
    python3 Tests/Fixtures/make_classifiers.py

As make.py: seeded, and knowing nothing of wavetag's code.
"""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression, Ridge

from make import EPSILON, uniform, write

INPUTS, HIDDEN, TAGS, BATCH, STEPS = 7, [6, 5], 3, 8, 20
RATE, DECAY, KEPT = 0.003, 0.05, 0.75


def labels_of(output, generator, *shape):
    if output == "sigmoid":
        return torch.rand(*shape, TAGS, generator=generator)
    return F.one_hot(torch.randint(TAGS, shape, generator=generator), TAGS).float()


def write_training(output):
    """Twenty steps of AdamW, dropout's masks given, weight decay on weights alone."""
    generator = torch.Generator().manual_seed(21 if output == "sigmoid" else 22)
    x = uniform(generator, STEPS, BATCH, INPUTS, low=-2, high=2)
    labels = labels_of(output, generator, STEPS, BATCH)
    widths = [INPUTS] + HIDDEN + [TAGS]
    linears, norms, masks, tensors = [], [], [], {}
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        linear = torch.nn.Linear(inputs, outputs, bias=i == len(HIDDEN))
        with torch.no_grad():
            linear.weight.copy_(uniform(generator, outputs, inputs))
            if linear.bias is not None:
                linear.bias.zero_()
        linears.append(linear)
        tensors[f"weight.{i}"] = linear.weight.detach().numpy().copy()
        if i < len(HIDDEN):
            norms.append(torch.nn.BatchNorm1d(outputs, eps=EPSILON, momentum=0.1))
            mask = (torch.rand(STEPS, BATCH, outputs, generator=generator) < KEPT).float() / KEPT
            masks.append(mask)
            tensors[f"mask.{i}"] = mask.numpy()
    tensors |= {"x": x.numpy(), "labels": labels.numpy()}

    others = [p for norm in norms for p in norm.parameters()] + [linears[-1].bias]
    optimiser = torch.optim.AdamW(
        [{"params": [linear.weight for linear in linears], "weight_decay": DECAY},
         {"params": others, "weight_decay": 0.0}], lr=RATE)

    def keep(name):
        for i, linear in enumerate(linears):
            tensors[f"{name}.weight.{i}"] = linear.weight.detach().numpy().copy()
        for i, norm in enumerate(norms):
            tensors[f"{name}.bias.{i}"] = norm.bias.detach().numpy().copy()
            tensors[f"{name}.scale.{i}"] = norm.weight.detach().numpy().copy()
            tensors[f"{name}.mean.{i}"] = norm.running_mean.numpy().copy()
            tensors[f"{name}.variance.{i}"] = norm.running_var.numpy().copy()
        tensors[f"{name}.bias.{len(HIDDEN)}"] = linears[-1].bias.detach().numpy().copy()

    losses = []
    for step in range(STEPS):
        y = x[step]
        for linear, norm, mask in zip(linears, norms, masks):
            y = F.relu(norm(linear(y))) * mask[step]
        logits = linears[-1](y)
        if output == "sigmoid":
            loss = F.binary_cross_entropy_with_logits(logits, labels[step])
        else:
            loss = F.cross_entropy(logits, labels[step])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if step in (0, STEPS - 1):
            keep(f"after{step + 1}")
    tensors["losses"] = np.array(losses, dtype=np.float32)
    with torch.no_grad():
        y = x[0]
        for linear, norm in zip(linears, norms):
            y = F.relu(norm.eval()(linear(y)))
        logits = linears[-1](y)
    tensors["inferred"] = (torch.sigmoid(logits) if output == "sigmoid" else torch.softmax(logits, 1)).numpy()
    write(f"classifiers/training-{output}", tensors)


def write_started():
    """Two nets' output layers under a linear classifier of their levels -3 and -2, labels drawn apart, full batches."""
    generator = torch.Generator().manual_seed(31)
    songs, share, sharpness, positive = 12, 0.5, 2.0, 0.3
    levels = [2, 2, 3]
    width = 2 * sum(levels)
    x = uniform(generator, songs, width, low=0, high=3)
    labels = torch.rand(songs, TAGS, generator=generator)
    labels[0, 0], labels[1, 1] = 0, 1
    tensors = {"x": x.numpy(), "labels": labels.numpy().copy()}
    offsets = torch.zeros(songs, TAGS)
    learned = torch.ones(width)
    for net in range(2):
        weight, bias = uniform(generator, TAGS, levels[2]), uniform(generator, TAGS)
        top = slice(net * sum(levels) + levels[0] + levels[1], (net + 1) * sum(levels))
        offsets += share / 2 * (x[:, top] @ weight.T + bias)
        learned[top] = 0
        tensors |= {f"output.weight.{net}": weight.numpy(), f"output.bias.{net}": bias.numpy()}
    z = (x - x.mean(0)) / x.std(0, unbiased=False) * learned
    inside = (labels > 0) & (labels < 1)
    drawn = torch.sigmoid(sharpness * (torch.logit(labels.double()) - np.log(positive / (1 - positive)))).float()
    target = torch.where(inside, drawn, labels)
    tensors["sharpened"] = target.numpy()
    linear = torch.nn.Linear(width, TAGS)
    torch.nn.init.zeros_(linear.weight)
    torch.nn.init.zeros_(linear.bias)
    optimiser = torch.optim.AdamW(
        [{"params": [linear.weight], "weight_decay": DECAY}, {"params": [linear.bias], "weight_decay": 0.0}], lr=0.02)
    for _ in range(STEPS):
        loss = F.binary_cross_entropy_with_logits(linear(z) + offsets, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    tensors["loss"] = np.array([loss.item()], dtype=np.float32)
    with torch.no_grad():
        tensors["offsets"] = offsets.numpy()
        tensors["probabilities"] = torch.sigmoid(linear(z) + offsets).numpy()
    write("classifiers/started", tensors)


def write_baselines():
    """Ridge with more songs than features and with fewer, and logistic regression of either kind."""
    tensors = {}
    for name, songs, width in (("tall", 40, 6), ("wide", 9, 14)):
        generator = np.random.default_rng(songs)
        x = generator.normal(size=(songs, width)).astype(np.float32)
        y = generator.random((songs, TAGS)).astype(np.float32)
        tensors |= {f"{name}.x": x, f"{name}.labels": y}
        for penalty in (0.1, 30.0):
            ridge = Ridge(alpha=penalty).fit(x.astype(np.float64), y.astype(np.float64))
            tensors[f"{name}.ridge.{penalty}"] = ridge.predict(x.astype(np.float64)).astype(np.float32)
    generator = np.random.default_rng(5)
    x = generator.normal(size=(60, 5)).astype(np.float32)
    drawn = x @ generator.normal(size=(5, TAGS)) + generator.normal(size=(60, TAGS))
    single = np.argmax(drawn, axis=1)
    tensors |= {
        "logistic.x": x, "logistic.sigmoid.labels": (drawn > 0).astype(np.float32),
        "logistic.softmax.labels": np.eye(TAGS, dtype=np.float32)[single],
    }
    # In double precision: scikit-learn would fit float32 in float32.
    x64 = x.astype(np.float64)
    for penalty in (0.5, 20.0):
        fit = lambda labels: LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=10_000).fit(x64, labels)
        tensors[f"logistic.sigmoid.{penalty}"] = np.stack(
            [fit(drawn[:, tag] > 0).predict_proba(x64)[:, 1] for tag in range(TAGS)], axis=1).astype(np.float32)
        tensors[f"logistic.softmax.{penalty}"] = fit(single).predict_proba(x64).astype(np.float32)
    write("classifiers/baselines", tensors)


def main():
    torch.set_num_threads(1)
    for output in ("sigmoid", "softmax"):
        write_training(output)
    write_started()
    write_baselines()


if __name__ == "__main__":
    main()
