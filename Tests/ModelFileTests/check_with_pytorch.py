#!/usr/bin/env python3
"""Exchanges networks with PyTorch, through the Python package safetensors.

    check_with_pytorch.py --make                 write the state dicts and outputs that Lockstep's tests read
    check_with_pytorch.py MODEL INPUT.csv OUTPUT.csv
        load MODEL, written by `lockstep train`, with load_state_dict(strict=True), run it on the columns of INPUT.csv
        that it names and compare with OUTPUT.csv, written by `lockstep predict MODEL INPUT.csv`
    check_with_pytorch.py --there-and-back [LOCKSTEP]
        for each activation and both precisions: a state dict that PyTorch made predicts the same with the tool, trains on for
        some epochs of full batches of Adam as with torch.optim.Adam, and what the tool writes loads back and predicts the same

Needs: pip install torch safetensors numpy
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

FIXTURES = pathlib.Path(__file__).parent / "Fixtures"

MODULES = {
    "relu": nn.ReLU, "leaky-relu": nn.LeakyReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "elu": nn.ELU,
    "softplus": nn.Softplus, "silu": nn.SiLU, "gelu": nn.GELU,
}

NETWORKS = {
    "pytorch-relu": (nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)), torch.float32),
    "pytorch-leaky-relu": (nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(), nn.Linear(4, 1)), torch.float64),
    # Two layers without an activation between them: the indices alone tell where tanh stands.
    "pytorch-tanh": (
        nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3), nn.Linear(3, 2)), torch.float64),
    "pytorch-sigmoid": (
        nn.Sequential(nn.Linear(3, 6), nn.Sigmoid(), nn.Linear(6, 4), nn.Sigmoid(), nn.Linear(4, 1)), torch.float32),
    "pytorch-linear": (nn.Sequential(nn.Linear(3, 2)), torch.float32),
}


def make():
    torch.manual_seed(1)
    expected = {}
    for name, (network, dtype) in NETWORKS.items():
        for parameter in network.parameters():
            nn.init.normal_(parameter)
        network = network.to(dtype)
        values = torch.randn(4, 3, dtype=dtype)
        save_file(network.state_dict(), FIXTURES / f"{name}.safetensors")
        with torch.no_grad():
            expected[name] = {"input": values.tolist(), "output": network(values).tolist()}
    # Networks that are not supported, and must be refused by name.
    save_file(nn.Sequential(nn.Linear(3, 2, bias=False)).state_dict(), FIXTURES / "pytorch-no-bias.safetensors")
    half = nn.Sequential(nn.Linear(3, 2)).half()
    save_file(half.state_dict(), FIXTURES / "pytorch-half.safetensors")
    normalised = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    save_file(
        {name: value.float() for name, value in normalised.state_dict().items()},
        FIXTURES / "pytorch-batch-norm.safetensors")
    convolution = nn.Sequential(nn.Conv1d(3, 4, 2), nn.ReLU(), nn.Linear(4, 1))
    save_file(convolution.state_dict(), FIXTURES / "pytorch-convolution.safetensors")
    (FIXTURES / "pytorch.json").write_text(json.dumps(expected, indent=1) + "\n")


def check(model, input_path, output_path):
    tensors = load_file(model)
    with safe_open(model, framework="pt") as file:
        metadata = file.metadata()
    modules = []
    for activation in json.loads(metadata["lockstep.activations"]):
        out_features, in_features = tensors[f"{len(modules)}.weight"].shape
        modules.append(nn.Linear(in_features, out_features))
        if activation != "identity":
            modules.append(MODULES[activation]())
    network = nn.Sequential(*modules).to(tensors["0.weight"].dtype)
    network.load_state_dict(tensors, strict=True)

    dtype = tensors["0.weight"].dtype
    inputs = json.loads(metadata["lockstep.inputs"])
    targets = json.loads(metadata["lockstep.targets"])
    values = [[float(row[name]) for name in inputs] for row in csv.DictReader(open(input_path))]
    ours = [[float(row[name]) for name in targets] for row in csv.DictReader(open(output_path))]
    with torch.no_grad():
        theirs = network(torch.tensor(values, dtype=dtype))
    ours = torch.tensor(ours, dtype=dtype)
    difference = ((ours - theirs).abs() / theirs.abs().clamp(min=1)).max().item()
    tolerance = 1e-5 if dtype == torch.float32 else 1e-13
    print(f"{model}: loaded strictly; {len(ours)} predictions, largest difference {difference:.1e}")
    assert ours.shape == theirs.shape and difference <= tolerance, difference


def there_and_back(tool):
    torch.manual_seed(2)
    with tempfile.TemporaryDirectory() as folder:
        for activation, module in MODULES.items():
            for dtype in (torch.float32, torch.float64):
                network = nn.Sequential(nn.Linear(3, 7), module(), nn.Linear(7, 5), module(), nn.Linear(5, 2)).to(dtype)
                train_on(tool, pathlib.Path(folder), activation, network, dtype)


def train_on(tool, folder, activation, network, dtype):
    def run(*words):
        return subprocess.run([tool, *map(str, words)], check=True, capture_output=True, text=True).stdout

    rows, epochs, rate = 50, 20, 0.01
    names, targets = ["a", "b", "c"], ["y", "z"]
    values, wanted = torch.randn(rows, 3, dtype=dtype), torch.randn(rows, 2, dtype=dtype)
    data, there, back = folder / "data.csv", folder / "there.safetensors", folder / "back.safetensors"
    with open(data, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names + targets)
        writer.writerows((values[row].tolist() + wanted[row].tolist()) for row in range(rows))
    save_file(network.state_dict(), there)

    def difference(model, *options):
        printed = run("predict", model, folder / "inputs.csv", *options).splitlines()[1:]
        ours = torch.tensor([[float(cell) for cell in line.split(",")] for line in printed], dtype=dtype)
        with torch.no_grad():
            theirs = network(values)
        return ((ours - theirs).abs() / theirs.abs().clamp(min=1)).max().item()

    with open(folder / "inputs.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(values.tolist())
    before = difference(there, "--activation", activation)
    run("train", data, "--initial-model", there, "--activation", activation, "--target", ",".join(targets), "--shuffle", "false",
        "--batch-size", rows, "--epochs", epochs, "--optimizer", "adam", "--learning-rate", rate, "--model", back)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    for _ in range(epochs):
        optimizer.zero_grad()
        nn.functional.mse_loss(network(values), wanted).backward()
        optimizer.step()
    trained = difference(back)
    network.load_state_dict(load_file(back), strict=True)
    after = difference(back)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-13
    print(f"{activation} in {str(dtype)[6:]}: predictions differ by {before:.1e}, trained apart by {trained:.1e}, "
          f"loaded back by {after:.1e}")
    # Training takes rounding differences further apart.
    assert before <= tolerance and after <= tolerance and trained <= 100 * tolerance


if __name__ == "__main__":
    if sys.argv[1:] == ["--make"]:
        make()
    elif sys.argv[1:2] == ["--there-and-back"] and len(sys.argv) <= 3:
        there_and_back(*(sys.argv[2:] or ["lockstep"]))
    elif len(sys.argv) == 4:
        check(*sys.argv[1:])
    else:
        sys.exit(__doc__)
