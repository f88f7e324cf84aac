# The C library: where it lies, what its functions take, and statuses as exceptions. What is done with the functions
# lies in the files beside this one.
"""liblockstep through ctypes, which releases the interpreter's lock while a function runs."""

from __future__ import annotations

import ctypes
import operator
import os
import pathlib
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from typing import Any, Callable, Sequence

from ._errors import (
    ArgumentError,
    FileError,
    LockstepError,
    ModelError,
    NotFiniteError,
    OutOfMemoryError,
    UnavailableError,
)

#: The binary interface that this module was written for, ``LOCKSTEP_ABI_VERSION`` of ``lockstep.h``.
ABI_VERSION = 0

# The constants of lockstep.h: each name's place in its list is its value.
ACTIVATIONS = ("identity", "relu", "leaky-relu", "tanh", "sigmoid", "elu", "softplus", "silu", "gelu")
LOSSES = ("mse", "bce", "cross-entropy", "mae", "huber")
BACKENDS = ("auto", "scalar", "simd", "openmp")
PRECISIONS = ("of file", "float32", "float64")
WORK = ("predict", "gradients", "step")

# Statuses from 1 on.
_ERRORS = (
    ArgumentError,
    ArgumentError,
    ArgumentError,
    ArgumentError,
    FileError,
    ModelError,
    UnavailableError,
    NotFiniteError,
    OutOfMemoryError,
)

# What functions take. Those that return no status are listed with what they return.
SIGNATURES: dict[str, Sequence[Any]] = {
    "lockstep_backend_create_named": [c_char_p, c_int32, POINTER(c_void_p)],
    "lockstep_backend_describe": [c_void_p, POINTER(c_int32), POINTER(c_int32), POINTER(c_char_p)],
    "lockstep_network_create": [c_int32, POINTER(c_int64), c_int64, POINTER(c_int32), c_uint64, POINTER(c_void_p)],
    "lockstep_network_load": [c_char_p, c_int32, POINTER(c_void_p)],
    "lockstep_network_load_activated": [c_char_p, c_int32, c_int32, POINTER(c_void_p)],
    "lockstep_network_load_memory": [c_void_p, c_size_t, c_int32, POINTER(c_void_p)],
    "lockstep_network_load_memory_activated": [c_void_p, c_size_t, c_int32, c_int32, POINTER(c_void_p)],
    "lockstep_network_save": [c_void_p, c_char_p],
    "lockstep_network_save_memory": [c_void_p, c_void_p, c_size_t, POINTER(c_size_t)],
    "lockstep_network_copy": [c_void_p, POINTER(c_void_p)],
    "lockstep_network_set_backend": [c_void_p, c_void_p],
    "lockstep_network_backend_choice": [
        c_void_p,
        c_int64,
        c_int32,
        POINTER(c_int32),
        POINTER(c_int32),
        POINTER(c_char_p),
        POINTER(c_int32),
    ],
    "lockstep_network_explain_backend": [c_void_p, c_int64, c_int32, c_char_p, c_size_t, POINTER(c_size_t)],
    "lockstep_network_precision": [c_void_p, POINTER(c_int32)],
    "lockstep_network_shape": [c_void_p] + [POINTER(c_int64)] * 4,
    "lockstep_network_layer": [c_void_p, c_int64, POINTER(c_int64), POINTER(c_int64), POINTER(c_int32)],
    "lockstep_network_digest": [c_void_p, c_char_p, c_size_t],
}
OTHER_SIGNATURES: dict[str, tuple[Sequence[Any], Any]] = {
    "lockstep_version": ([], c_char_p),
    "lockstep_abi_version": ([], c_int32),
    "lockstep_error_message": ([], c_char_p),
    "lockstep_error_number": ([], c_int32),
    "lockstep_backend_free": ([c_void_p], None),
    "lockstep_network_free": ([c_void_p], None),
}
# Functions that end in _f32 or _f64; None is the number of that precision.
_BATCH = [c_void_p, c_int64, c_void_p, c_int64, c_void_p, c_int64, c_int32]
PAIRED_SIGNATURES: dict[str, Sequence[Any]] = {
    "lockstep_network_predict": _BATCH[:6],
    "lockstep_network_step": [*_BATCH, None, c_void_p],
    "lockstep_network_train": [*_BATCH, c_double, c_int64, c_int64, c_int32, c_uint64, POINTER(c_double)],
    "lockstep_network_gradients": [*_BATCH, c_void_p, c_int64, c_void_p],
    "lockstep_network_get_parameters": [c_void_p, c_void_p, c_int64],
    "lockstep_network_set_parameters": [c_void_p, c_void_p, c_int64],
    "lockstep_network_set_layer": [c_void_p, c_int64, c_void_p, c_int64, c_void_p],
    "lockstep_digest": [c_int64, c_int64, c_void_p, c_int64, c_char_p, c_size_t],
}


