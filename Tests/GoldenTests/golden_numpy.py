"""Small trainings in NumPy, double precision: golden numbers for GoldenTests.swift.

Usage: python3 golden_numpy.py > golden_numpy.json

Everything is written out with NumPy's own functions and order of sums, independent of Lockstep. Data and first parameters
come from integer formulas that both sides compute exactly.
"""

import json
import math

import numpy as np


def data(count, factor, offset):
    """Multiples of 1/1024 between -1 and 1, the same in every precision."""
    index = np.arange(count, dtype=np.int64)
    return ((index * factor + offset) % 2003 - 1001) / 1024.0


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
    softmax = np.exp(shifted - logarithm)
    total = t.sum(axis=1, keepdims=True)
    return np.sum(t * (logarithm - shifted)) / len(z), (softmax * total - t) / len(z)


def mae(z, t):
    return np.mean(np.abs(z - t)), np.sign(z - t) / z.size


def huber(z, t):
    size = np.abs(z - t)
    return np.mean(np.where(size <= 1, size**2 / 2, size - 0.5)), np.clip(z - t, -1, 1) / z.size


LOSSES = {"mse": mse, "bce": bce, "cross-entropy": cross_entropy, "mae": mae, "huber": huber}
REGRESSIONS = {"mse", "mae", "huber"}


def targets(loss, rows, outputs):
    values = data(rows * outputs, 1543, 77).reshape(rows, outputs)
    if loss in REGRESSIONS:
        return values
    if loss == "bce":
        return (values > 0).astype(float)
    return np.eye(outputs)[np.arange(rows) * 7 % outputs]


def train(sizes, activation, loss, rows, steps, learning_rate):
    value, derivative = ACTIVATIONS[activation]
    x, t = data(rows * sizes[0], 7919, 5).reshape(rows, sizes[0]), targets(loss, rows, sizes[-1])
    count = sum((inputs + 1) * outputs for inputs, outputs in zip(sizes, sizes[1:]))
    parameters, weights, biases = data(count, 1031, 0), [], []
    for inputs, outputs in zip(sizes, sizes[1:]):
        # As [outputs, inputs], then the bias: the order of a model file.
        w, b, parameters = np.split(parameters, [inputs * outputs, (inputs + 1) * outputs])
        weights.append(w.reshape(outputs, inputs).T.copy())
        biases.append(b.copy())
    losses = []
    for _ in range(steps):
        sums, values = [], [x]
        for index, (w, b) in enumerate(zip(weights, biases)):
            sums.append(values[-1] @ w + b)
            values.append(sums[-1] if index == len(weights) - 1 else value(sums[-1]))
        mean, gradient = LOSSES[loss](values[-1], t)
        losses.append(mean)
        updates = []
        for index in reversed(range(len(weights))):
            updates.append((index, values[index].T @ gradient, gradient.sum(axis=0)))
            if index > 0:
                gradient = gradient @ weights[index].T * derivative(sums[index - 1], values[index])
        for index, weight_gradient, bias_gradient in updates:
            weights[index] -= learning_rate * weight_gradient
            biases[index] -= learning_rate * bias_gradient
    return {
        "sizes": sizes, "activation": activation, "loss": loss, "rows": rows, "steps": steps,
        "learningRate": learning_rate, "losses": losses,
        "parameters": np.concatenate([np.concatenate([w.T.ravel(), b]) for w, b in zip(weights, biases)]).tolist(),
    }


print(json.dumps([
    train([1, 2, 1], "identity", "mse", 100, 50, 0.125),
    train([3, 5, 2], "relu", "mse", 300, 20, 0.125),
    train([2, 7, 3], "leaky-relu", "cross-entropy", 257, 20, 0.25),
    train([4, 6, 6, 2], "tanh", "bce", 65, 20, 0.25),
    train([5, 9, 4], "sigmoid", "cross-entropy", 513, 20, 0.5),
    train([13, 16, 8, 1], "tanh", "mse", 600, 10, 0.0625),
    train([3, 6, 2], "tanh", "mae", 300, 20, 0.125),
    train([4, 17, 3], "sigmoid", "huber", 270, 20, 0.5),
    train([2, 5, 1], "softplus", "mse", 300, 20, 0.0625),
    train([6, 18, 7, 2], "silu", "huber", 290, 20, 0.25),
    train([2, 6, 1], "elu", "mse", 270, 20, 0.125),
    train([5, 19, 3], "gelu", "cross-entropy", 260, 20, 0.25),
], indent=1))
