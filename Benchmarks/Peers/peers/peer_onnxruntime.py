"""ONNX Runtime: inference of the network as one graph, bound to its input and output."""

from functools import partial
from pathlib import Path

from .peer import Peer, Run, Variants
from .problem import Problem
from .workloads import Workload


class ONNXRuntimePeer(Peer):
    """Takes threads from intra_op_num_threads. Inference only."""

    name = "ONNX Runtime"

    def supports(self, workload: Workload, precision: str) -> bool:
        return not workload.trains

    def version(self, home: Path) -> str:
        import onnxruntime

        return str(onnxruntime.__version__)

    def variants(self, problem: Problem, threads: int, home: Path) -> Variants:
        return {"Gemm nodes": partial(_prepare, problem, threads)}


def _prepare(problem: Problem, threads: int) -> Run:
    import onnxruntime
    from onnx import helper, numpy_helper

    nodes, constants, name = [], [], "x"
    last = len(problem.weights) - 1
    for index, (weight, bias) in enumerate(zip(problem.weights, problem.biases)):
        constants += [numpy_helper.from_array(weight, f"w{index}"), numpy_helper.from_array(bias, f"b{index}")]
        nodes.append(helper.make_node("Gemm", [name, f"w{index}", f"b{index}"], [f"z{index}"]))
        name = f"z{index}"
        if problem.workload.hidden == "relu" and index < last:
            nodes.append(helper.make_node("Relu", [name], [f"a{index}"]))
            name = f"a{index}"
    element = helper.np_dtype_to_tensor_dtype(problem.dtype)
    graph = helper.make_graph(
        nodes,
        problem.workload.name,
        [helper.make_tensor_value_info("x", element, problem.inputs.shape)],
        [helper.make_tensor_value_info(name, element, problem.targets.shape)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_cpu_input("x", problem.inputs)
    binding.bind_output(name, "cpu")

    def infer(count: int) -> None:
        for _ in range(count):
            session.run_with_iobinding(binding)

    return Run(infer, lambda: [binding.copy_outputs_to_cpu()[0]])