def _path() -> str:
    """Where the library lies: beside the module, as it is installed, or where LOCKSTEP_LIBRARY says."""
    beside = pathlib.Path(__file__).parent / "lib" / f"liblockstep.so.{ABI_VERSION}"
    if beside.exists():
        return str(beside)
    named = os.environ.get("LOCKSTEP_LIBRARY")
    if named:
        return named
    raise ImportError(
        f"liblockstep is missing: it is neither {beside} nor named by the environment variable LOCKSTEP_LIBRARY. Run "
        "`swift package install-lockstep --prefix DIR` in Lockstep's folder, then `pip install "
        "DIR/share/lockstep/python`, "
        f"or set LOCKSTEP_LIBRARY to an installed liblockstep.so.{ABI_VERSION}."
    )


def _load() -> ctypes.CDLL:
    path = _path()
    try:
        library = ctypes.CDLL(path)
        for name, (arguments, result) in OTHER_SIGNATURES.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, result
        found = library.lockstep_abi_version()
        if found != ABI_VERSION:
            raise ImportError(
                f"{path} has version {found} of the binary interface, and this module needs {ABI_VERSION}: install "
                "module and library from one release"
            )
        for name, arguments in SIGNATURES.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, c_int32
        for name, arguments in PAIRED_SIGNATURES.items():
            for suffix, number in (("_f32", c_float), ("_f64", c_double)):
                function = getattr(library, name + suffix)
                function.argtypes = [number if argument is None else argument for argument in arguments]
                function.restype = c_int32
    except (OSError, AttributeError) as error:
        raise ImportError(f"{path} cannot be used as liblockstep: {error}") from error
    return library


library = _load()


def version() -> str:
    """The version of the library that runs."""
    return library.lockstep_version().decode()


def error(status: int) -> LockstepError:
    """What to raise for the status of the latest call on this thread."""
    message = library.lockstep_error_message().decode()
    kind = _ERRORS[status - 1] if 0 < status <= len(_ERRORS) else LockstepError
    number = library.lockstep_error_number() if kind is FileError else 0
    return kind(number, message) if number else kind(message)


def check(status: int) -> None:
    """Raises what a status stands for."""
    if status:
        raise error(status)


def sized(function: Callable[..., int], *arguments: Any) -> bytes:
    """All that a function writes into memory whose size it tells first."""
    needed = c_size_t()
    check(function(*arguments, None, 0, byref(needed)))
    while True:
        size = needed.value
        data = ctypes.create_string_buffer(size)
        status = function(*arguments, data, size, byref(needed))
        # It may be more now, as other threads use the network.
        if needed.value <= size:
            check(status)
            return data.raw[: needed.value]


def constant(value: object, names: Sequence[str], argument: str) -> int:
    """The constant of lockstep.h that a name stands for."""
    if isinstance(value, str) and value in names:
        return names.index(value)
    allowed = ", ".join(map(repr, names))
    raise ArgumentError(f"{argument} is {value!r}; it must be one of {allowed}")


def integer(value: object, argument: str, least: int = 0, most: int = 2**63 - 1) -> int:
    """A whole number that the C type can hold: ctypes would cut off what it cannot."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{argument} must be a whole number, not {value!r}") from None
    if not least <= number <= most:
        raise ArgumentError(f"{argument} is {number}; it must lie between {least} and {most}")
    return number
