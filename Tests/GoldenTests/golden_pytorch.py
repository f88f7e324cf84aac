"""Small trainings with PyTorch's optimisers, double precision: golden numbers for OptimizerGoldenTests.swift.

Usage: python3 golden_pytorch.py > golden_pytorch.json

Needs: pip install torch. The tests read the committed file, so that they need no PyTorch.

Data and first parameters are those of golden_numpy.py. Weights decay, biases do not. Gradients are clipped as Lockstep's order
of arithmetic says, by norm / found; torch.nn.utils.clip_grad_norm_ divides by found + 1e-6 instead.
"""

import json

import torch
from torch import nn


def data(count, factor, offset):
    """Multiples of 1/1024 between -1 and 1, the same in every precision."""
    index = torch.arange(count, dtype=torch.int64)
    return ((index * factor + offset) % 2003 - 1001).to(torch.float64) / 1024.0


ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
LOSSES = {"mse": nn.MSELoss, "bce": nn.BCEWithLogitsLoss}

OPTIMIZERS = {
    "sgd": lambda groups, rate: torch.optim.SGD(groups, lr=rate),
    "momentum": lambda groups, rate: torch.optim.SGD(groups, lr=rate, momentum=0.9),
    "nesterov": lambda groups, rate: torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True),
    "rmsprop": lambda groups, rate: torch.optim.RMSprop(groups, lr=rate, alpha=0.99, eps=1e-8),
    "adam": lambda groups, rate: torch.optim.Adam(groups, lr=rate, betas=(0.9, 0.999), eps=1e-8),
    "adamw": lambda groups, rate: torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.999), eps=1e-8),
}


def network(sizes, activation):
    modules = []
    for index, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        modules.append(nn.Linear(inputs, outputs, dtype=torch.float64))
        if index < len(sizes) - 2:
            modules.append(ACTIVATIONS[activation]())
    model = nn.Sequential(*modules)
    # In the order of a model file: weights as [outputs, inputs], then the bias.
    parameters = list(model.parameters())
    values = data(sum(parameter.numel() for parameter in parameters), 1031, 0)
    with torch.no_grad():
        for parameter in parameters:
            parameter.copy_(values[:parameter.numel()].reshape(parameter.shape))
            values = values[parameter.numel():]
    return model


def clip(parameters, norm):
    found = torch.sqrt(sum((parameter.grad ** 2).sum() for parameter in parameters))
    if found > norm:
        for parameter in parameters:
            parameter.grad *= norm / found


def train(sizes, activation, loss, rows, steps, learning_rate, optimizer, weight_decay, clip_norm):
    model = network(sizes, activation)
    x = data(rows * sizes[0], 7919, 5).reshape(rows, sizes[0])
    t = data(rows * sizes[-1], 1543, 77).reshape(rows, sizes[-1])
    if loss == "bce":
        t = (t > 0).to(torch.float64)
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() == 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0},
    ]
    stepper = OPTIMIZERS[optimizer](groups, learning_rate)
    losses = []
    for _ in range(steps):
        stepper.zero_grad()
        mean = LOSSES[loss]()(model(x), t)
        losses.append(mean.item())
        mean.backward()
        if clip_norm is not None:
            clip(parameters, clip_norm)
        stepper.step()
    return {
        "sizes": sizes, "activation": activation, "loss": loss, "rows": rows, "steps": steps,
        "learningRate": learning_rate, "optimizer": optimizer, "weightDecay": weight_decay, "clipNorm": clip_norm,
        "losses": losses, "parameters": torch.cat([p.detach().ravel() for p in parameters]).tolist(),
    }


def trainings():
    for name, rate in [
        ("sgd", 0.125), ("momentum", 0.0625), ("nesterov", 0.0625), ("rmsprop", 0.0078125), ("adam", 0.015625),
        ("adamw", 0.015625),
    ]:
        yield train([3, 7, 2], "tanh", "mse", 40, 20, rate, name, 0.25 if name == "adamw" else 0.0, None)
        yield train([4, 6, 5, 1], "sigmoid", "bce", 65, 20, rate, name, 0.0625, 0.125)


print(json.dumps(list(trainings()), indent=1))
