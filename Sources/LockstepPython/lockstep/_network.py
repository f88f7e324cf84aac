# Networks: making, loading, predicting, training. What goes down to the library with a call lies in _calls.py, which backend
# computes in _backend.py.
"""Dense networks."""

from __future__ import annotations

import ctypes
import os
import weakref
from ctypes import byref, c_int32, c_int64, c_void_p
from typing import Any, Optional, Sequence, Union

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _arrays
from ._arrays import FLOAT32, FLOAT64, address, stride
from ._backend import Backend, BackendChoice, choice
from ._calls import Batch, Room
from ._errors import ArgumentError, UnavailableError
from ._layers import Gradients, Layer, split
from ._library import (
    ACTIVATIONS,
    PAIRED_SIGNATURES,
    PRECISIONS,
    check,
    constant,
    error,
    integer,
    library,
    sized,
)


class Network:
    """A dense network: layers, each ``activation(input @ weights + bias)``, in float32 or float64.

    A new network's parameters are uniform between ``-1 / sqrt(inputs)`` and ``1 / sqrt(inputs)`` of their layer; the
    same seed gives the same parameters everywhere. One network may be used from several threads: predictions run side
    by side, steps wait for them.

    Args:
        sizes: the widths, from input to output, two or more.
        hidden: what each layer but the last applies: ``"identity"``, ``"relu"``, ``"leaky-relu"``, ``"tanh"``,
            ``"sigmoid"``, ``"elu"``, ``"softplus"``, ``"silu"`` or ``"gelu"``.
        activations: what each layer applies, the last included, in place of ``hidden``.
        seed: of the parameters, from 0 to 2**64 - 1.
        dtype: float32 or float64.
        backend: what computes; ``None`` for the fastest.

    Raises:
        ArgumentError: sizes, names or numbers that make no network.
        OutOfMemoryError: it does not fit into memory.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        hidden: str = "relu",
        *,
        activations: Optional[Sequence[str]] = None,
        seed: int = 1,
        dtype: DTypeLike = np.float32,
        backend: Optional[Backend] = None,
    ) -> None:
        widths = [integer(size, "a number in sizes", 1) for size in sizes]
        if activations is None:
            constants = [constant(hidden, ACTIVATIONS, "hidden")] * max(len(widths) - 2, 0) + [0]
        else:
            constants = [constant(name, ACTIVATIONS, "a name in activations") for name in activations]
            if len(constants) != len(widths) - 1:
                raise ArgumentError(
                    f"activations has {len(constants)} names; {len(widths)} sizes make {len(widths) - 1} layers"
                )
        handle = c_void_p()
        check(
            library.lockstep_network_create(
                _precision(dtype),
                (c_int64 * len(widths))(*widths),
                len(widths),
                (c_int32 * len(constants))(*constants),
                integer(seed, "seed", 0, 2**64 - 1),
                byref(handle),
            )
        )
        self._take(handle, backend)

    @classmethod
    def load(
        cls,
        path: Union[str, os.PathLike[str]],
        *,
        activation: Optional[str] = None,
        dtype: Optional[DTypeLike] = None,
        backend: Optional[Backend] = None,
    ) -> Network:
        """Loads a model file: safetensors, as ``save``, the tool ``lockstep`` and PyTorch's ``nn.Sequential`` have it.

        Args:
            path: the file.
            activation: what the hidden layers apply, where the file leaves it open, as a state dict of PyTorch does.
            dtype: float32 or float64, to convert to; ``None`` for what the file holds.
            backend: what computes; ``None`` for the fastest.

        Raises:
            FileError: it cannot be read.
            ModelError: it holds no network, or does not say its activations and nobody else does.
        """
        handle, precision, name = c_void_p(), 0 if dtype is None else _precision(dtype), _file_name(path)
        if activation is None:
            check(library.lockstep_network_load(name, precision, byref(handle)))
        else:
            chosen = constant(activation, ACTIVATIONS, "activation")
            check(library.lockstep_network_load_activated(name, precision, chosen, byref(handle)))
        return cls._of(handle, backend)

    @classmethod
    def from_bytes(
        cls,
        data: Union[bytes, bytearray, memoryview],
        *,
        activation: Optional[str] = None,
        dtype: Optional[DTypeLike] = None,
        backend: Optional[Backend] = None,
    ) -> Network:
        """Takes the bytes of a model file as ``load`` takes the file, and raises what it raises."""
        data = bytes(data)
        handle, precision = c_void_p(), 0 if dtype is None else _precision(dtype)
        if activation is None:
            check(library.lockstep_network_load_memory(data, len(data), precision, byref(handle)))
        else:
            chosen = constant(activation, ACTIVATIONS, "activation")
            check(library.lockstep_network_load_memory_activated(data, len(data), precision, chosen, byref(handle)))
        return cls._of(handle, backend)

    @classmethod
    def _of(cls, handle: c_void_p, backend: Optional[Backend]) -> Network:
        network = cls.__new__(cls)
        network._take(handle, backend)
        return network

    def _take(self, handle: c_void_p, backend: Optional[Backend]) -> None:
        """Becomes the network behind a handle."""
        self._handle = handle
        # At the end of the process, memory goes away by itself; a thread may still compute.
        weakref.finalize(self, library.lockstep_network_free, handle.value).atexit = False
        precision = c_int32()
        check(library.lockstep_network_precision(handle, byref(precision)))
        self._dtype = np.dtype(PRECISIONS[precision.value])
        suffix = "_f32" if self._dtype == FLOAT32 else "_f64"
        self._functions = {name: getattr(library, name + suffix) for name in PAIRED_SIGNATURES}
        layers, parameters = c_int64(), c_int64()
        check(library.lockstep_network_shape(handle, None, None, byref(layers), byref(parameters)))
        self._parameter_count = parameters.value
        inputs, outputs, activation = c_int64(), c_int64(), c_int32()
        sizes: list[int] = []
        activations: list[str] = []
        for index in range(layers.value):
            check(library.lockstep_network_layer(handle, index, byref(inputs), byref(outputs), byref(activation)))
            sizes += [inputs.value, outputs.value] if index == 0 else [outputs.value]
            activations.append(ACTIVATIONS[activation.value])
        self._sizes, self._activations = tuple(sizes), tuple(activations)
        self._row, self._one_row = (sizes[0],), (1, sizes[0])
        self._rooms: list[Room] = []
        self._backend: Optional[Backend] = None
        if backend is not None:
            self.backend = backend

    # What the network is

    @property
    def sizes(self) -> tuple[int, ...]:
        """The widths, from input to output."""
        return self._sizes

    @property
    def activations(self) -> tuple[str, ...]:
        """What each layer applies."""
        return self._activations

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision: float32 or float64."""
        return self._dtype

    @property
    def digest(self) -> str:
        """The fingerprint of the parameters, as the tool prints it."""
        text = ctypes.create_string_buffer(17)
        check(library.lockstep_network_digest(self._handle, text, 17))
        return text.value.decode()

    @property
    def backend(self) -> Optional[Backend]:
        """What computes; ``None`` for the fastest, which the first calls find out. It can be set, and no result changes."""
        return self._backend

    @backend.setter
    def backend(self, backend: Optional[Backend]) -> None:
        if backend is not None and not isinstance(backend, Backend):
            raise TypeError(f"backend must be a lockstep.Backend or None, not {backend!r}")
        check(library.lockstep_network_set_backend(self._handle, None if backend is None else backend._handle))
        self._backend = backend

    def backend_choice(self, rows: int, work: str = "predict") -> BackendChoice:
        """What computes on so many rows, and why: the fastest, where no backend was named; before that is decided, the
        best so far.

        Args:
            rows: 0 or more.
            work: ``"predict"``, ``"gradients"`` or ``"step"``, which ``fit`` takes, too.
        """
        return choice(self._handle, rows, work)

    # Parameters

    @property
    def parameters(self) -> NDArray[Any]:
        """A copy of all parameters, ``[parameters]``: layer after layer, weights row after row, then bias.

        Setting it writes them all.
        """
        values = np.empty(self._parameter_count, self._dtype)
        check(self._functions["lockstep_network_get_parameters"](self._handle, address(values), values.size))
        return values

    @parameters.setter
    def parameters(self, values: ArrayLike) -> None:
        array = _arrays.row(values, self._dtype, self._parameter_count, "parameters")
        check(self._functions["lockstep_network_set_parameters"](self._handle, address(array), array.size))

    @property
    def layers(self) -> list[Layer]:
        """A copy of each layer's weights ``[inputs x outputs]`` and bias ``[outputs]``."""
        return split(self.parameters, self._sizes)

    def set_layer(self, index: int, weights: Optional[ArrayLike] = None, bias: Optional[ArrayLike] = None) -> None:
        """Writes parameters of a layer.

        Args:
            index: of the layer, from 0.
            weights: ``[inputs x outputs]``; ``None`` leaves them.
            bias: ``[outputs]``; ``None`` leaves it.
        """
        index = integer(index, "index", 0, len(self._activations) - 1)
        inputs, outputs = self._sizes[index : index + 2]
        # The arrays are kept until the call is over.
        matrix = None if weights is None else _arrays.matrix(weights, self._dtype, outputs, "weights")
        if matrix is not None and matrix.shape[0] != inputs:
            raise ArgumentError(f"weights has the shape {matrix.shape}; it must be [{inputs} x {outputs}]")
        row = None if bias is None else _arrays.row(bias, self._dtype, outputs, "bias")
        check(
            self._functions["lockstep_network_set_layer"](
                self._handle,
                index,
                None if matrix is None else address(matrix),
                0 if matrix is None else stride(matrix),
                None if row is None else address(row),
            )
        )

    # Computing

    def predict(self, x: ArrayLike, out: Optional[NDArray[Any]] = None) -> NDArray[Any]:
        """The outputs for rows of input; each row's depend on that row alone.

        Args:
            x: ``[rows x inputs]``; or one row ``[inputs]``, which gives ``[outputs]``.
            out: an array of the network's dtype to write, ``[rows x outputs]``; ``None`` for a new one.

        Returns:
            ``[rows x outputs]``: ``out`` where it is given.
        """
        # One row is copied into memory whose address is known, which takes less time than to ask an array for its own.
        if out is None and type(x) is np.ndarray and x.dtype == self._dtype:
            is_row = x.shape == self._row
            if is_row or x.shape == self._one_row:
                try:
                    room = self._rooms.pop()
                except IndexError:
                    room = Room(self)
                room.input[...] = x
                status = room.call()
                if status:
                    raise error(status)
                result = room.output_row.copy() if is_row else room.output.copy()
                self._rooms.append(room)
                return result

        array = _arrays.numbers(x, "x")
        is_row = array.ndim == 1
        matrix = _arrays.matrix(array.reshape(1, -1) if is_row else array, self._dtype, self._sizes[0], "x")
        shape = (self._sizes[-1],) if is_row else (matrix.shape[0], self._sizes[-1])
        result = np.empty(shape, self._dtype) if out is None else out
        target = _arrays.written(result, self._dtype, shape, "out")
        check(
            self._functions["lockstep_network_predict"](
                self._handle, matrix.shape[0], address(matrix), stride(matrix), address(target), stride(target)
            )
        )
        return result

    def step(self, x: ArrayLike, y: ArrayLike, *, loss: str = "mse", learning_rate: float = 0.01) -> float:
        """A step of gradient descent over all rows, ``parameter - learning_rate * gradient`` for every parameter.

        Args:
            x: ``[rows x inputs]``.
            y: ``[rows x outputs]``, or ``[rows]`` where there is one output.
            loss: ``"mse"``, ``"mae"`` or ``"huber"``; or for outputs that are logits ``"bce"``, with targets between 0
                and 1, or ``"cross-entropy"``, with rows of targets that sum to 1.
            learning_rate: a finite number.

        Returns:
            The mean loss before the step.
        """
        batch, mean = Batch(self, x, y, loss), np.empty((), self._dtype)
        check(self._functions["lockstep_network_step"](*batch.arguments, float(learning_rate), address(mean)))
        return float(mean)

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        loss: str = "mse",
        epochs: int = 100,
        batch_size: int = 32,
        learning_rate: float = 0.01,
        shuffle: bool = True,
        seed: int = 1,
    ) -> float:
        """Steps over epochs and batches, as ``lockstep train`` takes them.

        Args:
            x, y, loss, learning_rate: as for ``step``.
            epochs: how often every row is seen.
            batch_size: rows in a step; the last of an epoch takes what is left.
            shuffle: whether each epoch has a new random order of rows, drawn from ``seed``.
            seed: from 0 to 2**64 - 1.

        Returns:
            The mean of the last epoch's losses, each taken before its step; NaN where there is no epoch.

        Raises:
            NotFiniteError: a loss or parameter became NaN or infinite; the network has the last finite parameters.
        """
        batch, mean = Batch(self, x, y, loss), ctypes.c_double(float("nan"))
        check(
            self._functions["lockstep_network_train"](
                *batch.arguments,
                float(learning_rate),
                integer(epochs, "epochs"),
                integer(batch_size, "batch_size", 1),
                bool(shuffle),
                integer(seed, "seed", 0, 2**64 - 1),
                byref(mean),
            )
        )
        return mean.value

    def gradients(self, x: ArrayLike, y: ArrayLike, *, loss: str = "mse") -> Gradients:
        """The gradients of the mean loss over all rows; the parameters stay as they are.

        Args:
            x, y, loss: as for ``step``.

        Returns:
            For each layer the gradients with respect to weights ``[inputs x outputs]`` and bias ``[outputs]``, and the
            mean loss.
        """
        batch, mean = Batch(self, x, y, loss), np.empty((), self._dtype)
        flat = np.empty(self._parameter_count, self._dtype)
        check(self._functions["lockstep_network_gradients"](*batch.arguments, address(flat), flat.size, address(mean)))
        return Gradients(split(flat, self._sizes), float(mean))

    # Files and copies

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes the network as a model file, whole or not at all; a file that is there is replaced.

        Raises:
            FileError: it cannot be written.
        """
        check(library.lockstep_network_save(self._handle, _file_name(path)))

    def to_bytes(self) -> bytes:
        """The bytes that ``save`` writes."""
        return sized(library.lockstep_network_save_memory, self._handle)

    def copy(self) -> Network:
        """A network of its own with the same parameters, on the same backend."""
        handle = c_void_p()
        check(library.lockstep_network_copy(self._handle, byref(handle)))
        return type(self)._of(handle, self._backend)

    def __copy__(self) -> Network:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        requested = None if self._backend is None else self._backend._requested
        return _restored, (type(self), self.to_bytes(), requested)

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self._sizes))
        return f"<lockstep.Network {sizes}, {', '.join(self._activations)}, {self._dtype}, digest {self.digest}>"


def _restored(cls: type[Network], data: bytes, requested: Optional[tuple[str, Optional[int]]]) -> Network:
    """A network from a pickle. Where its backend cannot run, another gives the same bits."""
    network = cls.from_bytes(data)
    if requested is not None:
        try:
            network.backend = Backend(*requested)
        except UnavailableError:
            pass
    return network


def _file_name(path: Union[str, os.PathLike[str]]) -> bytes:
    """A path as the library takes it."""
    name = os.fsencode(path)
    if b"\0" in name:
        raise ArgumentError("path has a character 0")
    return name


def _precision(dtype: DTypeLike) -> int:
    """The constant of a dtype."""
    found = np.dtype(dtype)
    if found not in (FLOAT32, FLOAT64):
        raise ArgumentError(f"dtype is {found}; it must be float32 or float64")
    return PRECISIONS.index(found.name)
