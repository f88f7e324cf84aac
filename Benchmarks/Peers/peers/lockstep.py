"""Lockstep's side: the losses that peers have to agree with, and its own benchmark."""

import json
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .problem import generate
from .worker import CHECKED_STEPS
from .workloads import Workload


class LockstepError(Exception):
    """`lockstep` did not do what it was asked."""


class Lockstep:
    """The tool `lockstep`."""

    def __init__(self, program: Path, scratch: Path) -> None:
        self.program = program
        self.scratch = scratch
        self.losses = lru_cache(self._losses)

    @property
    def version(self) -> str:
        """The commit that was built, where this is a clone."""
        command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"

    def _losses(self, workload: Workload, precision: str) -> list[float]:
        """The losses after each of the first steps; of an inference, the loss of its outputs."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        table, model = self.scratch / "data.csv", self.scratch / "initial.safetensors"
        problem = generate(workload, precision)
        problem.write_table(table)
        problem.write_model(model)
        try:
            if not workload.trains:
                lines = self._run("predict", model, table).splitlines()[1:]
                outputs = np.array([[float(field) for field in line.split(",")] for line in lines])
                return [problem.loss(outputs)]
            options = [
                "--initial-model", model, "--batch-size", workload.rows, "--shuffle", "false",
                "--learning-rate", workload.learning_rate, "--json",
            ]  # fmt: skip
            return [
                json.loads(self._run("train", table, *options, "--epochs", epochs).splitlines()[-1])["loss_after"]
                for epochs in range(1, CHECKED_STEPS + 1)
            ]
        finally:
            table.unlink()
            model.unlink()

    def benchmark(
        self, what: list[str], backends: list[str], threads: int, precision: str, clock: str, is_quick: bool
    ) -> list[dict[str, Any]]:
        """The rows that `lockstep benchmark` gives for a workload, by name or options: one for each backend that can
        run here so."""
        options = [
            "--json", "--backend", ",".join(backends), "--threads", threads, "--precision", precision, "--clock", clock,
        ]  # fmt: skip
        output = self._run("benchmark", *what, *options, *(["--quick"] if is_quick else []))
        return [row for row in map(json.loads, output.splitlines()) if row["threads"] == threads]

    def _run(self, *arguments: object) -> str:
        command = [str(self.program), *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise LockstepError(f"{' '.join(command)}: {result.stderr.strip()}")
        return result.stdout
