"""JAX: one jitted step, and a jitted loop over steps."""

from functools import partial
from pathlib import Path

from .peer import Peer, Run, Variants
from .problem import Problem


class JAXPeer(Peer):
    """Sizes its thread pools by the CPUs that it may run on, and by NPROC."""

    name = "JAX"
    is_pinned = True

    def environment(self, threads: int, home: Path) -> dict[str, str]:
        return {"JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1", "NPROC": str(threads)}

    def version(self, home: Path) -> str:
        import jax

        return str(jax.__version__)

    def variants(self, problem: Problem, threads: int, home: Path) -> Variants:
        return {
            "jitted step": partial(_prepare, problem, is_loop=False),
            "jitted loop": partial(_prepare, problem, is_loop=True),
        }


def _prepare(problem: Problem, is_loop: bool) -> Run:
    import jax
    import jax.numpy as jnp
    import numpy as np

    workload = problem.workload
    x, t = jnp.asarray(problem.inputs), jnp.asarray(problem.targets)
    rate = problem.dtype.type(workload.learning_rate)

    def forward(parameters, values):
        for index, (weight, bias) in enumerate(parameters):
            values = values @ weight + bias
            if workload.hidden == "relu" and index < len(parameters) - 1:
                values = jax.nn.relu(values)
        return values

    def loss(parameters, x, t):
        y = forward(parameters, x)
        if workload.loss == "cross-entropy":
            return -jnp.mean(jnp.sum(t * jax.nn.log_softmax(y), axis=1))
        return jnp.mean((y - t) ** 2)

    def step(parameters, x, t):
        gradients = jax.grad(loss)(parameters, x, t)
        return jax.tree.map(lambda value, gradient: value - rate * gradient, parameters, gradients)

    state = {"parameters": [(jnp.asarray(w), jnp.asarray(b)) for w, b in zip(problem.weights, problem.biases)]}

    if not workload.trains:
        # The barrier keeps the compiler from computing one pass for all.
        chained = jax.jit(
            lambda parameters, x, count: jax.lax.fori_loop(
                0,
                count,
                lambda _, y: forward(parameters, jax.lax.optimization_barrier((x, y))[0]),
                forward(parameters, x),
            )
        )
        single = jax.jit(forward)

        def infer(count: int) -> None:
            if is_loop:
                y = chained(state["parameters"], x, count - 1)
            else:
                for _ in range(count):
                    y = single(state["parameters"], x)
            state["outputs"] = y.block_until_ready()

        return Run(infer, lambda: [np.asarray(state["outputs"])])

    single_step = jax.jit(step, donate_argnums=0)
    loop = jax.jit(
        lambda parameters, x, t, count: jax.lax.fori_loop(0, count, lambda _, p: step(p, x, t), parameters),
        donate_argnums=0,
    )

    def train(count: int) -> None:
        if is_loop:
            state["parameters"] = loop(state["parameters"], x, t, count)
        else:
            for _ in range(count):
                state["parameters"] = single_step(state["parameters"], x, t)
        jax.block_until_ready(state["parameters"])

    return Run(train, lambda: [np.array(array) for layer in state["parameters"] for array in layer])
