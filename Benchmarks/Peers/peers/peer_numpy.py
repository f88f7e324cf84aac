"""NumPy: products into preallocated arrays, everything else in place."""

from functools import partial
from pathlib import Path

import numpy as np

from .peer import Peer, Run, Variants, contiguous
from .problem import Arrays, Problem


class NumPyPeer(Peer):
    """Takes threads from OPENBLAS_NUM_THREADS."""

    name = "NumPy"

    def environment(self, threads: int, home: Path) -> dict[str, str]:
        return {"OPENBLAS_NUM_THREADS": str(threads)}

    def version(self, home: Path) -> str:
        import threadpoolctl

        blas = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"][0]
        return f"{np.__version__} ({blas['internal_api']} {blas['version']}, {blas['architecture']})"

    def variants(self, problem: Problem, threads: int, home: Path) -> Variants:
        return {"out=": partial(_prepare, problem)}


def _prepare(problem: Problem) -> Run:
    workload, x, t = problem.workload, problem.inputs, problem.targets
    weights, biases = contiguous(problem.weights), contiguous(problem.biases)
    values = [np.empty((workload.rows, outputs), problem.dtype) for _, outputs in workload.layers]
    differences = [np.empty_like(array) for array in values]
    masks = [np.empty(array.shape, bool) for array in values]
    weight_gradients = [np.empty_like(array) for array in weights]
    ones = np.ones(workload.rows, problem.dtype)
    is_relu, last = workload.hidden == "relu", len(weights) - 1
    # The learning rate rides on the loss gradient: everything after it is linear.
    scale = problem.dtype.type(-workload.learning_rate * problem.gradient_scale)

    def forward() -> None:
        layer_input = x
        for index, z in enumerate(values):
            np.matmul(layer_input, weights[index], out=z)
            np.add(z, biases[index], out=z)
            if is_relu and index < last:
                np.maximum(z, 0, out=z)
            layer_input = z

    def loss_gradient() -> None:
        y, d = values[last], differences[last]
        if workload.loss == "cross-entropy":
            np.subtract(y, y.max(axis=1, keepdims=True), out=d)
            np.exp(d, out=d)
            np.divide(d, d.sum(axis=1, keepdims=True), out=d)
            np.subtract(d, t, out=d)
        else:
            np.subtract(y, t, out=d)
        np.multiply(d, scale, out=d)

    def backward() -> None:
        for index in range(last, -1, -1):
            d = differences[index]
            if index > 0:
                below = differences[index - 1]
                np.matmul(d, weights[index].T, out=below)
                if is_relu:
                    np.greater(values[index - 1], 0, out=masks[index - 1])
                    np.multiply(below, masks[index - 1], out=below)
            layer_input = values[index - 1] if index > 0 else x
            np.matmul(layer_input.T, d, out=weight_gradients[index])
            np.add(weights[index], weight_gradients[index], out=weights[index])
            np.add(biases[index], ones @ d, out=biases[index])

    def train(count: int) -> None:
        for _ in range(count):
            forward()
            loss_gradient()
            backward()

    def infer(count: int) -> None:
        for _ in range(count):
            forward()

    def parameters() -> Arrays:
        return [array for layer in zip(weights, biases) for array in layer]

    if workload.trains:
        return Run(train, parameters)
    return Run(infer, lambda: [values[last]])
