"""What a run leaves: the page of Markdown, and everything as JSON."""

import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from .comparison import Plan, Result
from .lockstep import Lockstep
from .products import ProductResult
from .table import full_table, products_table, single_rows_table, summary_table


def machine() -> str:
    """This machine's CPU and how many cores a process may use."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line.partition(":") for line in info.read_text().splitlines()]
        model = next((value.strip() for key, _, value in lines if key.strip() == "model name"), model)
    return f"{model}, {len(os.sched_getaffinity(0))} cores"


def counted_threads(count: int) -> str:
    """`1 thread`, `2 threads`."""
    return f"{count} thread{'' if count == 1 else 's'}"


@dataclass(frozen=True)
class Report:
    """Results as far as they are known. The lists and the table of versions grow during a run."""

    plan: Plan
    lockstep: Lockstep
    results: list[Result]
    products: list[ProductResult]
    versions: dict[str, str]

    @property
    def markdown(self) -> str:
        """The whole page."""
        lines = [
            f"{machine()}. Time per step: the median over {self.plan.rounds} rounds, in which all sides took turns, of "
            f"each round's {self.plan.statistic} batch."
            + (" One thread by processor time." if self.plan.counts_processor_time else "")
        ]
        if self.results and not self.plan.is_by_row:
            lines += ["", *summary_table(self.results)]
        for threads in self.plan.threads:
            results = [result for result in self.results if result.threads == threads]
            products = [result for result in self.products if result.threads == threads]
            if results:
                table = single_rows_table(results) if self.plan.is_by_row else full_table(results)
                lines += ["", f"All sides, {counted_threads(threads)}:", "", *table]
            if products:
                lines += ["", f"Matrix products in GFLOP/s, {counted_threads(threads)}:", "", *products_table(products)]
        left_out = [
            f"- {result.workload}, {result.precision}, {counted_threads(result.threads)}: {name}: {reason}"
            for result in self.results
            for name, reason in result.left_out.items()
        ]
        if left_out:
            lines += ["", "Left out:", "", *left_out]
        versions = {"Lockstep": self.lockstep.version} | self.versions
        lines += ["", "Versions: " + "; ".join(f"{name}: {version}" for name, version in versions.items()) + "."]
        return "\n".join(lines) + "\n"

    @property
    def json(self) -> str:
        """Everything that was measured."""
        members = {
            "machine": machine(),
            "rounds": self.plan.rounds,
            "statistic": self.plan.statistic,
            "clock": {threads: self.plan.clock(threads) for threads in self.plan.threads},
            "versions": {"Lockstep": self.lockstep.version} | self.versions,
            "results": [result.json() for result in self.results],
            "products": [result.json() for result in self.products],
        }
        return json.dumps(members, indent=2) + "\n"

    def write(self, page: Path | None, data: Path | None) -> None:
        """Writes the files that are asked for."""
        if page:
            page.write_text(self.markdown)
        if data:
            data.write_text(self.json)
