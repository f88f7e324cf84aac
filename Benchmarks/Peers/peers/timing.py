"""How a worker measures: batches of steps by wall time, long enough for the clock."""

import time
from collections.abc import Callable

BATCH_SECONDS = 0.005


def steps_in_batch(step: Callable[[int], None]) -> int:
    """How many steps last about `BATCH_SECONDS`, after a warm-up."""
    count = 1
    step(1)
    while True:
        start = time.perf_counter()
        step(count)
        elapsed = time.perf_counter() - start
        if elapsed >= BATCH_SECONDS:
            return count
        count = max(count + 1, int(count * min(10, 1.2 * BATCH_SECONDS / max(elapsed, 1e-9))))


def measure(step: Callable[[int], None], count: int, seconds: float) -> list[float]:
    """Seconds per step of consecutive batches, at least three, for about so long."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        step(count)
        times.append((time.perf_counter() - start) / count)
    return times
