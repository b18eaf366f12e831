#!/usr/bin/env python3
"""Writes the fixtures of training, in `training` beside this script: losses and weights after steps of PyTorch's.

    pip install torch==2.13.0+cpu numpy
    python3 Tests/Fixtures/make_training.py

It starts from the nets that make.py has written, and computes in 64 bits: what differs from it is wavetag's
rounding alone. With --rough it says how far PyTorch's own 32 bits are from that: nets of three channels and a
dozen layers are chaotic at the papers' learning rate, and no two programs agree after 20 steps.
"""

import json
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

from make import EPSILON, HERE, SHAPES, write

BATCH = 8
RATE = 1e-4
STEPS = 20


def read(name):
    data = (HERE / f"{name}.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", None)
    tensors = {}
    for key, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[key] = np.frombuffer(data[begin:end], dtype=np.float32).reshape(entry["shape"])
    return tensors, json.loads(metadata["config"]) if metadata else None


class Net(torch.nn.Module):
    """An m^n net of torch's own layers."""

    def __init__(self, m, n, first_padding, widths, tags):
        super().__init__()
        self.m, self.n, self.first_padding = m, n, first_padding
        inputs = 1
        self.convolutions, self.norms = torch.nn.ModuleList(), torch.nn.ModuleList()
        for i, width in enumerate(widths):
            taps = 1 if i == n + 1 else m
            self.convolutions.append(torch.nn.Conv1d(inputs, width, taps, stride=m if i == 0 else 1))
            self.norms.append(torch.nn.BatchNorm1d(width, eps=EPSILON))
            inputs = width
        self.output = torch.nn.Linear(inputs, tags)

    def forward(self, x, frozen=0):
        m = self.m
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms)):
            if i == 0:
                x = F.pad(x, (self.first_padding, 0))
            elif i <= self.n:
                x = F.pad(x, ((m - 1) // 2, m - 1 - (m - 1) // 2))
            norm.train(i >= frozen)
            x = F.relu(norm(convolution(x)))
            if 1 <= i <= self.n:
                x = F.max_pool1d(x, m)
        return self.output(x[:, :, 0])

    def load(self, tensors, name):
        with torch.no_grad():
            for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms)):
                prefix = f"nets.{name}.layers.{i}"
                convolution.weight.copy_(torch.tensor(tensors[f"{prefix}.conv.weight"]))
                bias = tensors.get(f"{prefix}.conv.bias")
                convolution.bias.copy_(torch.tensor(bias) if bias is not None else torch.zeros(len(convolution.bias)))
                for key in ("weight", "bias", "running_mean", "running_var"):
                    getattr(norm, key).copy_(torch.tensor(tensors[f"{prefix}.bn.{key}"]))
            self.output.weight.copy_(torch.tensor(tensors[f"nets.{name}.output.weight"]))
            self.output.bias.copy_(torch.tensor(tensors[f"nets.{name}.output.bias"]))

    def tensors(self, step):
        result = {}
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms)):
            result[f"{step}.layers.{i}.conv.weight"] = convolution.weight
            for key in ("weight", "bias", "running_mean", "running_var"):
                result[f"{step}.layers.{i}.bn.{key}"] = getattr(norm, key)
        result[f"{step}.output.weight"] = self.output.weight
        result[f"{step}.output.bias"] = self.output.bias
        return {key: value.detach().numpy().astype(np.float32) for key, value in result.items()}

    def weights(self):
        return [c.weight for c in self.convolutions] + [self.output.weight]


