#!/usr/bin/env python3
"""Compares Lockstep's model files with the Python package safetensors.

    check_with_python.py            read what Lockstep wrote (Fixtures/lockstep.safetensors) and compare every bit
    check_with_python.py --make     write the fixtures that Lockstep's tests read

Needs: pip install safetensors numpy
"""

import pathlib
import sys

import numpy
from safetensors import safe_open
from safetensors.numpy import save_file

FIXTURES = pathlib.Path(__file__).parent / "Fixtures"

# The same numbers stand in SafetensorsTests.swift.
METADATA = {"activations": "relu,identity", "note": 'a "quoted" / é'}
TENSORS = {
    "0.weight": numpy.array([[1.5, -0.0, numpy.inf], [1e-45, 3.4028235e38, -2.25]], dtype=numpy.float32),
    "0.bias": numpy.array([numpy.pi, 5e-324], dtype=numpy.float64),
    "empty": numpy.zeros((0, 3), dtype=numpy.float32),
    "scale": numpy.array(2.5, dtype=numpy.float64),
}


def make():
    FIXTURES.mkdir(exist_ok=True)
    save_file(TENSORS, FIXTURES / "python.safetensors", metadata=METADATA)
    save_file({"w": TENSORS["0.weight"]}, FIXTURES / "python-no-metadata.safetensors")
    save_file({"h": numpy.array([1, 2], dtype=numpy.float16)}, FIXTURES / "python-f16.safetensors")
    save_file({}, FIXTURES / "python-no-tensors.safetensors")


def check(path):
    with safe_open(path, framework="numpy") as file:
        assert file.metadata() == METADATA, file.metadata()
        assert sorted(file.keys()) == sorted(TENSORS), file.keys()
        for name, expected in TENSORS.items():
            tensor = file.get_tensor(name)
            assert tensor.dtype == expected.dtype and tensor.shape == expected.shape, (name, tensor.dtype, tensor.shape)
            assert tensor.tobytes() == expected.tobytes(), (name, tensor)
    print(f"{path}: every bit as expected")


if __name__ == "__main__":
    if sys.argv[1:] == ["--make"]:
        make()
    else:
        check(FIXTURES / "lockstep.safetensors")
