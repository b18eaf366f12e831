#!/usr/bin/env python3
"""Times `wavetag evaluate` beside PyTorch on the same 3^9 net of full width and the same windows; a table.

    pip install torch==2.13.0+cpu numpy
    make build && python3 Benchmarks/evaluation.py

Both get the same number of threads and hear the same 16-bit sound. wavetag's time is all of the program: reading the
model, decoding, metrics. PyTorch's is the forward pass alone, at the batch size that suits it best. In every round each
runs once; quoted are medians over rounds, and of the ratio within a round. Wall time tells what a user waits, but on a
shared machine also what others do. Processor time doesn't, but PyTorch's threads wait for each other by spinning, which
counts too where others hold a core: `--threads 1` has neither.
"""

import argparse
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import time
import wave

os.environ.pop("OPENBLAS_CORETYPE", None)
import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / ".run/evaluation"
M, N, TAGS = 3, 9, 50
WINDOW = M ** (N + 1)
WIDTHS = [128, 128, 128] + [256] * 6 + [512, 512]
FILES, WINDOWS = 4, 24


def layers():
    """3^9: a list of (convolution, batch norm, pool or None), and the output layer."""
    torch.manual_seed(0)
    found, inputs = [], 1
    for i, width in enumerate(WIDTHS):
        taps = 1 if i == N + 1 else M
        convolution = torch.nn.Conv1d(inputs, width, taps, stride=M if i == 0 else 1, padding=1 if 0 < i <= N else 0)
        torch.nn.init.kaiming_uniform_(convolution.weight, nonlinearity="relu")
        found.append((convolution, torch.nn.BatchNorm1d(width), torch.nn.MaxPool1d(M) if 0 < i <= N else None))
        inputs = width
    return found, torch.nn.Linear(inputs, TAGS)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        parts, self.output = layers()
        self.body = torch.nn.Sequential()
        self.parts = parts
        for convolution, norm, pool in parts:
            self.body += torch.nn.Sequential(convolution, norm, torch.nn.ReLU(), *([pool] if pool else []))

    def forward(self, x):
        return torch.sigmoid(self.output(self.body(x)[:, :, 0]))


def write_model(net, path):
    """As docs/model-file.md says."""
    tensors = {}
    for i, (convolution, norm, _) in enumerate(net.parts):
        name = f"nets.3^9.layers.{i}"
        tensors |= {f"{name}.conv.weight": convolution.weight, f"{name}.conv.bias": convolution.bias}
        for key in ("weight", "bias", "running_mean", "running_var"):
            tensors[f"{name}.bn.{key}"] = getattr(norm, key)
    tensors |= {"nets.3^9.output.weight": net.output.weight, "nets.3^9.output.bias": net.output.bias}
    config = {
        "sample_rate": 22050, "tags": [f"tag {i}" for i in range(TAGS)], "bn_epsilon": 1e-5, "output": "sigmoid",
        "nets": [{"name": "3^9", "m": M, "n": N}],
    }
    header = {"__metadata__": {"format": "wavetag", "version": "1", "config": json.dumps(config)}}
    data = b""
    for name, tensor in tensors.items():
        raw = tensor.detach().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_sound():
    """Noise under tones, 16 bits, and a manifest of them. Returns the windows as floats."""
    generator = np.random.default_rng(0)
    lines = ["path\tsplit\t" + "\t".join(f"tag:tag {i}" for i in range(TAGS))]
    windows = []
    for index in range(FILES):
        time_axis = np.arange(WINDOWS * WINDOW) / 22050
        tone = 0.4 * np.sin(2 * np.pi * (110 + 90 * index) * time_axis)
        samples = np.round((tone + 0.2 * generator.standard_normal(len(tone))).clip(-0.99, 0.99) * 32768)
        with wave.open(str(WORK / f"{index}.wav"), "wb") as file:
            file.setparams((1, 2, 22050, 0, "NONE", ""))
            file.writeframes(samples.astype("<i2").tobytes())
        windows.append((samples / 32768).astype(np.float32).reshape(WINDOWS, 1, WINDOW))
        labels = generator.integers(0, 2, TAGS)
        lines.append(f"{index}.wav\ttest\t" + "\t".join(map(str, labels)))
    (WORK / "manifest.tsv").write_text("\n".join(lines) + "\n")
    return torch.from_numpy(np.concatenate(windows))


