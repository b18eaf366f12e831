#!/usr/bin/env python3
"""Writes the fuzzing corpus anew: small inputs of every kind, valid and odd, in Tests/Fuzz/Corpus/TARGET/made-NAME.

Wants nothing but Python. Inputs whose names don't begin with `made-` come from libFuzzer: those that reach a place of the
program that no other reaches (`found-…`), and those that once were a fault (`fault-…`); they stay as they are. PyTorch's and
Keras's checkpoints are the tests' fixtures.
"""

import json
import pathlib
import pickle
import struct
import zipfile

CORPUS = pathlib.Path(__file__).resolve().parent / "Corpus"
SEPARATOR = b"\n--file--\n"


def save(target, name, *files):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    parts = [part.encode() if isinstance(part, str) else part for part in files]
    (folder / f"made-{name}").write_bytes(SEPARATOR.join(parts))


# Model files.

def tensor(kind, shape, value):
    count = 1
    for length in shape:
        count *= length
    return kind, shape, struct.pack("<" + {"F32": "f", "F16": "e", "I8": "b"}[kind], value) * count


def net(name, kind="F32", m=2, widths=(1, 1, 1, 2), tags=2, bias=True):
    tensors = {}
    inputs = 1
    for layer, width in enumerate(widths):
        prefix = f"nets.{name}.layers.{layer}"
        tensors[f"{prefix}.conv.weight"] = tensor(kind, [width, inputs, 1 if layer == len(widths) - 1 else m], 0.5)
        if bias:
            tensors[f"{prefix}.conv.bias"] = tensor(kind, [width], 0.125)
        for part in ("weight", "bias", "running_mean", "running_var"):
            tensors[f"{prefix}.bn.{part}"] = tensor(kind, [width], 1)
        inputs = width
    tensors[f"nets.{name}.output.weight"] = tensor(kind, [tags, inputs], 0.25)
    tensors[f"nets.{name}.output.bias"] = tensor(kind, [tags], 0)
    return tensors


def int8(name, m=2, widths=(1, 1, 1, 2), tags=2):
    prefix = f"nets.{name}.int8"
    tensors = {
        f"{prefix}.steps": tensor("F32", [len(widths) - 1], 0.01),
        f"{prefix}.layers.0.weight": tensor("F32", [widths[0], 1, m], 0.5),
        f"{prefix}.layers.0.bias": tensor("F32", [widths[0]], 0),
    }
    inputs = widths[0]
    places = [(f"layers.{layer}", [width]) for layer, width in enumerate(widths)][1:] + [("output", [tags])]
    for place, (width,) in places:
        shape = [width, inputs]
        if place != "output":
            shape.append(1 if place == f"layers.{len(widths) - 1}" else m)
        tensors[f"{prefix}.{place}.weight"] = tensor("I8", shape, 7)
        tensors[f"{prefix}.{place}.scale"] = tensor("F32", [width], 0.01)
        tensors[f"{prefix}.{place}.bias"] = tensor("F32", [width], 0)
        inputs = width
    return tensors


def classifier(features, hidden=(3,), tags=2):
    tensors = {
        "classifier.norm.mean": tensor("F32", [features], 0),
        "classifier.norm.std": tensor("F32", [features], 1),
    }
    for layer, width in enumerate([*hidden, tags]):
        prefix = f"classifier.layers.{layer}"
        tensors[f"{prefix}.weight"] = tensor("F32", [width, features], 0.5)
        tensors[f"{prefix}.bias"] = tensor("F32", [width], 0)
        if layer < len(hidden):
            for part in ("weight", "bias", "running_mean", "running_var"):
                tensors[f"{prefix}.bn.{part}"] = tensor("F32", [width], 1)
        features = width
    return tensors


def safetensors(configuration, tensors, **metadata):
    described = {"format": "wavetag", "version": "1", "config": json.dumps(configuration), **metadata}
    header = {"__metadata__": described}
    data = b""
    for name, (kind, shape, values) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def models():
    shape = {"name": "2^2", "m": 2, "n": 2, "widths": [1, 1, 1, 2]}
    plain = {"sample_rate": 22050, "tags": ["a", "b"], "nets": [shape]}
    save("model", "float", safetensors(plain, net("2^2")))
    save("model", "half", safetensors({**plain, "bn_epsilon": 1e-3, "output": "softmax"}, net("2^2", "F16", bias=False)))
    save("model", "int8", safetensors(plain, int8("2^2")))
    save("model", "both", safetensors({**plain, "thresholds": {"a": 0.5}}, {**net("2^2"), **int8("2^2")}))
    song = {"nets": ["2^2"], "levels": [-3, -2, -1], "hidden": [3], "bn_epsilon": 1e-5}
    save("model", "classifier", safetensors({**plain, "classifier": song}, {**net("2^2"), **classifier(4)}))
    own = {**song, "hidden": [], "levels": [-1], "tags": ["x", "y", "z"], "output": "softmax", "thresholds": {"x": 0.1}}
    save("model", "own-tags", safetensors({**plain, "classifier": own}, {**net("2^2"), **classifier(2, (), 3)}))
    padded = {"name": "p", "m": 3, "n": 2, "widths": [2, 1, 1, 1], "first_padding": 1, "left_padding": 0}
    save("model", "two-nets", safetensors(
        {**plain, "nets": [shape, padded]}, {**net("2^2"), **net("p", m=3, widths=(2, 1, 1, 1))}))
    save("model", "another-format", safetensors(plain, net("2^2"), format="pt"))
    save("model", "header-too-long", struct.pack("<Q", 1 << 40) + b"{}")
    save("model", "empty", b"")


