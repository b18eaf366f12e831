#!/usr/bin/env python3
"""Puts the nets of several models, trained for the same tags, into one model; the mean of what they say is its answer.

    ensemble.py OUT MODEL...
"""

import json
import struct
import sys


def read(path):
    """A safetensors file: its metadata, and the tensors' entries and bytes by name."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    metadata = header.pop("__metadata__")
    return metadata, {name: (entry, data[slice(*entry["data_offsets"])]) for name, entry in header.items()}


def main():
    out, *models = sys.argv[1:]
    configuration, tensors, nets = None, {}, []
    for number, path in enumerate(models, 1):
        metadata, parts = read(path)
        of_model = json.loads(metadata["config"])
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
    configuration["nets"] = nets
    header, at = {"__metadata__": whole | {"config": json.dumps(configuration)}}, 0
    for name, (entry, data) in tensors.items():
        header[name] = entry | {"data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(out, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, data in tensors.values():
            file.write(data)


if __name__ == "__main__":
    main()
