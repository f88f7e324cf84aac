"""The runs: Lockstep and peers in turn, round after round, one workload and number of threads at a time."""

import math
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .lockstep import Lockstep
from .peer import Peer
from .process import WorkerError, WorkerProcess
from .setup import say
from .workloads import Workload

# Relative, for a thousand rows. A wrong gradient moves the third loss by far more. Sums over more rows may differ in
# proportion: most sides sum a million terms one after the other, which costs them three digits.
TOLERANCE = {"f32": 1e-5, "f64": 1e-12}


SLOW_BACKEND = "scalar"

DISAGREES = "its losses are"


@dataclass(frozen=True)
class Plan:
    """What is run."""

    workloads: list[Workload]
    threads: list[int]
    precisions: dict[str, list[str]]
    """For each workload's name."""
    peers: list[Peer]
    backends: list[str]
    rounds: int
    seconds: float
    """How long a peer is measured in each round."""
    is_quick: bool
    statistic: str
    """Which batch of a round counts: `median` or `fastest`."""
    counts_processor_time: bool
    """Whether one thread is measured by processor time."""
    home: Path
    is_by_row: bool = False
    """Whether one row is what all workloads have, and the sides are ways to call."""

    def clock(self, threads: int) -> str:
        """What time is measured by, `wall` or `cpu`."""
        return "cpu" if self.counts_processor_time and threads == 1 else "wall"


@dataclass
class Contender:
    """One row of one workload: Lockstep on a backend, or a peer."""

    name: str
    variant: str
    """What was measured: the instruction set of Lockstep, the fastest way to use a peer."""
    tried: dict[str, float] = field(default_factory=dict)
    """Seconds per step of each way to use a peer: the fastest batch of a short measurement."""
    is_lockstep: bool = False
    losses: list[float] = field(default_factory=list)
    """After each of a peer's first steps."""
    medians: list[float] = field(default_factory=list)
    """Seconds per step, one for each round: the median over its batches."""
    fastest: list[float] = field(default_factory=list)
    """The fastest batch of each round."""

    seconds: float = math.inf
    """What the table shows: the median over rounds."""


@dataclass
class Result:
    """A workload with one number of threads, in one precision."""

    workload: str
    network: str
    batch: int
    flops: int
    threads: int
    precision: str
    contenders: list[Contender]
    limit: str
    """What binds: the peak of multiply-adds (`fma`), or the cache or memory that holds parameters and data."""
    limit_seconds: float
    """How long a step takes at that limit, as Lockstep measured it of this machine: the median over rounds."""
    left_out: dict[str, str]
    """Peers and variants that failed or computed something else, and what happened."""

    @property
    def disagrees(self) -> bool:
        """Whether a peer computed something else."""
        return any(reason.startswith(DISAGREES) for reason in self.left_out.values())

    @property
    def best_lockstep(self) -> Contender:
        """Lockstep on its fastest backend."""
        return min((each for each in self.contenders if each.is_lockstep), key=lambda each: each.seconds)

    @property
    def best_peer(self) -> Contender | None:
        """The fastest peer."""
        peers = [each for each in self.contenders if not each.is_lockstep]
        return min(peers, key=lambda each: each.seconds, default=None)

    def percent_of_limit(self, contender: Contender) -> float:
        """How near a contender comes to what this machine can do."""
        return 100 * self.limit_seconds / contender.seconds

    def json(self) -> dict[str, object]:
        """All that is known of it."""
        return asdict(self)


