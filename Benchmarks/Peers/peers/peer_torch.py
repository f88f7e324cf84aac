"""PyTorch: eager with autograd, eager by hand into preallocated tensors, and `torch.compile`."""

from functools import partial
from pathlib import Path

from .peer import Peer, Run, Variants
from .problem import Problem


class TorchPeer(Peer):
    """Takes threads from torch.set_num_threads."""

    name = "PyTorch"

    def version(self, home: Path) -> str:
        import torch

        return f"{torch.__version__} ({torch.backends.cpu.get_cpu_capability()})"

    def variants(self, problem: Problem, threads: int, home: Path) -> Variants:
        import torch

        torch.set_num_threads(threads)
        if not problem.workload.trains:
            return {
                "eager": partial(_prepare_inference, problem, is_compiled=False),
                "torch.compile": partial(_prepare_inference, problem, is_compiled=True),
            }
        return {
            "eager, autograd": partial(_prepare_autograd, problem),
            "eager, by hand": partial(_prepare_by_hand, problem, is_compiled=False),
            "torch.compile": partial(_prepare_by_hand, problem, is_compiled=True),
        }


def _modules(problem: Problem):
    import torch

    modules: list[torch.nn.Module] = []
    for index, (weight, bias) in enumerate(zip(problem.weights, problem.biases)):
        linear = torch.nn.Linear(*weight.shape, dtype=torch.from_numpy(weight).dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T.copy()))
            linear.bias.copy_(torch.from_numpy(bias))
        modules.append(linear)
        if problem.workload.hidden == "relu" and index < len(problem.weights) - 1:
            modules.append(torch.nn.ReLU(inplace=True))
    return torch.nn.Sequential(*modules)


def _prepare_inference(problem: Problem, is_compiled: bool) -> Run:
    import torch

    network = _modules(problem).eval().requires_grad_(False)
    forward = torch.compile(network) if is_compiled else network
    x = torch.from_numpy(problem.inputs)
    state = {}

    @torch.inference_mode()
    def infer(count: int) -> None:
        for _ in range(count):
            y = forward(x)
        state["outputs"] = y

    return Run(infer, lambda: [state["outputs"].numpy()])


def _prepare_autograd(problem: Problem) -> Run:
    import torch

    workload = problem.workload
    network = _modules(problem)
    x, t = torch.from_numpy(problem.inputs), torch.from_numpy(problem.targets)
    is_entropy = workload.loss == "cross-entropy"
    loss = torch.nn.functional.cross_entropy if is_entropy else torch.nn.functional.mse_loss
    target = t.argmax(dim=1) if is_entropy else t
    optimizer = torch.optim.SGD(network.parameters(), lr=workload.learning_rate, fused=True)

    def train(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            loss(network(x), target).backward()
            optimizer.step()

    def parameters():
        arrays = [parameter.detach().numpy() for parameter in network.parameters()]
        return [array.T if array.ndim == 2 else array for array in arrays]

    return Run(train, parameters)


def _prepare_by_hand(problem: Problem, is_compiled: bool) -> Run:
    import torch

    workload = problem.workload
    x, t = torch.from_numpy(problem.inputs), torch.from_numpy(problem.targets)
    weights = [torch.from_numpy(array.copy()) for array in problem.weights]
    biases = [torch.from_numpy(array.copy()) for array in problem.biases]
    last = len(weights) - 1
    is_relu = workload.hidden == "relu"
    scale = -workload.learning_rate * problem.gradient_scale

    def step() -> None:
        values = [x]
        for index, (weight, bias) in enumerate(zip(weights, biases)):
            z = torch.addmm(bias, values[-1], weight)
            values.append(torch.relu_(z) if is_relu and index < last else z)
        y = values[-1]
        d = ((torch.softmax(y, dim=1) if workload.loss == "cross-entropy" else y) - t) * scale
        for index in range(last, -1, -1):
            here = d
            if index > 0:
                d = here @ weights[index].T
                if is_relu:
                    d = torch.where(values[index] > 0, d, 0)
            weights[index].addmm_(values[index].T, here)
            biases[index].add_(here.sum(dim=0))

    run = torch.compile(step) if is_compiled else step

    @torch.no_grad()
    def train(count: int) -> None:
        for _ in range(count):
            run()

    return Run(train, lambda: [array.numpy() for layer in zip(weights, biases) for array in layer])
