"""The workloads: which network, how many rows, training or inference. Their data lies in problem.py."""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Workload:
    """One step of training or one forward pass of a dense network on a batch that lies in memory."""

    name: str
    sizes: tuple[int, ...]
    rows: int
    hidden: str = "relu"
    loss: str = "mse"
    learning_rate: float = 0.05
    trains: bool = True

    @property
    def layers(self) -> list[tuple[int, int]]:
        """The inputs and outputs of each layer."""
        return list(pairwise(self.sizes))

    @property
    def network(self) -> str:
        """The widths as `lockstep` spells them."""
        return "-".join(map(str, self.sizes))

    @property
    def benchmark(self) -> list[str]:
        """What `lockstep benchmark` is asked for: a name that it knows, or options."""
        if self not in SINGLE_ROWS:
            return [self.name]
        return ["--network", self.network, "--batch", str(self.rows), "--inference"]

    @property
    def flops(self) -> int:
        """Two for each multiplication of the products in a step: outputs, weight gradients, input gradients.

        The first layer needs no input gradient. Activations, losses, sums and updates count nothing.
        """
        products = [inputs * outputs for inputs, outputs in self.layers]
        passes = 2 * sum(products) + sum(products[1:]) if self.trains else sum(products)
        return 2 * self.rows * passes


WORKLOADS: tuple[Workload, ...] = (
    Workload("celsius", (1, 2, 1), 100, hidden="identity"),
    Workload("tiny-large-batch", (1, 2, 1), 1_000_000, hidden="identity"),
    Workload("tabular", (13, 64, 32, 1), 32),
    Workload("digits", (64, 128, 10), 64, loss="cross-entropy"),
    Workload("mnist", (784, 512, 256, 10), 128, loss="cross-entropy"),
    Workload("wide", (1024, 1024, 1024, 1024), 512, learning_rate=10.0),
    Workload("huge", (4096, 4096, 4096), 256, learning_rate=10.0),
    Workload("infer1", (784, 512, 256, 10), 1, loss="cross-entropy", trains=False),
    Workload("infer-batch", (784, 512, 256, 10), 1024, loss="cross-entropy", trains=False),
)

SINGLE_ROWS: tuple[Workload, ...] = tuple(
    Workload("-".join(map(str, sizes)), sizes, 1, trains=False)
    for sizes in ((2, 1), (13, 64, 32, 1), (64, 128, 10), (784, 512, 256, 10))
)
"""What the price of a call is measured with: one row through networks named by their widths."""

BY_NAME: dict[str, Workload] = {workload.name: workload for workload in WORKLOADS + SINGLE_ROWS}
