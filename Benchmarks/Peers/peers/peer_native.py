"""C and C++ peers: the shared libraries that native.py builds, driven through the functions of network.h."""

import ctypes
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from .native import Library
from .peer import Peer, Run, Variants
from .problem import Arrays, Problem
from .workloads import Workload


class NativePeer(Peer):
    """A dense network written by hand on one library.

    Takes threads from OMP_NUM_THREADS or the library's own variable.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self.name = library.name
        self.is_pinned = library.is_pinned

    def is_available(self, home: Path) -> bool:
        return self.library.product(home, "f32").exists()

    def supports(self, workload: Workload, precision: str) -> bool:
        if self.library.key == "fann" and (workload.hidden != "identity" or not workload.trains):
            return False
        return precision in self.library.precisions

    def environment(self, threads: int, home: Path) -> dict[str, str]:
        return {key: value.format(threads=threads) for key, value in self.library.environment(home).items()}

    def version(self, home: Path) -> str:
        function = self._load(home, "f32").peer_version
        function.restype = ctypes.c_char_p
        return " ".join(function().decode().split()) or self.library.linked(home)[0].resolve().name

    def variants(self, problem: Problem, threads: int, home: Path) -> Variants:
        library = self._load(home, "f32" if problem.dtype == np.float32 else "f64")
        library.peer_variants.restype = ctypes.c_char_p
        names = library.peer_variants().decode().split("\n")
        return {name: partial(_prepare, library, problem, index) for index, name in enumerate(names)}

    def product(self, a: np.ndarray, b: np.ndarray, home: Path) -> Callable[[int], None]:
        """Computes A B, in single precision, so many times."""
        library = self._load(home, "f32")
        c = np.empty((a.shape[0], b.shape[1]), np.float32)
        shape = (a.shape[0], b.shape[1], a.shape[1])

        def run(count: int) -> None:
            library.peer_product(*shape, _pointer(a), _pointer(b), _pointer(c), ctypes.c_long(count))

        run(1)
        np.testing.assert_allclose(c, a @ b, rtol=1e-3, atol=1e-3)
        return run

    def _load(self, home: Path, precision: str) -> ctypes.CDLL:
        # MKL looks for symbols of its core in the global scope.
        return ctypes.CDLL(str(self.library.product(home, precision)), os.RTLD_GLOBAL | os.RTLD_NOW)


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


def _pointers(arrays: Arrays) -> ctypes.Array:
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))


def _prepare(library: ctypes.CDLL, problem: Problem, variant: int) -> Run | None:
    workload = problem.workload
    real = ctypes.c_float if problem.dtype == np.float32 else ctypes.c_double
    weights, biases = _pointers(problem.weights), _pointers(problem.biases)
    sizes = (ctypes.c_int * len(workload.sizes))(*workload.sizes)

    class Description(ctypes.Structure):
        _fields_ = [
            ("layers", ctypes.c_int),
            ("sizes", ctypes.c_void_p),
            ("rows", ctypes.c_int),
            ("is_relu", ctypes.c_int),
            ("is_cross_entropy", ctypes.c_int),
            ("trains", ctypes.c_int),
            ("learning_rate", real),
            ("gradient_scale", real),
            ("inputs", ctypes.c_void_p),
            ("targets", ctypes.c_void_p),
            ("weights", ctypes.c_void_p),
            ("biases", ctypes.c_void_p),
        ]

    description = Description(
        len(workload.layers),
        ctypes.addressof(sizes),
        workload.rows,
        workload.hidden == "relu",
        workload.loss == "cross-entropy",
        workload.trains,
        workload.learning_rate,
        problem.gradient_scale,
        problem.inputs.ctypes.data,
        problem.targets.ctypes.data,
        ctypes.addressof(weights),
        ctypes.addressof(biases),
    )
    library.peer_prepare.restype = ctypes.c_void_p
    address = library.peer_prepare(ctypes.byref(description), variant)
    if not address:
        return None
    network = ctypes.c_void_p(address)

    def step(count: int) -> None:
        library.peer_step(network, ctypes.c_long(count))

    def parameters() -> Arrays:
        results = [np.empty_like(array) for array in problem.parameters]
        library.peer_parameters(network, _pointers(results[0::2]), _pointers(results[1::2]))
        return results

    def outputs() -> Arrays:
        result = np.empty((workload.rows, workload.sizes[-1]), problem.dtype)
        library.peer_outputs(network, _pointer(result))
        return [result]

    return Run(step, parameters if workload.trains else outputs)
