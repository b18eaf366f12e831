#!/usr/bin/env python3
"""Takes a net out of a model of several, as a model of its own to train on: `ensemble.py`, backwards.

    single.py OUT MODEL NET

Float weights only, and no thresholds: both are of what the model was.
"""

import sys

import modelfile


def main():
    out, path, name = sys.argv[1:]
    metadata, configuration, tensors = modelfile.read(path)
    nets = [net for net in configuration["nets"] if net["name"] == name]
    if not nets:
        sys.exit(f"{path}: has the nets {', '.join(net['name'] for net in configuration['nets'])}, not {name}")
    plain = f"{nets[0]['m']}^{nets[0]['n']}"
    before = f"nets.{name}."
    kept = {f"nets.{plain}." + key.removeprefix(before): part for key, part in tensors.items()
            if key.startswith(before) and not key.startswith(before + "int8")}
    configuration.pop("thresholds", None)
    modelfile.write(out, metadata, configuration | {"nets": [nets[0] | {"name": plain}]}, kept)


if __name__ == "__main__":
    main()
