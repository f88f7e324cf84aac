#!/usr/bin/env python3
"""Writes the tables, the models and the expected gradients that the tool's tests read.

    make_fixtures.py        write Fixtures/table.csv, split.*, gradients-*.csv, gradients-*.safetensors and gradients.json

The gradients are NumPy's, in double precision, with NumPy's own functions and order of sums. They and the tables come
from integer formulas, so that every run writes the same files.

Needs: pip install numpy safetensors
"""

import json
import math
import pathlib

import numpy as np
from safetensors.numpy import save_file

FIXTURES = pathlib.Path(__file__).parent / "Fixtures"
ROWS = 1000
INPUTS = 12


def noise(count, factor, offset):
    """Multiples of 1/1000 between -1 and 1."""
    index = np.arange(count, dtype=np.int64)
    return ((index * index * factor + index * 7919 + offset) % 2003 - 1001) / 1001.0


def write_table(name, columns, parts):
    with open(FIXTURES / name, "w") as file:
        file.write(",".join(columns) + "\n")
        for row in np.hstack(parts):
            file.write(",".join(f"{value:g}" for value in row) + "\n")


def table():
    """1,000 rows of 13 columns: 12 inputs, and a target that depends on them smoothly."""
    x = np.round(noise(ROWS * INPUTS, 31, 5).reshape(ROWS, INPUTS), 3)
    y = np.round(np.sin(x[:, 0] + x[:, 1]) + x[:, 2] * x[:, 3] - 0.5 * x[:, 4:].mean(axis=1), 3)
    write_table("table.csv", [f"x{k + 1}" for k in range(INPUTS)] + ["y"], [x, y[:, np.newaxis]])


def split():
    """The same few rows in arrays as data sets come in, in Fortran order, and in a table whose columns have names."""
    x = np.round(noise(40, 29, 1).reshape(10, 4), 3)
    y = (x.sum(axis=1) > 0).astype("i8")
    np.savez(FIXTURES / "split.npz", x_train=x[:7], y_train=y[:7], x_test=x[7:], y_test=y[7:])
    np.save(FIXTURES / "split.npy", np.asfortranarray(x[7:]))
    write_table("split.csv", ["length", "width", "height", "weight", "class"], [x[7:], y[7:, np.newaxis]])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def normal(z):
    """The standard normal distribution function, from the C library's erfc."""
    return np.vectorize(lambda value: math.erfc(-value / math.sqrt(2)) / 2)(z)


ACTIVATIONS = {
    "identity": (lambda z: z, lambda z, y: np.ones_like(z)),
    "relu": (lambda z: np.maximum(z, 0), lambda z, y: (z > 0).astype(z.dtype)),
    "leaky-relu": (lambda z: np.where(z < 0, 0.01 * z, z), lambda z, y: np.where(z > 0, 1.0, 0.01)),
    "tanh": (np.tanh, lambda z, y: 1 - np.tanh(z) ** 2),
    "sigmoid": (sigmoid, lambda z, y: y * (1 - y)),
    "elu": (lambda z: np.where(z <= 0, np.expm1(np.minimum(z, 0)), z), lambda z, y: np.where(z <= 0, y + 1, 1.0)),
    "softplus": (lambda z: np.logaddexp(0, z), lambda z, y: sigmoid(z)),
    "silu": (lambda z: z * sigmoid(z), lambda z, y: y + sigmoid(z) * (1 - y)),
    "gelu": (lambda z: z * normal(z), lambda z, y: normal(z) + z * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)),
}


def mse(z, t):
    return np.mean((z - t) ** 2), 2 * (z - t) / z.size


def bce(z, t):
    return np.mean(np.logaddexp(0, z) - z * t), (sigmoid(z) - t) / z.size


def cross_entropy(z, t):
    shifted = z - z.max(axis=1, keepdims=True)
    logarithm = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.sum(t * (logarithm - shifted)) / len(z), (np.exp(shifted - logarithm) - t) / len(z)


def mae(z, t):
    return np.mean(np.abs(z - t)), np.sign(z - t) / z.size


def huber(z, t):
    size = np.abs(z - t)
    return np.mean(np.where(size <= 1, size**2 / 2, size - 0.5)), np.clip(z - t, -1, 1) / z.size


LOSSES = {"mse": mse, "bce": bce, "cross-entropy": cross_entropy, "mae": mae, "huber": huber}
REGRESSIONS = {"mse", "mae", "huber"}
SIZES = [4, 6, 5, 3]
GRADIENT_ROWS = 300


def gradient_table():
    """300 rows (more than a leaf) of 4 inputs, with 3 numbers or 3 classes as targets."""
    x = np.round(noise(GRADIENT_ROWS * 4, 17, 3).reshape(GRADIENT_ROWS, 4), 3)
    values = np.round(noise(GRADIENT_ROWS * 3, 23, 9).reshape(GRADIENT_ROWS, 3), 3)
    classes = np.eye(3)[np.arange(GRADIENT_ROWS) * 7 % 3]
    write_table("gradients-numbers.csv", ["a", "b", "c", "d", "p", "q", "r"], [x, values])
    write_table("gradients-classes.csv", ["a", "b", "c", "d", "red", "green", "blue"], [x, classes])
    return x, values, classes


def gradients(x, t, activation, loss, layers):
    value, derivative = ACTIVATIONS[activation]
    sums, outputs = [], [x]
    for index, (weight, bias) in enumerate(layers):
        sums.append(outputs[-1] @ weight.T + bias)
        outputs.append(sums[-1] if index == len(layers) - 1 else value(sums[-1]))
    mean, gradient = LOSSES[loss](outputs[-1], t)
    result = {}
    step = 1 if activation == "identity" else 2
    for index in reversed(range(len(layers))):
        result[f"{index * step}.weight"] = (gradient.T @ outputs[index]).tolist()
        result[f"{index * step}.bias"] = gradient.sum(axis=0).tolist()
        if index > 0:
            gradient = gradient @ layers[index][0] * derivative(sums[index - 1], outputs[index])
    return {"loss": mean, "gradients": dict(sorted(result.items()))}


def gradient_fixtures():
    x, values, classes = gradient_table()
    layers, start = [], 0
    for inputs, outputs in zip(SIZES, SIZES[1:]):
        count = (inputs + 1) * outputs
        numbers = noise(1000, 13, 1)[start : start + count]
        start += count
        layers.append((numbers[: inputs * outputs].reshape(outputs, inputs), numbers[inputs * outputs :]))
    for name, step in ("linear", 1), ("activated", 2):
        tensors = {}
        for index, (weight, bias) in enumerate(layers):
            tensors[f"{index * step}.weight"] = np.ascontiguousarray(weight)
            tensors[f"{index * step}.bias"] = np.ascontiguousarray(bias)
        save_file(tensors, FIXTURES / f"gradients-{name}.safetensors")
    expected = [
        {"activation": activation, "loss_function": loss}
        | gradients(x, values if loss in REGRESSIONS else classes, activation, loss, layers)
        for activation in ACTIVATIONS
        for loss in LOSSES
    ]
    (FIXTURES / "gradients.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    FIXTURES.mkdir(exist_ok=True)
    table()
    split()
    gradient_fixtures()
