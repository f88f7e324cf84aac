"""A process that holds one peer: started for one workload, then asked over standard input, a JSON object a line.

| request | answer |
| --- | --- |
| {"do": "prepare", "workload", "precision", "seconds"} | {"version", "variants": {NAME: ...}, "failed": {NAME: WHY}} |
| {"do": "keep", "variant"} | {} |
| {"do": "measure", "seconds"} | {"times", "steps"} |
| {"do": "product", "shape": [rows, columns, depth], "seconds"} | {"times", "steps"} |
"""

import ctypes
import gc
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from .peer import Run
from .peer_native import NativePeer
from .problem import Problem, generate
from .registry import peer_named
from .timing import CLOCKS, measure, steps_in_batch
from .workloads import BY_NAME

CHECKED_STEPS = 3

# Of Linux: the signal that a process gets when the one that started it ends.
PR_SET_PDEATHSIG = 1


class Worker:
    """Answers requests about one peer."""

    def __init__(self, peer: str, home: str, threads: str, clock: str) -> None:
        self.peer = peer_named(peer)
        self.home = Path(home)
        self.threads = int(threads)
        self.clock = CLOCKS[clock]
        self.runs: dict[str, Run] = {}
        self.steps = 0

    def answer(self, request: dict) -> dict:
        """What a request gives."""
        match request["do"]:
            case "prepare":
                problem = generate(BY_NAME[request["workload"]], request["precision"])
                return self.prepare(problem, request["seconds"])
            case "keep":
                self.run = self.runs[request["variant"]]
                self.runs.clear()
                gc.collect()
                self.steps = steps_in_batch(self.run.step, self.clock)
                return {}
            case "measure":
                return {
                    "times": measure(self.run.step, self.steps, request["seconds"], self.clock),
                    "steps": self.steps,
                }
            case "product":
                return self.product(request["shape"], request["seconds"])
        raise ValueError(request["do"])

    def prepare(self, problem: Problem, seconds: float) -> dict:
        """Tries each variant: the losses of its first steps, and about how fast it is."""
        found: dict[str, dict] = {}
        failed: dict[str, str] = {}
        for name, make in self.peer.variants(problem, self.threads, self.home).items():
            try:
                run = make()
                if run is None:
                    continue
                losses = losses_of(run, problem)
                times = measure(run.step, steps_in_batch(run.step, self.clock), seconds, self.clock)
            except Exception as error:
                failed[name] = f"{type(error).__name__}: {error}"
                continue
            found[name] = {"losses": losses, "seconds": min(times)}
            self.runs[name] = run
        return {"version": self.peer.version(self.home), "variants": found, "failed": failed}

    def product(self, shape: list[int], seconds: float) -> dict:
        """Times C = A B."""
        rows, columns, depth = shape
        random = np.random.default_rng(1)
        a = random.uniform(-1, 1, (rows, depth)).astype(np.float32)
        b = random.uniform(-1, 1, (depth, columns)).astype(np.float32)
        assert isinstance(self.peer, NativePeer)
        step = self.peer.product(a, b, self.home)
        steps = steps_in_batch(step, self.clock)
        return {"times": measure(step, steps, seconds, self.clock), "steps": steps}


def losses_of(run: Run, problem: Problem) -> list[float]:
    """The losses after each of the first steps; of an inference, the loss of its outputs."""
    losses = []
    for _ in range(CHECKED_STEPS if problem.workload.trains else 1):
        run.step(1)
        result = run.result()
        losses.append(problem.loss(problem.outputs(result) if problem.workload.trains else result[0]))
    return losses


def main() -> None:
    """Serves until standard input ends. What libraries print goes to standard error."""
    # A process that stands still does not see that its input has ended.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(*sys.argv[1:])
    for line in sys.stdin:
        try:
            answer = worker.answer(json.loads(line))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
