"""scikit-learn: MLPRegressor and MLPClassifier, the loop over epochs inside `fit`, one batch an epoch."""

import warnings
from functools import partial
from pathlib import Path

import numpy as np

from .peer import Peer, Run, Variants, contiguous
from .problem import Problem


class SklearnPeer(Peer):
    """Takes threads from OPENBLAS_NUM_THREADS, as NumPy does."""

    name = "scikit-learn"

    def environment(self, threads: int, home: Path) -> dict[str, str]:
        return {"OPENBLAS_NUM_THREADS": str(threads)}

    def version(self, home: Path) -> str:
        import sklearn

        return str(sklearn.__version__)

    def variants(self, problem: Problem, threads: int, home: Path) -> Variants:
        return {"fit" if problem.workload.trains else "predict": partial(_prepare, problem)}


def _prepare(problem: Problem) -> Run:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    warnings.simplefilter("ignore", ConvergenceWarning)
    workload = problem.workload
    is_entropy = workload.loss == "cross-entropy"
    # Its squared error is half of the mean over rows of the sum over outputs.
    rate = workload.learning_rate * (1 if is_entropy else 2 / workload.sizes[-1])
    model = (MLPClassifier if is_entropy else MLPRegressor)(
        hidden_layer_sizes=workload.sizes[1:-1], activation=workload.hidden, solver="sgd", alpha=0,
        batch_size=workload.rows, learning_rate_init=1e-30, momentum=0, nesterovs_momentum=False, max_iter=1,
        shuffle=False, tol=0, n_iter_no_change=1 << 60, warm_start=True,
    )  # fmt: skip
    x = problem.inputs
    t = problem.targets.argmax(axis=1) if is_entropy else problem.targets
    if not is_entropy and t.shape[1] == 1:
        t = t[:, 0]
    if not workload.trains:
        # All classes have to be seen, and a batch of one row has one of them.
        outputs = workload.sizes[-1]
        model.set_params(batch_size=outputs)
        model.fit(np.zeros((outputs, x.shape[1]), problem.dtype), np.arange(outputs))
    else:
        model.fit(x, t)
    model.coefs_, model.intercepts_ = contiguous(problem.weights), contiguous(problem.biases)
    model.learning_rate_init = rate

    if not workload.trains:
        state = {}

        def infer(count: int) -> None:
            for _ in range(count):
                state["outputs"] = model._forward_pass_fast(x, check_input=False)

        # It gives probabilities; their logarithms are logits.
        return Run(infer, lambda: [np.log(state["outputs"])])

    def train(count: int) -> None:
        model.set_params(max_iter=count)
        model.fit(x, t)

    return Run(train, lambda: [array for layer in zip(model.coefs_, model.intercepts_) for array in layer])
