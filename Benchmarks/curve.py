#!/usr/bin/env python3
"""Draws what an answer costs against the hop: python3 Benchmarks/curve.py docs/hop-cost.svg"""

import json
import math
import pathlib
import subprocess
import sys

WAVETAG = pathlib.Path(__file__).resolve().parent.parent / ".build/release/wavetag"
LEFT, TOP, WIDTH, HEIGHT = 70, 40, 620, 300


def main():
    net, m = "3^9", 3
    lines = subprocess.run(
        [WAVETAG, "bench", "--curve", "--json", "--net", net, "--seconds", "0.5"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    cases = [json.loads(line) for line in lines]
    most = max(case["hop"] for case in cases)

    def x(hop):
        return LEFT + WIDTH * math.log(hop) / math.log(most)

    def y(microseconds):
        return TOP + HEIGHT * (1 - (math.log10(microseconds) - 1.9) / (4.4 - 1.9))

    parts = []
    for value in (100, 300, 1000, 3000, 10_000):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value / 1000:g} ms</text>')
    for hop in (1, 10, 100, 1000, 10_000, most):
        parts.append(f'<text x="{x(hop):.1f}" y="{TOP + HEIGHT + 20}" text-anchor="middle">{hop}</text>')
    powers = [case for case in cases if m ** round(math.log(case["hop"], m)) == case["hop"]]
    points = " ".join(f'{x(case["hop"]):.1f},{y(case["median_us"]):.1f}' for case in powers)
    parts.append(f'<polyline class="own" points="{points}"/>')
    for case in cases:
        style = "power" if case in powers else "other"
        parts.append(
            f'<circle class="{style}" cx="{x(case["hop"]):.1f}" cy="{y(case["median_us"]):.1f}" r="4">'
            f'<title>hop {case["hop"]}: {case["median_us"]:.0f} µs, {case["multiply_adds"] / 1e6:.1f} M multiply-adds</title></circle>'
        )
    parts.append(f'<text x="{LEFT + WIDTH / 2}" y="{TOP + HEIGHT + 44}" text-anchor="middle">hop, samples at 22 050 Hz</text>')
    parts.append(f'<circle class="power" cx="{LEFT + 12}" cy="20" r="4"/><text x="{LEFT + 22}" y="24">powers of {m}</text>')
    parts.append(f'<circle class="other" cx="{LEFT + 132}" cy="20" r="4"/><text x="{LEFT + 142}" y="24">others: more phases, less to share</text>')
    style = (
        "text{font:12px sans-serif;fill:#888}.grid{stroke:#888;stroke-opacity:.3}.own{fill:none;stroke:#0a7d5a;stroke-width:2}"
        ".power{fill:#0a7d5a}.other{fill:#b4642d}"
    )
    pathlib.Path(sys.argv[1]).write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 30} {TOP + HEIGHT + 56}" role="img">'
        f"<title>What an answer of the {net} net costs, against the hop</title><style>{style}</style>{''.join(parts)}</svg>\n"
    )


if __name__ == "__main__":
    main()
