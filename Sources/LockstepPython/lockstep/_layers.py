# Parameters and gradients layer by layer.
"""Layers as arrays."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

from numpy.typing import NDArray


class Layer(NamedTuple):
    """The parameters of a layer, or their gradients."""

    #: ``[inputs x outputs]``
    weights: NDArray[Any]
    #: ``[outputs]``
    bias: NDArray[Any]


class Gradients(NamedTuple):
    """The gradients of a mean loss."""

    #: For each layer the gradients with respect to its weights and its bias.
    layers: list[Layer]
    #: The mean loss.
    loss: float


def split(flat: NDArray[Any], sizes: Sequence[int]) -> list[Layer]:
    """The layers of a network of these widths, as views into all its parameters, ``[parameters]``."""
    layers = []
    end = 0
    for inputs, outputs in zip(sizes, sizes[1:]):
        start, middle, end = end, end + inputs * outputs, end + (inputs + 1) * outputs
        layers.append(Layer(flat[start:middle].reshape(inputs, outputs), flat[middle:end]))
    return layers
