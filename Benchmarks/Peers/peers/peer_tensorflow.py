"""TensorFlow: a compiled step (XLA and not) and an XLA loop over steps."""

from functools import partial
from pathlib import Path

from .peer import Peer, Run, Variants
from .problem import Problem


class TensorFlowPeer(Peer):
    """Takes threads from set_intra_op_parallelism_threads; XLA's from the CPUs that it may run on."""

    name = "TensorFlow"
    environment_name = "tensorflow"
    is_pinned = True

    def environment(self, threads: int, home: Path) -> dict[str, str]:
        return {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

    def version(self, home: Path) -> str:
        import tensorflow

        return str(tensorflow.__version__)

    def variants(self, problem: Problem, threads: int, home: Path) -> Variants:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        variants: Variants = {
            "tf.function": partial(_prepare, problem, is_xla=False, is_loop=False),
            "XLA step": partial(_prepare, problem, is_xla=True, is_loop=False),
        }
        if problem.workload.trains:
            variants["XLA loop"] = partial(_prepare, problem, is_xla=True, is_loop=True)
        return variants


def _prepare(problem: Problem, is_xla: bool, is_loop: bool) -> Run:
    import tensorflow as tf

    workload = problem.workload
    x, t = tf.constant(problem.inputs), tf.constant(problem.targets)
    variables = [tf.Variable(array) for array in problem.parameters]
    last = len(variables) - 2

    def forward(parameters):
        values = x
        for index in range(0, len(parameters), 2):
            values = tf.matmul(values, parameters[index]) + parameters[index + 1]
            if workload.hidden == "relu" and index < last:
                values = tf.nn.relu(values)
        return values

    def updated(parameters):
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            y = forward(parameters)
            if workload.loss == "cross-entropy":
                loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(t, y))
            else:
                loss = tf.reduce_mean(tf.square(y - t))
        gradients = tape.gradient(loss, parameters)
        return [p - workload.learning_rate * g for p, g in zip(parameters, gradients)]

    if not workload.trains:
        compiled = tf.function(lambda: forward(variables), jit_compile=is_xla)
        state = {}

        def infer(count: int) -> None:
            for _ in range(count):
                y = compiled()
            state["outputs"] = y.numpy()

        return Run(infer, lambda: [state["outputs"]])

    @tf.function(jit_compile=is_xla)
    def steps(count):
        parameters = [tf.convert_to_tensor(variable) for variable in variables]
        if is_loop:
            for _ in tf.range(count):
                parameters = updated(parameters)
        else:
            parameters = updated(parameters)
        for variable, value in zip(variables, parameters):
            variable.assign(value)

    def train(count: int) -> None:
        if is_loop:
            steps(tf.constant(count))
        else:
            for _ in range(count):
                steps(tf.constant(1))
        variables[0].numpy()

    return Run(train, lambda: [variable.numpy() for variable in variables])
