"""Lockstep as other programs take it along: the C library, the Python module, and a network that was exported to C.

They run in workers like the peers', on an installation that setup.py makes. The Swift library's rows come from
`lockstep benchmark`.
"""

import ctypes
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from .native import LIBRARY, REALS, SOURCES, prefix
from .peer import Peer, Run, Variants
from .peer_native import NativePeer
from .problem import Problem
from .workloads import Workload


class LibraryPeer(NativePeer):
    """The functions of lockstep.h, called from C."""

    def __init__(self) -> None:
        super().__init__(LIBRARY)


class ModulePeer(Peer):
    """The Python module, called from Python."""

    name = "Lockstep, Python module"

    def is_available(self, home: Path) -> bool:
        return (prefix(home) / "share" / "lockstep" / "python").exists()

    def version(self, home: Path) -> str:
        return _module(home).__version__

    def variants(self, problem: Problem, threads: int, home: Path) -> Variants:
        kinds = ["simd", "openmp"] if threads == 1 else ["openmp"]
        return {kind: partial(_prepare_module, problem, kind, threads, home) for kind in kinds}


class ExportPeer(Peer):
    """What `lockstep export --c` writes, compiled by the C compiler of this machine."""

    name = "Lockstep, exported C file"

    def is_available(self, home: Path) -> bool:
        return (prefix(home) / "bin" / "lockstep").exists()

    def supports(self, workload: Workload, precision: str) -> bool:
        return not workload.trains and workload.rows == 1

    def version(self, home: Path) -> str:
        return subprocess.check_output(["cc", "--version"], text=True).splitlines()[0]

    def variants(self, problem: Problem, threads: int, home: Path) -> Variants:
        return {"-O3": partial(_prepare_export, problem, home)} if threads == 1 else {}


def _module(home: Path):
    sys.path.insert(0, str(prefix(home) / "share" / "lockstep" / "python"))
    import lockstep

    return lockstep


def _prepare_module(problem: Problem, kind: str, threads: int, home: Path) -> Run:
    lockstep = _module(home)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.safetensors"
        problem.write_model(model)
        network = lockstep.Network.load(model)
    network.backend = lockstep.Backend(kind, threads=threads) if kind == "openmp" else lockstep.Backend(kind)
    inputs = problem.inputs
    state = {}

    def infer(count: int) -> None:
        for _ in range(count):
            outputs = network.predict(inputs)
        state["outputs"] = outputs

    return Run(infer, lambda: [state["outputs"]])


def _prepare_export(problem: Problem, home: Path) -> Run:
    real = "f32" if problem.dtype == np.float32 else "f64"
    with tempfile.TemporaryDirectory() as folder:
        model, source = Path(folder) / "model.safetensors", Path(folder) / "model.c"
        problem.write_model(model)
        command = [prefix(home) / "bin" / "lockstep", "export", model, "--c", source]
        subprocess.run(command, check=True, capture_output=True)
        # Two files, each compiled by itself: a compiler that saw both could leave calls out.
        command = ["cc", "-O3", "-fPIC", "-shared", REALS[real][0], source, SOURCES / "rows.c"]
        subprocess.run([*command, "-o", Path(folder) / "model.so", "-lm"], check=True)
        function = ctypes.CDLL(str(Path(folder) / "model.so")).peer_rows
    outputs = np.empty((1, problem.workload.sizes[-1]), problem.dtype)

    def infer(count: int) -> None:
        function(
            ctypes.c_void_p(problem.inputs.ctypes.data), ctypes.c_void_p(outputs.ctypes.data), ctypes.c_long(count)
        )

    return Run(infer, lambda: [outputs])


WAYS: tuple[Peer, ...] = (LibraryPeer(), ModulePeer(), ExportPeer())
"""All of them, in the order of the table."""
