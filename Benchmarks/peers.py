#!/usr/bin/env python3
"""Times wavetag beside ONNX Runtime and OpenVINO on the same nets, in turn, on one core; a table and a plot.

    pip install torch==2.13.0+cpu onnx onnxruntime openvino numpy
    make bench-peers

A live tagger built on either runs a full forward pass for every hop: that is what wavetag's hop is held against.
Every round runs each program once on each case, so that a machine that slows down slows them all; quoted is the
median over rounds of the ratio within a round.
"""

import argparse
import json
import logging
import os
import pathlib
import statistics
import subprocess
import time

os.environ.pop("OPENBLAS_CORETYPE", None)
import numpy as np
import onnxruntime
import onnxruntime.quantization as quantization
import openvino
import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
WAVETAG = ROOT / ".build/release/wavetag"
WORK = ROOT / ".run/peers"
NETS = [(3, 9), (2, 13), (2, 14), (3, 8), (4, 6), (4, 7), (5, 5), (5, 6)]


class SampleCNN(torch.nn.Module):
    """An m^n net of the published widths."""

    def __init__(self, m, n, tags=50):
        super().__init__()
        self.m = m
        widths = [128 if i <= 2 else 256 if i < n else 512 for i in range(n + 2)]
        self.blocks = torch.nn.ModuleList()
        inputs = 1
        for i, width in enumerate(widths):
            taps = 1 if i == n + 1 else m
            layers = [] if i in (0, n + 1) else [torch.nn.ConstantPad1d(((m - 1) // 2, m - 1 - (m - 1) // 2), 0.0)]
            layers += [
                torch.nn.Conv1d(inputs, width, taps, stride=m if i == 0 else 1),
                torch.nn.BatchNorm1d(width),
                torch.nn.ReLU(),
            ]
            if 1 <= i <= n:
                layers.append(torch.nn.MaxPool1d(m))
            self.blocks.append(torch.nn.Sequential(*layers))
            inputs = width
        self.output = torch.nn.Linear(inputs, tags)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return torch.sigmoid(self.output(x[:, :, 0]))


def exported(m, n):
    path = WORK / f"{m}-{n}.onnx"
    if not path.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        torch.onnx.export(SampleCNN(m, n).eval(), torch.zeros(1, 1, m ** (n + 1)), str(path), dynamo=False)
    return path


class Noise(quantization.CalibrationDataReader):
    """What ONNX Runtime learns its ranges from; how fast it is doesn't depend on them."""

    def __init__(self, name, window):
        generator = np.random.default_rng(1)
        self.windows = iter(
            {name: generator.uniform(-0.3, 0.3, (1, 1, window)).astype(np.float32)} for _ in range(4)
        )

    def get_next(self):
        return next(self.windows, None)


def quantised(m, n):
    """Static QDQ: unsigned activations, signed weights a channel."""
    path = WORK / f"{m}-{n}-int8.onnx"
    if not path.exists():
        logging.disable(logging.WARNING)
        source = exported(m, n)
        name = onnxruntime.InferenceSession(str(source), providers=["CPUExecutionProvider"]).get_inputs()[0].name
        prepared = WORK / "prepared.onnx"
        quantization.shape_inference.quant_pre_process(str(source), str(prepared))
        quantization.quantize_static(
            str(prepared), str(path), Noise(name, m ** (n + 1)), quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8, per_channel=True,
        )
    return path


def sessions(m, n):
    """One-thread forward passes of one window: name → function."""
    path = exported(m, n)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    runtime = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    int8 = onnxruntime.InferenceSession(str(quantised(m, n)), options, providers=["CPUExecutionProvider"])
    name = runtime.get_inputs()[0].name
    compiled = openvino.Core().compile_model(
        str(path), "CPU", {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    )
    request = compiled.create_infer_request()
    window = np.random.default_rng(0).uniform(-0.3, 0.3, (1, 1, m ** (n + 1))).astype(np.float32)
    return {
        "onnxruntime": lambda: runtime.run(None, {name: window}),
        "onnxruntime_int8": lambda: int8.run(None, {name: window}),
        "openvino": lambda: request.infer([window]),
    }


def median_microseconds(run, seconds):
    """Processor time of all threads, as `wavetag bench` counts it: other programs' turns are no peer's fault."""
    run()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.process_time()
        run()
        times.append((time.process_time() - start) * 1e6)
    return statistics.median(times)


def wavetag_cases(net, seconds):
    lines = subprocess.run(
        [WAVETAG, "bench", "--json", "--net", net, "--seconds", str(seconds)], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    return {case["name"]: case for case in map(json.loads, lines)}


def measure(rounds, seconds):
    results = {}
    for m, n in NETS:
        net = f"{m}^{n}"
        peers = sessions(m, n)
        for _ in range(rounds):
            row = {name: median_microseconds(run, seconds) for name, run in peers.items()}
            for name, case in wavetag_cases(net, seconds).items():
                results.setdefault(net, {}).setdefault(name, []).append((case, row))
    return results


def summarise(results):
    rows = []
    for net, cases in results.items():
        for name, measured in cases.items():
            # A case in 8 bits is held against ONNX Runtime's 8 bits too, and against wavetag's float case.
            float_case = cases[name.replace("int8/", "")]
            row = {
                "case": name, "net": net, "hop": measured[0][0]["hop"], "precision": measured[0][0]["precision"],
                "wavetag_us": statistics.median(case["median_us"] for case, _ in measured),
                "gflops": statistics.median(case["gflops"] for case, _ in measured),
                "real_time_factor": statistics.median(case["real_time_factor"] for case, _ in measured),
                "kernel": measured[0][0]["kernel"],
                "ratio_float": statistics.median(
                    other["median_us"] / case["median_us"] for (case, _), (other, _) in zip(measured, float_case)
                ),
            }
            for peer in measured[0][1]:
                row[f"{peer}_us"] = statistics.median(times[peer] for _, times in measured)
                row[f"ratio_{peer}"] = statistics.median(times[peer] / case["median_us"] for case, times in measured)
            rows.append(row)
    return rows


def table(rows):
    lines = [
        "| case | wavetag, µs | ONNX Runtime window, µs | its int8, µs | OpenVINO window, µs | against ONNX Runtime "
        "| against its int8 | against OpenVINO | against wavetag's float |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['case']} | {row['wavetag_us']:.0f} | {row['onnxruntime_us']:.0f} | {row['onnxruntime_int8_us']:.0f} "
            f"| {row['openvino_us']:.0f} | {row['ratio_onnxruntime']:.1f}× | {row['ratio_onnxruntime_int8']:.1f}× "
            f"| {row['ratio_openvino']:.1f}× | {row['ratio_float']:.1f}× |"
        )
    for precision in ("float", "int8"):
        live = [row for row in live_rows(rows) if row["precision"] == precision]
        if len(live) == len(NETS):
            load = sum(1 / row["real_time_factor"] for row in live)
            lines.append(
                f"\nAll eight nets live in {precision}, each at its own hop near 33 ms: {100 * load:.1f} % of a core."
            )
    return "\n".join(lines) + "\n"


def live_rows(rows):
    return [row for row in rows if row["case"].startswith("hop/") and not row["case"].endswith("/243")]


def plot(rows):
    """Bars on a logarithmic scale: what an answer costs."""
    live = [row for row in live_rows(rows) if row["precision"] == "float"]
    left, width, bar = 90, 560, 12
    parts = []
    top = 50
    low, high = 100, 100_000

    def x(value):
        return left + width * (np.log10(value) - np.log10(low)) / (np.log10(high) - np.log10(low))

    for tick in (100, 1000, 10_000, 100_000):
        label = f"{tick // 1000} ms" if tick >= 1000 else f"{tick / 1000} ms"
        parts.append(f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="40" y2="{top + len(live) * 56}" class="grid"/>')
        parts.append(f'<text x="{x(tick):.1f}" y="32" text-anchor="middle">{label}</text>')
    for index, row in enumerate(live):
        y = top + index * 56
        parts.append(f'<text x="{left - 10}" y="{y + 24}" text-anchor="end">{row["net"]}</text>')
        for place, (key, style) in enumerate([("wavetag_us", "own"), ("onnxruntime_us", "onnx"), ("openvino_us", "vino")]):
            end = x(row[key])
            parts.append(
                f'<rect x="{left}" y="{y + place * 15}" width="{end - left:.1f}" height="{bar}" class="{style}"/>'
                f'<text x="{end + 5:.1f}" y="{y + place * 15 + 10}">{row[key] / 1000:.2f}</text>'
            )
    height = top + len(live) * 56 + 40
    for place, (name, style) in enumerate([("wavetag, a hop", "own"), ("ONNX Runtime, a window", "onnx"), ("OpenVINO, a window", "vino")]):
        parts.append(
            f'<rect x="{left + place * 180}" y="{height - 26}" width="12" height="12" class="{style}"/>'
            f'<text x="{left + 18 + place * 180}" y="{height - 16}">{name}</text>'
        )
    style = (
        "text{font:12px sans-serif;fill:#888}.grid{stroke:#888;stroke-opacity:.3}"
        ".own{fill:#0a7d5a}.onnx{fill:#b4642d}.vino{fill:#5a6fb4}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 60} {height}" role="img">'
        f"<title>What one answer costs, one core, milliseconds</title><style>{style}</style>{''.join(parts)}</svg>\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each case and program")
    parser.add_argument("--plot", type=pathlib.Path, help="write the plot here (SVG)")
    parser.add_argument("--json", type=pathlib.Path, help="write the rows here")
    arguments = parser.parse_args()
    rows = summarise(measure(arguments.rounds, arguments.seconds))
    print(table(rows), end="")
    if arguments.plot:
        arguments.plot.write_text(plot(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
