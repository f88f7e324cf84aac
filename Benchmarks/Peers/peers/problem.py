"""The data that all sides compute on, and the losses by which their work is compared."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .workloads import Workload

Arrays = list[np.ndarray]

SEED = 20260101


@dataclass(frozen=True)
class Problem:
    """A workload with its numbers.

    `inputs` is [rows × features], `targets` [rows × outputs]. A weight matrix is [inputs × outputs].
    """

    workload: Workload
    dtype: np.dtype
    inputs: np.ndarray
    targets: np.ndarray
    weights: Arrays
    biases: Arrays

    @property
    def parameters(self) -> Arrays:
        """Weights and biases in turn, layer by layer."""
        return [array for layer in zip(self.weights, self.biases) for array in layer]

    @property
    def gradient_scale(self) -> float:
        """What the difference of outputs (or probabilities) and targets is multiplied by."""
        rows, outputs = self.targets.shape
        return 1 / rows if self.workload.loss == "cross-entropy" else 2 / (rows * outputs)

    def outputs(self, parameters: Arrays) -> np.ndarray:
        """The outputs of the network with other parameters, in Double."""
        values = self.inputs.astype(np.float64)
        last = len(parameters) - 2
        for index in range(0, len(parameters), 2):
            values = values @ parameters[index].astype(np.float64) + parameters[index + 1].astype(np.float64)
            if index < last and self.workload.hidden == "relu":
                values = np.maximum(values, 0)
        return values

    def loss(self, outputs: np.ndarray) -> float:
        """The mean loss of outputs, in Double."""
        outputs = outputs.astype(np.float64)
        targets = self.targets.astype(np.float64)
        if self.workload.loss == "mse":
            return float(np.mean((outputs - targets) ** 2))
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        logarithms = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return float((targets * (logarithms - shifted)).sum() / len(targets))

    def write_table(self, path: Path) -> None:
        """Writes the data as CSV: columns i0, i1, ... of inputs, then t0, t1, ... of targets."""
        names = [f"i{n}" for n in range(self.inputs.shape[1])] + [f"t{n}" for n in range(self.targets.shape[1])]
        with path.open("w") as file:
            print(",".join(names), file=file)
            for row in np.hstack([self.inputs, self.targets]):
                print(",".join(map(str, row)), file=file)

    def write_model(self, path: Path) -> None:
        """Writes the initial parameters as a model file of Lockstep."""
        layers = len(self.weights)
        stride = 1 if self.workload.hidden == "identity" else 2
        activations = [self.workload.hidden] * (layers - 1) + ["identity"]
        header: dict[str, object] = {
            "__metadata__": {
                "lockstep.format": "1",
                "lockstep.activations": json.dumps(activations),
                "lockstep.loss": self.workload.loss,
                "lockstep.inputs": json.dumps([f"i{n}" for n in range(self.inputs.shape[1])]),
                "lockstep.targets": json.dumps([f"t{n}" for n in range(self.targets.shape[1])]),
            }
        }
        blocks: list[bytes] = []
        position = 0
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            for name, array in ((f"{index * stride}.weight", weight.T), (f"{index * stride}.bias", bias)):
                block = np.ascontiguousarray(array).tobytes()
                header[name] = {
                    "dtype": "F32" if self.dtype == np.float32 else "F64",
                    "shape": list(array.shape),
                    "data_offsets": [position, position + len(block)],
                }
                blocks.append(block)
                position += len(block)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def generate(workload: Workload, precision: str) -> Problem:
    """The numbers of a workload, from a fixed seed: the same in each process of a run."""
    dtype = np.dtype(np.float32 if precision == "f32" else np.float64)
    random = np.random.default_rng(SEED)
    inputs = random.uniform(-1, 1, (workload.rows, workload.sizes[0])).astype(dtype)
    if workload.loss == "cross-entropy":
        classes = random.integers(0, workload.sizes[-1], workload.rows)
        targets = np.eye(workload.sizes[-1], dtype=dtype)[classes]
    else:
        slopes = random.standard_normal((workload.sizes[0], workload.sizes[-1])) / np.sqrt(workload.sizes[0])
        targets = (inputs @ slopes + 0.3).astype(dtype)
    weights = [(random.standard_normal(shape) * np.sqrt(2 / shape[0])).astype(dtype) for shape in workload.layers]
    biases = [random.uniform(-0.1, 0.1, outputs).astype(dtype) for _, outputs in workload.layers]
    return Problem(workload, dtype, inputs, targets, weights, biases)
