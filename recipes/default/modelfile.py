"""Model files, as they are: a header of JSON, and tensors' bytes."""

import json
import struct


def read(path):
    """The metadata, the configuration in it, and by name each tensor's entry in the header and its bytes."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    metadata = header.pop("__metadata__")
    return metadata, json.loads(metadata["config"]), {
        name: (entry, data[slice(*entry["data_offsets"])]) for name, entry in header.items()}


def write(path, metadata, configuration, tensors):
    header, at = {"__metadata__": metadata | {"config": json.dumps(configuration)}}, 0
    for name, (entry, data) in tensors.items():
        header[name] = entry | {"data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, data in tensors.values():
            file.write(data)
