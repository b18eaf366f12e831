#!/usr/bin/env python3
"""Gives a net more channels, without changing what it says: a beginning for the training of a wider one.

    widen.py OUT MODEL WIDTHS

Of a model with a single net; WIDTHS: channels of each layer, with commas, none fewer than before. New channels begin with
weights of chance (He and others 2015, section 2.2), and what comes after them begins by passing over them: its weights
for them are zero. So the wider net is as good as the other was from its first step on.
"""

import sys

import numpy

import modelfile


def grown(values, shape, chance):
    """The values, in the first places of a tensor of `shape`; new outputs of chance, new inputs of old ones zero."""
    result = numpy.zeros(shape, numpy.float32)
    if len(shape) > 1:
        new = slice(values.shape[0], None)
        spread = numpy.sqrt(2 / numpy.prod(shape[1:]))
        result[new] = chance.standard_normal(result[new].shape) * spread
    result[tuple(slice(length) for length in values.shape)] = values
    return result


def main():
    out, path, widths = sys.argv[1:]
    widths = [int(width) for width in widths.split(",")]
    metadata, configuration, tensors = modelfile.read(path)
    (net,) = configuration["nets"]
    if len(widths) != len(net["widths"]) or any(new < old for new, old in zip(widths, net["widths"], strict=True)):
        sys.exit(f"{path}: has the widths {','.join(map(str, net['widths']))}: as many, and none fewer, are wanted")
    chance = numpy.random.default_rng(1)
    wider = {}
    for key, (entry, data) in tensors.items():
        parts = key.removeprefix(f"nets.{net['name']}.").split(".")
        if parts[0] == "int8":
            continue
        values = numpy.frombuffer(data, numpy.float32).reshape(entry["shape"])
        shape = list(values.shape)
        if parts[0] == "layers":
            layer = int(parts[1])
            shape[0] = widths[layer]
            if len(shape) > 1 and layer > 0:
                shape[1] = widths[layer - 1]
        elif len(shape) > 1:
            shape[1] = widths[-1]
        result = grown(values, shape, chance)
        if parts[-1] in ("running_var", "weight") and len(shape) == 1:
            result[len(values):] = 1
        wider[key] = (entry | {"shape": shape}, result.tobytes())
    configuration.pop("thresholds", None)
    modelfile.write(out, metadata, configuration | {"nets": [net | {"widths": widths}]}, wider)


if __name__ == "__main__":
    main()
