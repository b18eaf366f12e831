#!/usr/bin/env python3
"""Puts the nets of several models, trained for the same tags, into one model; the mean of what they say is its answer.

    ensemble.py OUT MODEL...
"""

import sys

import modelfile


def main():
    out, *models = sys.argv[1:]
    configuration, whole, tensors, nets = None, None, {}, []
    for number, path in enumerate(models, 1):
        metadata, of_model, parts = modelfile.read(path)
        if "classifier" in of_model:
            sys.exit(f"{path}: has a classifier, which is of its own nets")
        if configuration is None:
            configuration, whole = of_model, metadata
        elif of_model["tags"] != configuration["tags"]:
            sys.exit(f"{path}: other tags than {models[0]}")
        for net in of_model["nets"]:
            name = net["name"] if all(net["name"] != other["name"] for other in nets) else f"{net['name']} {number}"
            nets.append(net | {"name": name})
            before = f"nets.{net['name']}."
            for key, part in parts.items():
                if key.startswith(before):
                    tensors[f"nets.{name}." + key.removeprefix(before)] = part
    modelfile.write(out, whole, configuration | {"nets": nets}, tensors)


if __name__ == "__main__":
    main()