# What is JSON or lines.

def configurations():
    everything = {
        "device": "plughw:1", "model": "/m.safetensors", "precision": "int8", "hop": 2187, "net_hops": {"3^9": 729},
        "memory_limit": 64, "threads": 2, "channel": 1,
        "capture": {"rate": 48000, "channels": 1, "period": 2.5, "pace": "wait", "wait_for_device": True, "priority": 0,
                    "duration": 1e3},
        "songs": "novelty", "silence": {"level": -50.5, "duration": 0}, "classifier": {"interval": 1},
        "socket": {"path": "/s", "mode": "0660", "group": "audio", "clients": 3}, "status": {"interval": 60},
        "log": {"level": "debug"},
    }
    save("configuration", "everything", json.dumps(everything, indent=2))
    save("configuration", "nothing", "{}")
    save("configuration", "unknown", '{"devices": "default"}')
    save("configuration", "deep", "[" * 2000 + "]" * 2000)
    save("configuration", "escapes", '{"device": "\\u00e9\\ud83d\\ude00\\\\\\"", "socket": {"mode": "7777"}}')
    save("configuration", "empty", b"")


def clients():
    save("client", "subscribe", json.dumps({"subscribe": {
        "top": 5, "threshold": 0.2, "every": 1.0, "tags": ["piano", "rock"], "detail": "nets"}}) + "\n")
    save("client", "status", '{"status": true}\n{"status":false}\n')
    save("client", "empty-lines", "\n\n\n")
    save("client", "unfinished", '{"subscribe": {"top": 18446744073709551616')
    save("client", "deep", '{"subscribe":' * 20 + "1" + "}" * 20 + "\n")
    save("client", "numbers", '{"subscribe":{"every":1e308,"threshold":-0.0,"top":-1}}\n{"subscribe":{"every":1e-320}}\n')
    save("client", "long", b"x" * 65_600 + b'\n{"status":true}\n')


def manifests():
    save("manifest", "tags", "path\tsplit\ttags\na.wav\ttrain\tpiano, rock\n\nb/c.flac\tvalid\t\n/d.mp3\ttest\trock\n")
    save("manifest", "columns", "path\tsplit\tstart\tlength\ttag:a\ttag:b c\r\na.wav\ttrain\t1.5\t29\t1\t0.25\r\n")
    save("manifest", "leaves", "path\tsplit\ttags\n../a.wav\ttrain\tx\n")
    save("manifest", "numbers", "path\tsplit\tlength\ttag:a\na\ttest\t1e7\tnan\n")
    save("manifest", "composed", "path\tsplit\ttag:\u00e9\ttag:e\u0301\na\ttest\t1\t0\n")
    save("manifest", "empty", b"")


# Data sets. The authors' lists are Python 2's pickles of protocol 0.

def old_list(strings):
    return "(lp1\n" + "".join(f"{'a' if index else ''}S'{text}'\np{index + 2}\n" for index, text in enumerate(strings)) + "a."


def old_vectors(members):
    text = "(dp1\n"
    for key, vector in members.items():
        values = "".join("\\x01" if value else "\\x00" for value in vector)
        text += f"S'{key}'\ncnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I{len(vector)}\nt"
        text += f"cnumpy\ndtype\n(S'b1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntbI00\nS'{values}'\ntbs"
    return text + "."


