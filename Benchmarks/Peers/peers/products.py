"""C = A B alone: Lockstep beside the libraries that native peers are built on."""

import statistics
from dataclasses import asdict, dataclass

from .comparison import Plan
from .lockstep import Lockstep
from .peer_native import NativePeer
from .process import WorkerError, WorkerProcess
from .setup import say

SQUARES = [(size, size, size) for size in (16, 32, 64, 128, 256, 512, 1024, 2048)]
ODD = [(size, size, size) for size in (13, 17, 100, 1000, 1023)]
SKINNY = [(128, 784, 512), (512, 1024, 1024), (6, 800, 800), (1024, 4, 1024)]
SHAPES = SQUARES + ODD + SKINNY
"""Rows, depth, columns."""


@dataclass(frozen=True)
class ProductResult:
    """The rates of one shape with one number of threads."""

    rows: int
    depth: int
    columns: int
    threads: int
    peak_gflops: float
    gflops: dict[str, float]

    def json(self) -> dict[str, object]:
        """All that is known of it."""
        return asdict(self)


def measure_products(plan: Plan, lockstep: Lockstep) -> list[ProductResult]:
    """The rates of all shapes, sides in turn within each."""
    results: list[ProductResult] = []
    for threads in plan.threads:
        workers: dict[str, WorkerProcess] = {}
        try:
            for peer in plan.peers:
                if isinstance(peer, NativePeer) and peer.library.has_product:
                    workers[peer.name] = WorkerProcess(peer, threads, plan.clock(threads), plan.home)
            for shape in SHAPES:
                say(f"product {'x'.join(map(str, shape))}, {threads} thread{'s' if threads > 1 else ''}")
                results.append(_measure(shape, threads, workers, plan, lockstep))
        finally:
            for worker in workers.values():
                worker.end()
    return results


def _measure(
    shape: tuple[int, int, int], threads: int, workers: dict[str, WorkerProcess], plan: Plan, lockstep: Lockstep
) -> ProductResult:
    rows, depth, columns = shape
    is_fastest = plan.statistic == "fastest"
    times: dict[str, list[float]] = {}
    peaks: list[float] = []
    for _ in range(plan.rounds):
        name = f"products/{rows}x{depth}x{columns}"
        clock = plan.clock(threads)
        for row in lockstep.benchmark([name], plan.backends, threads, "f32", clock, plan.is_quick):
            seconds = row["fastest_seconds_per_step" if is_fastest else "seconds_per_step"]
            times.setdefault(f"Lockstep {row['backend']}", []).append(seconds)
            peaks.append(row["peak_gflops"])
        for name, worker in list(workers.items()):
            try:
                answer = worker.ask(do="product", shape=[rows, columns, depth], seconds=plan.seconds / 2)
            except WorkerError as failure:
                say(f"{name} is left out from here on: {failure}")
                workers.pop(name).end()
                continue
            times.setdefault(name, []).append(
                min(answer["times"]) if is_fastest else statistics.median(answer["times"])
            )
    flops = 2e-9 * rows * depth * columns
    gflops = {name: flops / statistics.median(each) for name, each in times.items()}
    return ProductResult(rows, depth, columns, threads, statistics.median(peaks), gflops)