def windows(signal, window, step):
    """A batch of a step: the signal turned by a step of its own for each, in bursts of different length and strength,
    so that a batch's windows differ as much as music does."""
    batch = []
    time = np.arange(window, dtype=np.int64)
    for k in range(step * BATCH, (step + 1) * BATCH):
        bursts = (time * (k % 5 + 1) // (window // 7) + k) % 3 < 1 + k % 2
        envelope = (bursts + np.float32(0.0625)) * np.float32(0.25 * (1 + k % 4))
        batch.append(torch.tensor(np.roll(signal, -7919 * k)[:window] * envelope.astype(np.float32)))
    return torch.stack(batch)[:, None]


def labels(tags, step):
    """Soft labels that need no random numbers."""
    values = [[((7 * (step * BATCH + i) + 3 * tag) % 11) / 10 for tag in range(tags)] for i in range(BATCH)]
    return torch.tensor(np.array(values, dtype=np.float32))


def optimiser(net, kind):
    weights = net.weights()
    others = [p for p in net.parameters() if not any(p is w for w in weights)]
    decay = {"decay": 0.1, "adamw": 0.01}.get(kind, 0.0)
    groups = [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    if kind == "adamw":
        # A larger epsilon: where a gradient is nothing but rounding, a smaller one would make a step of its sign.
        return torch.optim.AdamW(groups, lr=RATE, eps=1e-3)
    return torch.optim.SGD(groups, lr=RATE, momentum=0.9, nesterov=True)


def loss_of(kind, logits, target):
    if kind == "softmax":
        target = target / target.sum(dim=1, keepdim=True)
        return F.cross_entropy(logits, target)
    if kind == "positive":
        weights = torch.tensor([1.0, 2.0, 0.5], dtype=logits.dtype)
        return F.binary_cross_entropy_with_logits(logits, target, pos_weight=weights)
    return F.binary_cross_entropy_with_logits(logits, target)


def train(stem, kind, signal, dtype, steps=STEPS):
    tensors, config = read(f"nets/{stem}")
    shape = config["nets"][0]
    net = Net(shape["m"], shape["n"], shape.get("first_padding", 0), shape["widths"], len(config["tags"])).to(dtype)
    net.load(tensors, shape["name"])
    frozen = 4 if kind == "frozen" else 0
    for layer in list(net.convolutions[:frozen]) + list(net.norms[:frozen]):
        layer.requires_grad_(False)
    steps_of = optimiser(net, kind)
    window = shape["m"] ** (shape["n"] + 1)
    losses, result = [], {}
    for step in range(steps):
        steps_of.zero_grad()
        loss = loss_of(
            kind, net(windows(signal, window, step).to(dtype), frozen), labels(len(config["tags"]), step).to(dtype))
        loss.backward()
        steps_of.step()
        losses.append(loss.item())
        if step in (0, steps - 1):
            result |= net.tensors(step + 1)
    return {"losses": np.array(losses, dtype=np.float32)} | result


def split_mix(seed, count):
    """wavetag's SplitMix64.nextUniform: from -1 to 1."""
    with np.errstate(over="ignore"):
        state = np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15) * np.arange(1, count + 1, dtype=np.uint64)
        mixed = (state ^ state >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ mixed >> np.uint64(31)
    return (mixed.view(np.int64) >> 40).astype(np.float32) * np.float32(2.0**-23)


def full_width(signal):
    """One step of the published 3^9 net from wavetag's own initial weights of seed 1, in samples of the weights."""
    m, n, tags = 3, 9, 50
    widths = [128] * 3 + [256] * 6 + [512] * 2
    net = Net(m, n, 0, widths, tags).double()
    weights = net.weights()
    values = split_mix(1, sum(w.numel() for w in weights))
    place = 0
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.ones_like(p) if any(p is norm.weight for norm in net.norms) else torch.zeros_like(p))
        for w in weights:
            bound = np.sqrt(np.float32(6) / np.float32(w[0].numel()))
            w.copy_(torch.tensor((values[place : place + w.numel()] * bound).reshape(w.shape)))
            place += w.numel()
    steps_of = optimiser(net, "plain")
    before = [w.detach().clone() for w in weights]
    loss = F.binary_cross_entropy_with_logits(
        net(windows(signal, m ** (n + 1), 1).double()), labels(tags, 1).double())
    loss.backward()
    steps_of.step()
    result = {"loss": np.array([loss.item()], dtype=np.float32)}
    for i, (old, new) in enumerate(zip(before, weights)):
        chosen = np.linspace(0, old.numel() - 1, 200).astype(np.int64)
        result[f"indices.{i}"] = chosen.astype(np.float32)
        result[f"moved.{i}"] = (new - old).detach().reshape(-1)[chosen].numpy().astype(np.float32)
    write("training/full-width", result)


def main():
    torch.set_num_threads(2)
    signal = read("signal")[0]["samples"]
    cases = [(f"{m}-{n}-padding0", "plain") for m, n in SHAPES]
    cases += [
        ("2-13-padding1", "decay"), ("3-8-padding1", "adamw"), ("4-6-padding1", "positive"),
        ("5-5-padding1", "softmax"), ("3-9-padding1", "frozen"),
    ]
    for stem, kind in cases:
        exact = train(stem, kind, signal, torch.float64)
        write(f"training/{stem}-{kind}", exact)
        print(f"{stem} {kind}: losses {exact['losses'][0]:.4f} … {exact['losses'][-1]:.4f}", flush=True)
        if "--rough" in sys.argv:
            rough = train(stem, kind, signal, torch.float32)
            worst = max(np.abs(exact[key] - rough[key]).max() / max(np.abs(exact[key]).max(), 1e-6) for key in exact)
            print(f"  32 bits are off by {worst:.1e}")
    full_width(signal)


if __name__ == "__main__":
    main()