def datasets():
    tracks = [f"TRAAAAA128F000000{number}" for number in range(1, 6)]

    header = '"clip_id"\t"rock"\t"piano"\t"slow"\t"mp3_path"\r\n'
    rows = "".join(f'"{n}"\t"1"\t"0"\t"{n % 2}"\t"{folder}/x-{n}.mp3"\r\n' for n, folder in enumerate("0bcdf"))
    info = '"clip_id"\t"title"\t"mp3_path"\n' + "".join(f'"{n}"\t"a ""b"" c"\t"{f}/x-{n}.mp3"\n' for n, f in enumerate("0bcdf"))
    save("mtat", "folders", header + rows)
    save("mtat", "checked", header + rows, info)
    save("mtat", "lists", header + rows, info, old_list(["0/x-0.npy", "b/x-1.npy"]),
         pickle.dumps(["c/x-2.npy"], 2), pickle.dumps(["f/x-4.npy"], 4))
    save("mtat", "open-quote", header + '"1')
    save("mtat", "empty", b"")

    save("gtzan", "lists", "blues/blues.00000.wav\nrock/rock.00001.au\n", "jazz/jazz.00002.wav\r\n", "pop/pop.00003.wav\n")
    save("gtzan", "wrong", "blues/rock.00000.wav\n", "", "")
    save("gtzan", "missing", "blues/blues.00000.wav\n")

    vectors = {track: [index == 0, index % 2 == 0, True] for index, track in enumerate(tracks)}
    plain = {track: [float(value) for value in vector] for track, vector in vectors.items()}
    identifiers = {track: str(100 + index) for index, track in enumerate(tracks)}
    paths = {str(100 + index): f"1/0/{100 + index}.clip.mp3" for index in range(4)}
    names = "rock\r\npiano\r\n00s\r\n"
    save("msd", "published", names, old_list(tracks[:3]), old_list(tracks[3:]), old_vectors(vectors),
         pickle.dumps(identifiers, 0), pickle.dumps(paths, 1))
    for protocol in (2, 3, 4, 5):
        save("msd", f"protocol-{protocol}", names, *(
            pickle.dumps(value, protocol) for value in (tracks[:3], tuple(tracks[3:]), plain, identifiers, paths)))
        save("msd", f"lists-{protocol}", names, *(
            pickle.dumps(value, protocol) for value in (tracks[:3], tracks[3:], plain, identifiers, paths)))
    save("msd", "called", names, b"cposix\nsystem\n(S'true'\ntR.", b"", b"", b"", b"")
    save("msd", "leaves", names, *(pickle.dumps(value, 2) for value in (tracks[:3], tracks[3:], plain, identifiers,
                                                                       {"100": "../x.mp3"})))

    lines = "# Genres\n" + "".join(f"{track}\t{'Rock' if index < 3 else 'Jazz'}\n" for index, track in enumerate(tracks))
    maps = [pickle.dumps(identifiers, 2), pickle.dumps(paths, 2)]
    save("tagtraum", "stratified", lines, *maps)
    save("tagtraum", "lists", lines, *maps, pickle.dumps(tracks[:3], 2), pickle.dumps(tracks[3:], 2))
    save("tagtraum", "minority", f"{tracks[0]}\tRock\tPop\r\n", *maps)
    save("tagtraum", "no-track", "TR\tRock\n", *maps)


def torch_pickle(tensors, wrapped=False):
    """A dictionary of tensors, each over a storage of its own, as torch.save writes it; no other library needed."""
    def text(name):
        return b"X" + struct.pack("<I", len(name)) + name.encode()

    def numbers(values):
        return b"(" + b"".join(b"K" + bytes([value]) for value in values) + b"t"

    data = b"\x80\x02ccollections\nOrderedDict\n)R("
    for key, (name, shape) in enumerate(tensors.items()):
        count, strides = 1, []
        for length in reversed(shape):
            strides.insert(0, count)
            count *= length
        data += text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(("
        data += text("storage") + b"ctorch\nFloatStorage\n" + text(str(key)) + text("cpu") + b"K" + bytes([count]) + b"tQK\x00"
        data += numbers(shape) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtR"
    data += b"u"
    return b"\x80\x02}" + text("state_dict") + data[2:] + b"s." if wrapped else data + b"."


def torch_legacy(tensors, wrapped=False):
    keys = [str(key) for key in range(len(tensors))]
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    data = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e" + pickle.dumps(1001, 2)
    data += pickle.dumps(machine, 2) + torch_pickle(tensors, wrapped) + pickle.dumps(keys, 2)
    for shape in tensors.values():
        count = 1
        for length in shape:
            count *= length
        data += struct.pack("<Q", count) + struct.pack("<f", 0.5) * count
    return data


def imports():
    tensors = {"layer1.0.weight": [2, 1, 3], "layer1.0.bias": [2], "layer1.1.running_var": [2]}
    save("torch", "legacy", torch_legacy(tensors))
    save("torch", "wrapped", torch_legacy(tensors, wrapped=True))
    save("torch", "nothing", torch_legacy({}))
    archive = CORPUS / "torch" / "made-archive"
    with zipfile.ZipFile(archive, "w") as file:
        def member(name, content):
            file.writestr(zipfile.ZipInfo(name), content)
        member("a/data.pkl", torch_pickle(tensors))
        member("a/byteorder", "little")
        for key, shape in enumerate(tensors.values()):
            member(f"a/data/{key}", struct.pack("<f", 0.5) * (6 if key == 0 else 2))
    layers = [{"class_name": "Convolution1D", "config": {
        "nb_filter": 2, "filter_length": 3, "subsample_length": 3, "border_mode": "valid", "batch_input_shape": [None, 59049, 1]}}]
    save("architecture", "sequential", json.dumps({"class_name": "Sequential", "keras_version": "1.0.8", "config": layers}))
    save("architecture", "not-json", "{")
    save("tags", "three", "rock\npiano\r\n00s\n\n")
    save("tags", "twice", "rock\nrock\n")
    save("tags", "not-utf8", b"\xff\n")
    save("tags", "empty", b"")


if __name__ == "__main__":
    for former in CORPUS.glob("*/made-*"):
        former.unlink()
    for write in (models, configurations, clients, manifests, datasets, imports):
        write()