class Comparison:
    """Runs a plan."""

    def __init__(self, plan: Plan, lockstep: Lockstep) -> None:
        self.plan = plan
        self.lockstep = lockstep
        self.versions: dict[str, str] = {}

    def results(self) -> Iterator[Result]:
        """Each workload, precision and number of threads."""
        for workload in self.plan.workloads:
            for precision in self.plan.precisions[workload.name]:
                for threads in self.plan.threads:
                    yield self._result(workload, precision, threads)

    def _result(self, workload: Workload, precision: str, threads: int) -> Result:
        plan = self.plan
        title = f"{workload.name}, {precision}, {threads} thread{'s' if threads > 1 else ''}"
        expected = self.lockstep.losses(workload, precision)
        workers: dict[str, WorkerProcess] = {}
        contenders: dict[str, Contender] = {}
        left_out: dict[str, str] = {}
        limits: dict[str, list[float]] = {}
        try:
            for peer in plan.peers:
                if not peer.supports(workload, precision):
                    continue
                say(f"{title}: preparing {peer.name}")
                worker = WorkerProcess(peer, threads, plan.clock(threads), plan.home)
                try:
                    contenders[peer.name] = self._prepare(worker, workload, precision, expected, left_out)
                    workers[peer.name] = worker
                except WorkerError as failure:
                    left_out[peer.name] = str(failure)
                    worker.end()
            for name, reason in left_out.items():
                say(f"{title}: {name} is left out: {reason}")
            for turn in range(plan.rounds):
                say(f"{title}: round {turn + 1} of {plan.rounds}")
                for row in self._lockstep_rows(workload, threads, precision, turn):
                    name = f"Lockstep {row['backend']}"
                    contender = contenders.setdefault(name, Contender(name, str(row["isa"]), is_lockstep=True))
                    contender.medians.append(row["seconds_per_step"])
                    contender.fastest.append(row["fastest_seconds_per_step"])
                    limits.setdefault(row["limit"], []).append(row["percent_of_limit"] / 100 * row["seconds_per_step"])
                # Each round begins with another peer.
                names = list(workers)
                for name in names[turn % len(names) :] + names[: turn % len(names)] if names else []:
                    times = workers[name].ask(do="measure", seconds=plan.seconds)["times"]
                    contenders[name].medians.append(statistics.median(times))
                    contenders[name].fastest.append(min(times))
        finally:
            for worker in workers.values():
                worker.end()
        for contender in contenders.values():
            times = contender.fastest if plan.statistic == "fastest" else contender.medians
            contender.seconds = statistics.median(times)
        limit = max(limits, key=lambda name: len(limits[name]))
        return Result(
            workload.name, workload.network, workload.rows, workload.flops, threads, precision,
            sorted(contenders.values(), key=lambda each: (not each.is_lockstep, each.seconds)),
            limit, statistics.median(limits[limit]), left_out,
        )  # fmt: skip

    def _lockstep_rows(self, workload: Workload, threads: int, precision: str, turn: int) -> list[dict]:
        """Lockstep's rows of one round: each backend; the slow one in the first round alone."""
        backends = [name for name in self.plan.backends if turn == 0 or name != SLOW_BACKEND]
        if not backends:
            return []
        clock = self.plan.clock(threads)
        return self.lockstep.benchmark(workload.benchmark, backends, threads, precision, clock, self.plan.is_quick)

    def _prepare(
        self, worker: WorkerProcess, workload: Workload, precision: str, expected: list[float], left_out: dict[str, str]
    ) -> Contender:
        """Chooses the fastest variant of those whose losses agree, and adds the others to `left_out`.

        Raises:
            WorkerError: There is none.
        """
        name = worker.peer.name
        seconds = 0.1 if self.plan.is_quick else 0.5
        answer = worker.ask(do="prepare", workload=workload.name, precision=precision, seconds=seconds)
        self.versions[name] = answer["version"]
        for variant, reason in answer["failed"].items():
            left_out[f"{name}, {variant}"] = reason
        tolerance = TOLERANCE[precision] * max(1, workload.rows / 1000)
        right: dict[str, float] = {}
        for variant, found in answer["variants"].items():
            if agree(found["losses"], expected, tolerance):
                right[variant] = found["seconds"]
            else:
                left_out[f"{name}, {variant}"] = f"{DISAGREES} {found['losses']} instead of {expected}"
        if not right:
            raise WorkerError("no variant of it works")
        best = min(right, key=right.__getitem__)
        worker.ask(do="keep", variant=best)
        return Contender(name, best, tried=right, losses=answer["variants"][best]["losses"])


def agree(losses: list[float], expected: list[float], tolerance: float) -> bool:
    """Whether losses are equal but for rounding. Not, where one is NaN."""
    return len(losses) == len(expected) and all(
        abs(loss - other) <= tolerance * abs(other) for loss, other in zip(losses, expected)
    )
