"""JAX: one jitted step, and a jitted loop over steps."""

from functools import partial
from pathlib import Path

import numpy as np

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
        prepare = _prepare_training if problem.workload.trains else _prepare_inference
        return {
            "jitted step": partial(prepare, problem, is_loop=False),
            "jitted loop": partial(prepare, problem, is_loop=True),
        }


def _forward(is_relu: bool, parameters, values):
    import jax

    for index, (weight, bias) in enumerate(parameters):
        values = values @ weight + bias
        if is_relu and index < len(parameters) - 1:
            values = jax.nn.relu(values)
    return values


def _parameters(problem: Problem):
    import jax.numpy as jnp

    return [(jnp.asarray(weight), jnp.asarray(bias)) for weight, bias in zip(problem.weights, problem.biases)]


def _prepare_training(problem: Problem, is_loop: bool) -> Run:
    import jax
    import jax.numpy as jnp

    workload = problem.workload
    x, t = jnp.asarray(problem.inputs), jnp.asarray(problem.targets)
    rate = problem.dtype.type(workload.learning_rate)

    def loss(parameters, x, t):
        y = _forward(workload.hidden == "relu", parameters, x)
        if workload.loss == "cross-entropy":
            return -jnp.mean(jnp.sum(t * jax.nn.log_softmax(y), axis=1))
        return jnp.mean((y - t) ** 2)

    def step(parameters, x, t):
        gradients = jax.grad(loss)(parameters, x, t)
        return jax.tree.map(lambda value, gradient: value - rate * gradient, parameters, gradients)

    def steps(parameters, x, t, count):
        return jax.lax.fori_loop(0, count, lambda _, each: step(each, x, t), parameters)

    single = jax.jit(step, donate_argnums=0)
    loop = jax.jit(steps, donate_argnums=0)
    parameters = _parameters(problem)

    def train(count: int) -> None:
        nonlocal parameters
        if is_loop:
            parameters = loop(parameters, x, t, count)
        else:
            for _ in range(count):
                parameters = single(parameters, x, t)
        jax.block_until_ready(parameters)

    return Run(train, lambda: [np.array(array) for layer in parameters for array in layer])


def _prepare_inference(problem: Problem, is_loop: bool) -> Run:
    import jax
    import jax.numpy as jnp

    forward = partial(_forward, problem.workload.hidden == "relu")
    parameters, x = _parameters(problem), jnp.asarray(problem.inputs)

    def passes(parameters, x, count):
        def chained(_, state):
            # Adds nothing, but lets each pass depend on the one before: the compiler would compute one for all.
            x, y = state
            x = x.at[0, 0].add(0 * y[0, 0])
            return x, forward(parameters, x)

        return jax.lax.fori_loop(0, count, chained, (x, jnp.zeros(problem.targets.shape, problem.dtype)))[1]

    single, loop = jax.jit(forward), jax.jit(passes)
    outputs = None

    def infer(count: int) -> None:
        nonlocal outputs
        if is_loop:
            outputs = loop(parameters, x, count)
        else:
            for _ in range(count):
                outputs = single(parameters, x)
        jax.block_until_ready(outputs)

    return Run(infer, lambda: [np.asarray(outputs)])
