#!/usr/bin/env python3
"""Writes checkpoints/: small nets in the layouts that `wavetag import` reads, and what they say of the signal.

    pip install torch==2.13.0+cpu h5py==3.16.0 numpy
    python3 Tests/Fixtures/make_checkpoints.py

Names, shapes, attributes and paddings are those of the published code; widths are a few channels a layer. What a net
says is computed as its framework does: PyTorch by torch's modules; Theano by convolving (numpy.convolve) with half the
width on both sides and cutting the end off; TensorFlow by correlating with its "same" padding. The script is seeded;
two runs write the same numbers (the older PyTorch format holds memory addresses, and differs in those).
"""

import json
import pathlib
import pickle
import sys

import h5py
import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import make

HERE = pathlib.Path(__file__).parent / "checkpoints"
TAGS = ["guitar", "techno", "female vocal"]


def widths_of(n):
    return [3 + i % 3 for i in range(n + 2)]


# PyTorch: minzwon/sota-music-tagging-models, training/model.py and modules.py.


class Layer(torch.nn.Module):
    def __init__(self, inputs, outputs, width, stride, pool):
        super().__init__()
        self.conv = torch.nn.Conv1d(inputs, outputs, width, stride=stride, padding=width // 2)
        self.bn = torch.nn.BatchNorm1d(outputs)
        self.pool = torch.nn.MaxPool1d(pool)

    def forward(self, x):
        return self.pool(torch.relu(self.bn(self.conv(x))))


class SampleCNN(torch.nn.Module):
    def __init__(self, m, n, tags):
        super().__init__()
        self.count = n + 2
        inputs = 1
        for i, width in enumerate(widths_of(n)):
            pooled = 1 <= i <= n
            layer = Layer(inputs, width, 1 if i == n + 1 else m, m if i == 0 else 1, m if pooled else 1)
            setattr(self, f"layer{i + 1}", layer)
            inputs = width
        self.dropout = torch.nn.Dropout(0.5)
        self.dense = torch.nn.Linear(inputs, tags)

    def forward(self, x):
        x = x.unsqueeze(1)
        for i in range(self.count):
            x = getattr(self, f"layer{i + 1}")(x)
        return torch.sigmoid(self.dense(self.dropout(x.squeeze(-1))))


def write_torch(signal):
    torch.manual_seed(20)
    expected = {}
    for name, m, n in [("sample", 3, 9), ("five", 5, 5)]:
        net = SampleCNN(m, n, len(TAGS)).eval()
        with torch.no_grad():
            for i in range(net.count):
                bn = getattr(net, f"layer{i + 1}").bn
                bn.weight.uniform_(-0.4, 1.3)
                bn.bias.uniform_(-0.1, 0.4)
                bn.running_mean.uniform_(-0.2, 0.2)
                bn.running_var.uniform_(0.3, 1.1)
            net.dense.weight.mul_(3)
            expected[name] = net(signal[None, : m ** (n + 1)])[0].numpy()
        state = net.state_dict()
        torch.save(state, HERE / f"{name}.pth")
        if name == "five":
            continue
        torch.save(state, HERE / "sample-legacy.pth", _use_new_zipfile_serialization=False)
        # As the training script's `save` and a net on several processors have it; in half precision, and transposed.
        wrapped = {f"module.{key}": value for key, value in state.items()}
        key = "module.layer4.conv.weight"
        wrapped[key] = wrapped[key].transpose(0, 1).contiguous().transpose(0, 1)
        wrapped["module.layer5.bn.bias"] = wrapped["module.layer5.bn.bias"].double()
        torch.save({"epoch": 3, "model": wrapped}, HERE / "sample-wrapped.pth")
        torch.save({"epoch": 3, "model": wrapped}, HERE / "sample-wrapped-legacy.pth",
                   _use_new_zipfile_serialization=False)
    write_bad_torch(SampleCNN(3, 2, len(TAGS)).eval().state_dict())
    return expected


class Code:
    """Python runs what this asks for when it unpickles it."""

    def __reduce__(self):
        import os

        return os.system, ("touch /tmp/wavetag-was-here",)


def write_bad_torch(state):
    """Small checkpoints that have to be refused: code, another net's weights, a missing tensor, a wrong shape, NaN."""
    torch.save({**state, "layer1.conv.weight": Code()}, HERE / "bad-code.pth")
    torch.save({**state, "layer1.conv.weight": Code()}, HERE / "bad-code-legacy.pth",
               _use_new_zipfile_serialization=False)
    torch.save({**state, "dense1.weight": torch.zeros(4, 4)}, HERE / "bad-extra.pth")
    torch.save({k: v for k, v in state.items() if k != "layer3.bn.running_var"}, HERE / "bad-missing.pth")
    torch.save({**state, "layer3.conv.weight": torch.zeros(5, 4, 2)}, HERE / "bad-shape.pth")
    torch.save({**state, "layer3.bn.running_var": -torch.ones(5)}, HERE / "bad-variance.pth")
    torch.save({**state, "layer3.conv.bias": torch.full((5,), float("nan"))}, HERE / "bad-nan.pth")
    torch.save({**state, "layer3.conv.bias": torch.zeros(5, dtype=torch.int64)}, HERE / "bad-type.pth")


# Keras: jongpillee/sampleCNN and jongpillee/musicTagging_MSD, and what Keras 2 makes of the same nets.


def make_keras_net(m, n, generator):
    """Kernels [width, in, out], as Keras has them."""
    layers, inputs = [], 1
    for i, width in enumerate(widths_of(n)):
        taps = 1 if i == n + 1 else m
        bound = (6 / (inputs * taps)) ** 0.5
        layers.append({
            "kernel": generator.uniform(-bound, bound, (taps, inputs, width)),
            "bias": generator.uniform(-0.1, 0.1, width),
            "gamma": generator.uniform(-0.4, 1.3, width),
            "beta": generator.uniform(-0.1, 0.4, width),
            "mean": generator.uniform(-0.2, 0.2, width),
            "variance": generator.uniform(0.3, 1.1, width),
        })
        inputs = width
    # A channel that never changed: what its batch norm remembers is no variance at all.
    layers[2]["kernel"][:, :, 0] = 0
    layers[2]["variance"][0] = 0
    layers[2]["mean"][0] = layers[2]["bias"][0] - 0.001
    dense = {"kernel": generator.uniform(-1, 1, (inputs, len(TAGS))), "bias": generator.uniform(-1, 1, len(TAGS))}
    single = lambda part: {key: value.astype(np.float32) for key, value in part.items()}
    return [single(layer) for layer in layers], single(dense)


def theano_same(x, kernel):
    """Keras's Theano backend: border mode "half" convolves with width // 2 zeros on both sides; of an even width's
    one column too many, the last is cut off. x [columns, in], kernel [width, in, out]."""
    width, inputs, outputs = kernel.shape
    start = width - 1 - width // 2
    y = np.zeros((len(x), outputs))
    for o in range(outputs):
        for i in range(inputs):
            y[:, o] += np.convolve(x[:, i], kernel[:, i, o], "full")[start : start + len(x)]
    return y


def tensorflow_same(x, kernel):
    """Correlation with (width - 1) // 2 zeros on the left."""
    width, inputs, outputs = kernel.shape
    left = (width - 1) // 2
    padded = np.pad(x, ((left, width - 1 - left), (0, 0)))
    return sum(padded[t : t + len(x)] @ kernel[t] for t in range(width))


def keras_probabilities(m, n, layers, dense, window, backend, epsilon, output):
    same = theano_same if backend == "theano" else tensorflow_same
    x = window.astype(np.float64)[:, None]
    for i, layer in enumerate(layers):
        kernel = layer["kernel"].astype(np.float64)
        if i == 0:
            # Valid, in strides: a window's product with the kernel, which a convolution turns round.
            turned = kernel[::-1] if backend == "theano" else kernel
            x = x.reshape(-1, m) @ turned[:, 0, :]
        else:
            x = same(x, kernel)
        x = x + layer["bias"]
        x = layer["gamma"] * (x - layer["mean"]) / np.sqrt(layer["variance"].astype(np.float64) + epsilon)
        x = np.maximum(x + layer["beta"], 0)
        if 1 <= i <= n:
            x = x.reshape(-1, m, x.shape[1]).max(axis=1)
    logits = x[0] @ dense["kernel"].astype(np.float64) + dense["bias"]
    if output == "sigmoid":
        return 1 / (1 + np.exp(-logits))
    e = np.exp(logits - logits.max())
    return e / e.sum()


def names(n, version):
    """The layers of the published scripts, in their order, and what kind each is."""
    old = version == 1
    listed = [("input_1", None)]
    for i in range(n + 2):
        listed.append((f"convolution1d_{i + 1}" if old else f"conv1d_{i + 1}", ("conv", i)))
        listed.append((f"batchnormalization_{i + 1}" if old else f"batch_normalization_{i + 1}", ("norm", i)))
        listed.append((f"activation_{i + 1}", None))
        if 1 <= i <= n:
            listed.append((f"maxpooling1d_{i}" if old else f"max_pooling1d_{i}", None))
    return listed + [("dropout_1", None), ("flatten_1", None), ("dense_1", ("dense", None))]


def arrays(name, kind, layers, dense, version):
    """A layer's arrays as the version names and shapes them, in its order."""
    if kind is None:
        return []
    what, i = kind
    part = dense if what == "dense" else layers[i]
    if what == "norm":
        keys = [("gamma", "gamma"), ("beta", "beta"), ("mean", "running_mean"), ("variance", "running_std")]
        if version == 2:
            keys[2:] = [("mean", "moving_mean"), ("variance", "moving_variance")]
    else:
        keys = [("kernel", "W"), ("bias", "b")] if version == 1 else [("kernel", "kernel"), ("bias", "bias")]
    found = []
    for key, label in keys:
        value = part[key]
        if version == 1 and what == "conv" and key == "kernel":
            value = value[:, None]
        found.append((f"{name}_{label}" if version == 1 else f"{name}/{label}:0", value))
    return found


def write_group(group, n, layers, dense, version, backend, text=lambda s: s.encode()):
    listed = names(n, version)
    group.attrs["layer_names"] = [text(name) for name, _ in listed]
    if version == 2:
        group.attrs["backend"] = text(backend)
        group.attrs["keras_version"] = text("2.0.8")
    for name, kind in listed:
        layer = group.create_group(name)
        found = arrays(name, kind, layers, dense, version)
        layer.attrs["weight_names"] = [text(key) for key, _ in found]
        for key, value in found:
            layer.create_dataset(key, data=value)


def configuration(m, n, version, epsilon, output):
    """What `to_json` says of the net, as far as it says what the net computes."""
    old = version == 1
    described = []
    for name, kind in names(n, version):
        if name.startswith("input"):
            entry = ("InputLayer", {"batch_input_shape": [None, m ** (n + 1), 1]})
        elif kind and kind[0] == "conv":
            i = kind[1]
            taps, stride, pad = (1 if i == n + 1 else m), (m if i == 0 else 1), ("valid" if i == 0 else "same")
            if old:
                entry = ("Convolution1D", {"nb_filter": widths_of(n)[i], "filter_length": taps, "activation": "linear",
                                           "subsample_length": stride, "border_mode": pad, "bias": True})
            else:
                entry = ("Conv1D", {"filters": widths_of(n)[i], "kernel_size": [taps], "activation": "linear",
                                    "strides": [stride], "padding": pad, "use_bias": True})
        elif kind and kind[0] == "norm":
            entry = ("BatchNormalization", {"epsilon": epsilon, "momentum": 0.99, "axis": -1})
        elif name.startswith("activation"):
            entry = ("Activation", {"activation": "relu"})
        elif name.startswith("max"):
            entry = ("MaxPooling1D", {"pool_length": m, "stride": m, "border_mode": "valid"} if old else
                     {"pool_size": [m], "strides": [m], "padding": "valid"})
        elif name.startswith("dropout"):
            entry = ("Dropout", {"p": 0.5} if old else {"rate": 0.5})
        elif name.startswith("flatten"):
            entry = ("Flatten", {})
        else:
            entry = ("Dense", {"output_dim" if old else "units": len(TAGS), "activation": output})
        described.append({"class_name": entry[0], "name": name, "config": {"name": name, **entry[1]}})
    return {"class_name": "Model", "keras_version": "1.1.0" if old else "2.0.8",
            "config": {"name": "model_1", "layers": described}}


def write_keras(signal):
    expected = {}
    # name, shape, Keras, backend, ε, output, whole model
    for name, m, n, version, backend, epsilon, output, whole in [
        ("keras1", 3, 9, 1, "theano", 1e-5, "sigmoid", False),
        ("keras1-even", 2, 13, 1, "theano", 1e-5, "sigmoid", True),
        ("keras1-four", 4, 6, 1, "theano", 1e-4, "softmax", False),
        ("keras2", 3, 9, 2, "tensorflow", 1e-3, "sigmoid", False),
        ("keras2-even", 4, 6, 2, "tensorflow", 1e-2, "softmax", True),
        ("keras2-theano", 2, 13, 2, "theano", 1e-3, "sigmoid", False),
    ]:
        generator = np.random.default_rng(100 * m + n + version)
        layers, dense = make_keras_net(m, n, generator)
        expected[name] = keras_probabilities(
            m, n, layers, dense, signal[: m ** (n + 1)], backend, epsilon, output).astype(np.float32)
        config = configuration(m, n, version, epsilon, output)
        with h5py.File(HERE / f"{name}.h5", "w") as file:
            group = file
            if whole:
                file.attrs["keras_version"] = config["keras_version"].encode()
                text = json.dumps({key: config[key] for key in ("class_name", "config")})
                # Keras 2 wrote this as a string of variable length, Keras 1 as one of fixed length.
                file.attrs["model_config"] = np.bytes_(text.encode()) if version == 1 else text
                group = file.create_group("model_weights")
                file.create_group("optimizer_weights").create_dataset("SGD/iterations:0", data=7)
            write_group(group, n, layers, dense, version, backend)
        if name == "keras1-four":
            # Published beside the weights.
            (HERE / "keras1-four.json").write_text(json.dumps(config))
    write_bad_keras(2, *make_keras_net(3, 2, np.random.default_rng(5)))
    return expected


def write_bad_keras(n, layers, dense):
    """Damage that HDF5 itself allows, each in a copy of a good small file."""
    kernel = "convolution1d_3/convolution1d_3_W"
    shape = (3, 1, 4, 5)

    def damaged(name, change):
        with h5py.File(HERE / f"bad-{name}.h5", "w") as file:
            write_group(file, n, layers, dense, 1, "theano")
            change(file)

    def replace(name, path, **arguments):
        def change(file):
            del file[path]
            file.create_dataset(path, **arguments)

        damaged(name, change)

    def link(target):
        def change(file):
            del file[kernel]
            file[kernel] = target

        return change

    damaged("missing", lambda file: file.__delitem__(kernel))
    damaged("names", lambda file: file.attrs.__delitem__("layer_names"))
    damaged("names-type", lambda file: file.attrs.__setitem__("layer_names", [1, 2, 3]))
    damaged("layer", lambda file: file.__delitem__("convolution1d_3"))
    replace("shape", kernel, data=np.zeros((2, 1, 4, 4), np.float32))
    replace("type", kernel, data=np.zeros(shape, np.int32))
    replace("huge", kernel, shape=(1 << 20, 1 << 20, 1 << 20, 4), dtype=np.float32, chunks=(1, 1, 64, 4))
    replace("empty", kernel, shape=shape, dtype=np.float32, chunks=shape)
    replace("external", kernel, shape=shape, dtype=np.float32, external=[("/etc/passwd", 0, 240)])
    damaged("link", link(h5py.ExternalLink("keras1.h5", kernel)))
    damaged("soft", link(h5py.SoftLink("/convolution1d_2/convolution1d_2_W")))


def main():
    HERE.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(1)
    time = torch.arange(5**7) / 22050
    tones = sum(torch.sin(2 * torch.pi * f * time) for f in (110.0, 441.0, 3520.0)) / 6
    signal = tones + 0.2 * make.uniform(generator, len(time))
    expected = write_torch(signal) | write_keras(signal.numpy())
    make.write("checkpoints/expected", expected)
    (HERE / "tags.txt").write_text("\n".join(TAGS) + "\n")
    for path in sorted(HERE.iterdir()):
        print(f"{path.stat().st_size:8} {path.name}")
    print({name: value.round(4).tolist() for name, value in expected.items()})


if __name__ == "__main__":
    main()
