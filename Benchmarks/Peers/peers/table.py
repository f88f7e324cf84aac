"""The Markdown tables."""

from collections.abc import Iterable

from .comparison import Result
from .products import ProductResult


def duration(seconds: float) -> str:
    """Three digits and a unit: `27.3 µs`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        # What rounds to a thousand of a unit belongs to the next.
        if seconds >= 0.9995 * size:
            value = seconds / size
            return f"{value:.{max(0, 2 - (value >= 9.995) - (value >= 99.95))}f} {unit}"
    return f"{seconds:.1e} s"


def _markdown(header: list[str], rows: Iterable[list[str]], text_columns: int) -> list[str]:
    rule = ["---"] * text_columns + ["---:"] * (len(header) - text_columns)
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]


def _workload(result: Result) -> str:
    return result.workload if result.precision == "f32" else f"{result.workload} ({result.precision})"


def summary_table(results: list[Result]) -> list[str]:
    """A row for each result: Lockstep, the best peer, and what lies between them."""
    rows = []
    for result in results:
        ours, theirs = result.best_lockstep, result.best_peer
        cells = [
            _workload(result), f"{result.network}, {result.batch:,}", str(result.threads), duration(ours.seconds),
            ours.name.removeprefix("Lockstep "), f"{result.percent_of_limit(ours):.0f} % {result.limit}",
        ]  # fmt: skip
        if theirs:
            percent = f"{result.percent_of_limit(theirs):.0f} %"
            cells += [theirs.name, duration(theirs.seconds), percent, f"{theirs.seconds / ours.seconds:.2f}"]
        rows.append(cells + [""] * (10 - len(cells)))
    header = [
        "workload", "network, rows", "threads", "Lockstep", "backend", "of limit", "best peer", "", "of limit", "ratio",
    ]  # fmt: skip
    return _markdown(header, rows, 2)


def full_table(results: list[Result]) -> list[str]:
    """A row for each side, a column for each result."""
    names = list(dict.fromkeys(each.name for result in results for each in result.contenders))
    names.sort(key=lambda name: not name.startswith("Lockstep"))
    rows = []
    for name in names:
        cells = [name]
        for result in results:
            found = next((each for each in result.contenders if each.name == name), None)
            text = duration(found.seconds) if found else ""
            cells.append(f"**{text}**" if found and found in (result.best_lockstep, result.best_peer) else text)
        rows.append(cells)
    header = ["", *(_workload(result) for result in results)]
    return _markdown(header, rows, 1)


def products_table(results: list[ProductResult]) -> list[str]:
    """A row for each shape, a column for each side, in GFLOP/s."""
    names = list(dict.fromkeys(name for result in results for name in result.gflops))
    rows = []
    for result in results:
        best = max(result.gflops.values())
        cells = [f"{result.rows} x {result.depth} x {result.columns}", f"{result.peak_gflops:.0f}"]
        for name in names:
            rate = result.gflops.get(name)
            text = f"{rate:.1f}" if rate else ""
            cells.append(f"**{text}**" if rate == best else text)
        rows.append(cells)
    return _markdown(["rows x depth x columns", "peak", *names], rows, 1)


def single_rows_table(results: list[Result]) -> list[str]:
    """A row for each side, ways to take Lockstep along first, a column for each network."""
    names = list(dict.fromkeys(each.name for result in results for each in result.contenders))
    names.sort(key=lambda name: not name.startswith("Lockstep"))
    rows = []
    for name in names:
        found = [next((each for each in result.contenders if each.name == name), None) for result in results]
        rows.append([name, *(duration(each.seconds) if each else "" for each in found)])
    limits = [f"{duration(result.limit_seconds)} ({result.limit})" for result in results]
    rows.append(["the machine's limit", *limits])
    return _markdown(["", *(result.network for result in results)], rows, 1)
