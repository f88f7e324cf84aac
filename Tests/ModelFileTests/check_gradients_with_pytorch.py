#!/usr/bin/env python3
"""Compares gradients with PyTorch's, for every activation and every loss, in double precision.

    check_gradients_with_pytorch.py     takes `lockstep` from PATH

Small networks are made by `lockstep train --epochs 0`, and their gradients over 300 rows, more than a leaf, by `lockstep
gradients`. Both sides round a few hundred operations a sum to 2^-53, in different orders: no gradient may be off by more than
1e-12 of the largest of its tensor.

Needs: pip install torch numpy
"""

import itertools
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy
import torch
from torch import nn
from torch.nn import functional

ACTIVATIONS = {
    "identity": nn.Identity, "relu": nn.ReLU, "leaky-relu": nn.LeakyReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid,
    "elu": nn.ELU, "softplus": nn.Softplus, "silu": nn.SiLU, "gelu": nn.GELU,
}
LOSSES = {
    "mse": functional.mse_loss, "bce": functional.binary_cross_entropy_with_logits,
    "cross-entropy": functional.cross_entropy, "mae": functional.l1_loss, "huber": functional.huber_loss,
}
HIDDEN = ["5", "17,6"]
INPUTS, TARGETS = ["a", "b", "c", "d"], ["p", "q", "r"]
ROWS = 300
TOLERANCE = 1e-12


def main():
    random = numpy.random.RandomState(1)
    values = random.normal(size=(ROWS, len(INPUTS)))
    numbers = 2 * random.normal(size=(ROWS, len(TARGETS)))
    classes = numpy.eye(len(TARGETS))[random.randint(len(TARGETS), size=ROWS)]
    count, worst = 0, 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for kind, targets in (("numbers", numbers), ("classes", classes)):
            table = numpy.hstack([values, targets])
            numpy.savetxt(folder / f"{kind}.csv", table, delimiter=",", header=",".join(INPUTS + TARGETS), comments="",
                          fmt="%.17g")
        for activation, loss, hidden in itertools.product(ACTIVATIONS, LOSSES, HIDDEN):
            kind = "numbers" if loss in ("mse", "mae", "huber") else "classes"
            targets = numbers if kind == "numbers" else classes
            difference = check(folder, kind, activation, loss, hidden, values, targets)
            count, worst = count + 1, max(worst, difference)
    print(f"torch {torch.__version__}: gradients of {count} networks, off by {worst:.1e} at most")


def check(folder, kind, activation, loss, hidden, values, targets):
    """How far the gradients of one network are off, relative to the largest of each tensor."""
    table, model, path = folder / f"{kind}.csv", folder / "model", folder / "gradients"
    lockstep("train", table, "--target", ",".join(TARGETS), "--hidden", hidden, "--activation", activation, "--loss", loss,
             "--precision", "f64", "--epochs", 0, "--model", model)
    mean = lockstep("gradients", model, table, "-o", path)[-1]["loss"]
    parameters, ours = read(model), read(path)

    modules = []
    for layer in range(hidden.count(",") + 2):
        index = layer if activation == "identity" else 2 * layer
        weight, bias = parameters[f"{index}.weight"], parameters[f"{index}.bias"]
        linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
        linear.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
        modules += [linear, ACTIVATIONS[activation]()]
    theirs = LOSSES[loss](nn.Sequential(*modules[:-1])(torch.from_numpy(values)), torch.from_numpy(targets))
    theirs.backward()
    worst = abs(mean - theirs.item()) / abs(theirs.item())
    gradients = [parameter.grad.numpy() for module in modules for parameter in module.parameters()]
    for name, gradient in zip(sorted(ours, key=order), gradients, strict=True):
        assert ours[name].shape == gradient.shape
        worst = max(worst, numpy.max(numpy.abs(ours[name] - gradient)) / numpy.max(numpy.abs(gradient)))
    if not worst <= TOLERANCE:
        sys.exit(f"check_gradients_with_pytorch: {activation}, {loss}, {hidden}: off by {worst:.1e}")
    return worst


def order(name):
    """Layer after layer, the weights before the bias."""
    index, kind = name.split(".")
    return int(index), kind == "bias"


def lockstep(*words):
    """Runs the tool and returns its lines as JSON."""
    result = subprocess.run(["lockstep", *map(str, words), "--json"], stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in result.stdout.splitlines()]


def read(path):
    """The tensors of a safetensors file of doubles."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header, tensors = json.loads(data[8:8 + size]), data[8 + size:]
    header.pop("__metadata__", None)
    return {name: numpy.frombuffer(tensors[slice(*entry["data_offsets"])]).reshape(entry["shape"]).copy()
            for name, entry in header.items()}


if __name__ == "__main__":
    main()
