# What goes down to the library with a call: a checked batch to train on, and memory for the prediction of one row.
"""Arguments of calls."""

from __future__ import annotations

import functools
from ctypes import c_int32, c_int64, c_void_p
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from . import _arrays
from ._arrays import FLOAT32, address, stride
from ._library import LOSSES, constant, library

if TYPE_CHECKING:
    from ._network import Network


class Batch:
    """A checked batch, and what each function that takes one takes first."""

    def __init__(self, network: Network, x: ArrayLike, y: ArrayLike, loss: str) -> None:
        # Kept, so that the memory lives as long as the batch.
        self.x = _arrays.matrix(x, network.dtype, network.sizes[0], "x")
        rows = self.x.shape[0]
        self.y = _arrays.targets(y, network.dtype, rows, network.sizes[-1], "y")
        self.arguments = (
            network._handle,
            rows,
            address(self.x),
            stride(self.x),
            address(self.y),
            stride(self.y),
            constant(loss, LOSSES, "loss"),
        )


class Room:
    """Memory for the prediction of one row, used by one thread at a time."""

    def __init__(self, network: Network) -> None:
        inputs, outputs = network.sizes[0], network.sizes[-1]
        self.input = np.empty((1, inputs), network.dtype)
        self.output = np.empty((1, outputs), network.dtype)
        self.output_row = self.output[0]
        # A function of its own without types: converting numbers for each call would take longer than the call.
        function = library["lockstep_network_predict" + ("_f32" if network.dtype == FLOAT32 else "_f64")]
        function.restype = c_int32
        self.call = functools.partial(
            function,
            network._handle,
            c_int64(1),
            c_void_p(address(self.input)),
            c_int64(inputs),
            c_void_p(address(self.output)),
            c_int64(outputs),
        )
