#!/usr/bin/env python3
"""Takes a layer out of a net, so that its window is a third of what it was: a beginning for the training of the shorter.

    shorten.py OUT MODEL

Of a model with a single net, m^n: the last layer that has as many channels as the one below it, of those with a pool,
goes. All others keep their weights. What comes out of the layer below is three times as many frames a second than the
layer above has learned with, so the net must be trained before it is good for anything.
"""

import sys

import modelfile


def main():
    out, path = sys.argv[1:]
    metadata, configuration, tensors = modelfile.read(path)
    (net,) = configuration["nets"]
    m, n, widths = net["m"], net["n"], list(net["widths"])
    gone = max((layer for layer in range(1, n + 1) if widths[layer] == widths[layer - 1]), default=None)
    if gone is None:
        sys.exit(f"{path}: no layer has as many channels as the one below it")
    del widths[gone]
    shorter = net | {"name": f"{m}^{n - 1}", "n": n - 1, "widths": widths}
    kept = {}
    for key, part in tensors.items():
        parts = key.removeprefix(f"nets.{net['name']}.").split(".")
        if parts[0] == "int8":
            continue
        if parts[0] == "layers":
            layer = int(parts[1])
            if layer == gone:
                continue
            parts[1] = str(layer - (layer > gone))
        kept[".".join([f"nets.{shorter['name']}", *parts])] = part
    configuration.pop("thresholds", None)
    modelfile.write(out, metadata, configuration | {"nets": [shorter]}, kept)


if __name__ == "__main__":
    main()