def run_wavetag(program, threads):
    """What it says, wall seconds, processor seconds."""
    arguments = [
        program, "evaluate", "--model", WORK / "model.safetensors", "--data", WORK / "manifest.tsv", "--json",
        "--threads", str(threads),
    ]
    start = time.perf_counter()
    child = subprocess.Popen(list(map(str, arguments)), stdout=subprocess.PIPE, text=True)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"evaluation.py: {program} ended with status {status}")
    return json.loads(output), time.perf_counter() - start, usage.ru_utime + usage.ru_stime


def run_torch(net, windows, batch):
    start, processor = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        scores = torch.cat([net(part) for part in windows.split(batch)])
    return scores, time.perf_counter() - start, time.process_time() - processor


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--program", default=ROOT / ".build/release/wavetag")
    parser.add_argument("--json", type=pathlib.Path, help="write the rounds here")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    WORK.mkdir(parents=True, exist_ok=True)
    net, windows = Net(), write_sound()
    # Running statistics as after training, so that no layer is dead or saturated.
    net.train()
    for _, norm, _ in net.parts:
        norm.momentum = None
    with torch.inference_mode():
        net(windows[:: len(windows) // 8])
    net.eval()
    write_model(net, WORK / "model.safetensors")

    batches = {batch: run_torch(net, windows[:23], batch)[2] for batch in (1, 1, 4, 8, 23)}
    batch = min(batches, key=batches.get)
    rounds = []
    for _ in range(arguments.rounds):
        report, wall, processor = run_wavetag(arguments.program, arguments.threads)
        scores, torch_wall, torch_processor = run_torch(net, windows, batch)
        rounds.append({
            "wavetag": len(windows) / wall, "torch": len(windows) / torch_wall, "ratio": torch_wall / wall,
            "processor_ratio": torch_processor / processor, "wavetag_processor_ms": 1000 * processor / len(windows),
            "torch_processor_ms": 1000 * torch_processor / len(windows),
        })
    # The same net on the same sound: the share of pairs in order agrees.
    labels = np.array([line.split("\t")[2:] for line in (WORK / "manifest.tsv").read_text().splitlines()[1:]], dtype=int)
    labels = np.repeat(labels, WINDOWS, axis=0).astype(bool)
    for tag, found in enumerate(report["windows"]["tags"]):
        positive, negative = scores[labels[:, tag], tag], scores[~labels[:, tag], tag]
        if len(positive) and len(negative):
            pairs = positive[:, None] - negative[None, :]
            area = ((pairs > 0).double().mean() + (pairs == 0).double().mean() / 2).item()
            assert abs(area - found["roc_auc"]) < 0.005, (tag, area, found)

    middle = {name: statistics.median(entry[name] for entry in rounds) for name in rounds[0]}
    print(f"3^9, full width, {len(windows)} windows, {arguments.threads} threads; PyTorch {torch.__version__}, batch {batch}\n")
    print("| | wavetag evaluate | PyTorch | ratio |\n|---|---|---|---|")
    print(f"| windows a second | {middle['wavetag']:.1f} | {middle['torch']:.1f} | {middle['ratio']:.2f}× |")
    print(
        f"| processor time a window, ms | {middle['wavetag_processor_ms']:.1f} | {middle['torch_processor_ms']:.1f} "
        f"| {middle['processor_ratio']:.2f}× |"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(rounds, indent=1) + "\n")


if __name__ == "__main__":
    main()
