#!/usr/bin/env python3
"""Draws a training's log as a picture for the documentation: losses and validation ROC-AUC by epoch.

    python3 Benchmarks/training_curve.py MODEL.log.ndjson docs/training-curve.svg
"""

import json
import sys

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 60, 60, 30, 40


def scale(values, low, high):
    least, most = min(values), max(values)
    margin = (most - least or 1) * 0.08
    least, most = least - margin, most + margin
    return lambda value: low + (value - least) / (most - least) * (high - low)


def main():
    records = [json.loads(line) for line in open(sys.argv[1])]
    x = scale([record["epoch"] for record in records], LEFT, WIDTH - RIGHT)
    losses = [record[key] for record in records for key in ("train_loss", "valid_loss")]
    areas = [record["valid_roc_auc"] for record in records]
    left, right = scale(losses, HEIGHT - BOTTOM, TOP), scale(areas, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}V{TOP}" fill="none" stroke="#888888"/>',
    ]
    lines = [("train_loss", left, "#b3541e", "loss, trained on"), ("valid_loss", left, "#1f5fa8", "loss, validation"),
             ("valid_roc_auc", right, "#2b7a3d", "ROC-AUC, validation")]
    for index, (key, y, colour, name) in enumerate(lines):
        points = " ".join(f"{x(record['epoch']):.1f},{y(record[key]):.1f}" for record in records)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{LEFT + 10 + 180 * index}" y="18" fill="{colour}">{name}</text>')
    for record in records:
        parts.append(f'<text x="{x(record["epoch"]):.1f}" y="{HEIGHT - 20}" text-anchor="middle">{record["epoch"]}</text>')
    for value, y, place, anchor in [(v, left, LEFT - 6, "end") for v in (min(losses), max(losses))] + [
        (v, right, WIDTH - RIGHT + 6, "start") for v in (min(areas), max(areas))
    ]:
        parts.append(f'<text x="{place}" y="{y(value) + 4:.1f}" text-anchor="{anchor}">{value:.3f}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 4}" text-anchor="middle">epoch</text></svg>')
    with open(sys.argv[2], "w") as file:
        file.write("\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
