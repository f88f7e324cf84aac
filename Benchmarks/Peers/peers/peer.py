"""What a peer is: the interface that each peer_*.py fills in."""

import abc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .problem import Arrays, Problem
from .workloads import Workload


@dataclass(frozen=True)
class Run:
    """A network in one library's hands, ready to be stepped."""

    step: Callable[[int], None]
    """Takes so many steps, one after the other, and returns when they are done."""
    result: Callable[[], Arrays]
    """The parameters as they are now, weights and biases in turn; of an inference the outputs alone."""


Variants = dict[str, Callable[[], Run | None]]
"""What makes a run ready, by the name of the way; nothing where that cannot do this work."""


class Peer(abc.ABC):
    """One library. Modules of peers import theirs only in a worker, in `version` and `variants`."""

    name: str
    """As the table shows it."""
    environment_name: str = "main"
    """The Python environment that its worker runs in."""
    is_pinned: bool = False
    """Whether the library takes its number of threads from the CPUs that it may run on."""

    def is_available(self, home: Path) -> bool:
        """Whether it was installed or built."""
        return True

    def supports(self, workload: Workload, precision: str) -> bool:
        """Whether it can do this work at all."""
        return True

    def environment(self, threads: int, home: Path) -> dict[str, str]:
        """Variables that its worker starts with, beside OMP_NUM_THREADS."""
        return {}

    @abc.abstractmethod
    def version(self, home: Path) -> str:
        """The library's version and what computes in it."""

    @abc.abstractmethod
    def variants(self, problem: Problem, threads: int, home: Path) -> Variants:
        """The ways to do the work that are worth a try. The fastest is measured."""


def contiguous(arrays: Arrays) -> Arrays:
    """Copies that a peer may change."""
    return [np.array(array, order="C") for array in arrays]
