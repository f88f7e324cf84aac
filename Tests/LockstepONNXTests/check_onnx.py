#!/usr/bin/env python3
"""Exports networks with the tool, checks the files with ONNX's own checker and runs them in ONNX Runtime.

    check_onnx.py       takes `lockstep` from PATH

For every activation, in both precisions, what ONNX Runtime computes is compared with `lockstep predict --json`. The two
sum in different orders, so they may differ by roundings and by no more: the tolerance is not a guess but the sum of both
sides' forward error bounds (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1: a sum of n products is
within (n + 1) u of |x| |W| + |b|, however it is ordered), carried from layer to layer, with 8 u for a tanh or a sigmoid, and for
the smooth rectifiers 8 u of what their terms are made of.

Needs: pip install numpy onnx onnxruntime
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

ACTIVATIONS = ["identity", "relu", "leaky-relu", "tanh", "sigmoid", "elu", "softplus", "silu", "gelu"]
# The hidden layers between 13 inputs and 3 outputs.
HIDDEN = ["none", "1", "7", "97,31", "512,256"]
ROWS = [1, 67]
TYPES = {"f32": numpy.float32, "f64": numpy.float64}
INPUTS = [f"x{index}" for index in range(13)]
TARGETS = ["a", "b", "c"]


def main():
    onnxruntime.set_default_logger_severity(3)
    models, compared, worst = 0, 0, 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_table(folder / "training.csv", 50, seed=1)
        for seed, rows in enumerate(ROWS):
            write_table(folder / f"{rows}.csv", rows, seed=2 + seed)
        for precision in TYPES:
            for activation in ACTIVATIONS:
                for hidden in HIDDEN:
                    count, ratio = check(folder, precision, activation, hidden)
                    models, compared, worst = models + 1, compared + count, max(worst, ratio)
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}: {models} models, {compared} outputs, "
          f"each within rounding; the largest difference is {worst:.3f} of what rounding allows")


def lockstep(*words):
    """Runs the tool and returns its lines as JSON."""
    result = subprocess.run(["lockstep", *map(str, words), "--json"], stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in result.stdout.splitlines()]


def write_table(path, rows, seed):
    values = numpy.random.RandomState(seed).normal(size=(rows, len(INPUTS) + len(TARGETS)))
    numpy.savetxt(path, values, delimiter=",", header=",".join(INPUTS + TARGETS), comments="", fmt="%.17g")


def check(folder, precision, activation, hidden):
    """Exports one network, and returns how many outputs were compared and how close the worst came to its tolerance."""
    model, path = folder / "model.safetensors", folder / "model.onnx"
    trained = lockstep("train", folder / "training.csv", "--target", ",".join(TARGETS), "--hidden", hidden, "--activation",
                       activation, "--precision", precision, "--epochs", 3, "--model", model)
    lockstep("export", model, "--onnx", path)

    onnx.checker.check_model(str(path), full_check=True)
    parsed = onnx.load(str(path))
    layers = [(array(parsed, f"layer{index}.weights"), array(parsed, f"layer{index}.bias"))
              for index in range(1, 2 + (0 if hidden == "none" else len(hidden.split(","))))]
    metadata = {entry.key: entry.value for entry in parsed.metadata_props}
    expected = trained[-1]["parameters_digest"]
    require(metadata["lockstep.digest"] == expected, "the metadata names another digest")
    require(digest(layers) == expected, "the parameters are others")
    require(metadata["lockstep.precision"] == precision and metadata["lockstep.loss"] == "mse", "the metadata is wrong")
    require(json.loads(metadata["lockstep.inputs"]) == INPUTS, "the inputs' names are wrong")
    require(json.loads(metadata["lockstep.targets"]) == TARGETS, "the targets' names are wrong")

    if activation == "gelu" and precision == "f64":
        # ONNX Runtime has no Erf for doubles, and that of ONNX's own evaluator gives floats.
        session = ReferenceEvaluator(parsed, new_ops=[Erf])
    else:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    count, worst = 0, 0.0
    for rows in ROWS:
        table = folder / f"{rows}.csv"
        ours = numpy.array([[row[name] for name in TARGETS] for row in lockstep("predict", model, table)])
        values = numpy.loadtxt(table, delimiter=",", skiprows=1, ndmin=2)[:, :len(INPUTS)].astype(TYPES[precision])
        theirs = session.run(["output"], {"input": values})[0]
        require(theirs.dtype == TYPES[precision] and theirs.shape == ours.shape, "type or shape is another")
        ratio = numpy.max(numpy.abs(theirs - ours) / tolerance(layers, activation, values, TYPES[precision]))
        require(ratio <= 1, f"{precision} {activation} {hidden}: {ratio} times what rounding allows")
        count, worst = count + ours.size, max(worst, ratio)
    empty = session.run(["output"], {"input": numpy.zeros((0, len(INPUTS)), TYPES[precision])})[0]
    require(empty.shape == (0, len(TARGETS)), "no rows give another shape")
    return count, worst


class Erf(OpRun):
    """The error function in the type of its argument."""

    def _run(self, values):
        return (numpy.vectorize(math.erf, otypes=[values.dtype])(values),)


def array(parsed, name):
    return numpy_helper.to_array(next(tensor for tensor in parsed.graph.initializer if tensor.name == name))


def digest(layers):
    """64-bit FNV-1a of the parameters in the order of the model file, as Lockstep prints it."""
    state = 0xCBF29CE484222325
    for weights, bias in layers:
        for byte in weights.T.tobytes() + bias.tobytes():
            state = ((state ^ byte) * 0x100000001B3) % (1 << 64)
    return f"{state:016x}"


def tolerance(layers, activation, values, dtype):
    """How far two ways to compute the outputs may lie apart by rounding alone."""
    unit = numpy.finfo(dtype).eps / 2
    values = values.astype(numpy.float64)
    error = numpy.zeros_like(values)
    for index, (weights, bias) in enumerate(layers):
        weights, bias = weights.astype(numpy.float64), bias.astype(numpy.float64)
        magnitude = (numpy.abs(values) + error) @ numpy.abs(weights) + numpy.abs(bias)
        # The activations' slopes are at most 1, so they carry an error on without making it larger; those of silu and
        # gelu are at most 1.13.
        error = error @ numpy.abs(weights) + (len(weights) + 1) * unit * magnitude
        values = values @ weights + bias
        if index == len(layers) - 1:
            break
        if activation == "relu":
            values = numpy.maximum(values, 0)
        elif activation == "leaky-relu":
            values = numpy.where(values < 0, float(dtype(0.01)) * values, values)
            error += 2 * unit * numpy.abs(values)
        elif activation == "tanh":
            values, error = numpy.tanh(values), error + 8 * unit
        elif activation == "sigmoid":
            values, error = 1 / (1 + numpy.exp(-values)), error + 8 * unit
        elif activation == "elu":
            values, error = numpy.where(values <= 0, numpy.expm1(values), values), error + 8 * unit * (1 + numpy.abs(values))
        elif activation == "softplus":
            values, error = numpy.logaddexp(0, values), error + 8 * unit * (1 + numpy.abs(values))
        elif activation == "silu":
            values, error = values / (1 + numpy.exp(-values)), 1.13 * error + 8 * unit * numpy.abs(values)
        elif activation == "gelu":
            # ONNX Runtime's erf is off by no more than 8 units.
            values, error = values * normal(values), 1.13 * error + 16 * unit * numpy.abs(values)
    return 2 * error


def normal(values):
    """The standard normal distribution function."""
    return numpy.vectorize(lambda value: math.erfc(-value / math.sqrt(2)) / 2)(values)


def require(holds, what):
    if not holds:
        sys.exit(f"check_onnx: {what}")


main()
