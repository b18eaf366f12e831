#!/usr/bin/env python3
"""Times a step of training of the 3^9 net of full width beside PyTorch's: forward, backward, SGD; a table.

    pip install torch==2.13.0+cpu
    make build && python3 Benchmarks/training.py

By rounds in which each runs once, in a process of its own; quoted are medians over rounds, and of the ratio within a
round. Memory is the most that a process had resident.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
M, N, TAGS, BATCH = 3, 9, 50, 23
WIDTHS = [128, 128, 128] + [256] * 6 + [512, 512]


def torch_steps(threads, steps):
    """In a process of its own: prints what `wavetag bench --training --json` prints."""
    import time

    import torch
    import torch.nn.functional as F

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    body, inputs = [], 1
    for i, width in enumerate(WIDTHS):
        taps = 1 if i == N + 1 else M
        body += [
            torch.nn.Conv1d(inputs, width, taps, stride=M if i == 0 else 1, padding=1 if 0 < i <= N else 0),
            torch.nn.BatchNorm1d(width), torch.nn.ReLU(),
        ]
        if 0 < i <= N:
            body.append(torch.nn.MaxPool1d(M))
        inputs = width
    net = torch.nn.Sequential(*body, torch.nn.Flatten(), torch.nn.Dropout(0.5), torch.nn.Linear(inputs, TAGS))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    x, y = 0.3 * (2 * torch.rand(BATCH, 1, M ** (N + 1)) - 1), torch.rand(BATCH, TAGS)
    times = []
    for _ in range(steps + 1):
        started = time.perf_counter()
        optimiser.zero_grad()
        F.binary_cross_entropy_with_logits(net(x), y).backward()
        optimiser.step()
        times.append(time.perf_counter() - started)
    print(json.dumps({"segments_per_second": BATCH / statistics.median(times[1:])}))


def run(command):
    """What it says, and the most memory it had, MB."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"training.py: {command[0]} ended with status {status}")
    return json.loads(output)["segments_per_second"], usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--program", default=str(ROOT / ".build/release/wavetag"))
    parser.add_argument("--torch", type=int, metavar="THREADS", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.torch:
        return torch_steps(arguments.torch, 3)
    print("3^9, full width, batch 23\n")
    print("| threads | wavetag, segments/s | PyTorch | ratio | wavetag, MB | PyTorch, MB |\n|---|---|---|---|---|---|")
    for threads in (2, 1):
        rounds = []
        for _ in range(arguments.rounds):
            own, own_memory = run(
                [arguments.program, "bench", "--training", "--json", "--net", "3^9", "--threads", str(threads)])
            other, other_memory = run([sys.executable, __file__, "--torch", str(threads)])
            rounds.append((own, other, own / other, own_memory, other_memory))
        own, other, ratio, own_memory, other_memory = (statistics.median(column) for column in zip(*rounds))
        print(
            f"| {threads} | {own:.2f} | {other:.2f} | {ratio:.2f}× | {own_memory:.0f} | {other_memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
