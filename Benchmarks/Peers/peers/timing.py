"""How a worker measures: batches of steps, long enough for the clock."""

import time
from collections.abc import Callable

Step = Callable[[int], None]
Clock = Callable[[], float]

BATCH_SECONDS = 0.005

CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "cpu": time.process_time}
"""The time that passes, or the processor time of all threads of this process."""


def timed(step: Step, count: int, clock: Clock) -> float:
    """How long so many steps take."""
    start = clock()
    step(count)
    return clock() - start


def steps_in_batch(step: Step, clock: Clock) -> int:
    """How many steps last about `BATCH_SECONDS`, after a warm-up."""
    count = 1
    step(1)
    while True:
        elapsed = timed(step, count, clock)
        if elapsed >= BATCH_SECONDS:
            return count
        count = max(count + 1, int(count * min(10, 1.2 * BATCH_SECONDS / max(elapsed, 1e-9))))


def measure(step: Step, count: int, seconds: float, clock: Clock) -> list[float]:
    """Seconds per step of consecutive batches, at least three, for about so long."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        times.append(timed(step, count, clock) / count)
    return times
