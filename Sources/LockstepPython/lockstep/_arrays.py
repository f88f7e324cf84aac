# NumPy arrays as the C library takes them: an address and a stride, without a copy wherever rows lie in memory as rows.
# What the numbers mean lies in the files that call.
"""Arrays that go down to the library."""

from __future__ import annotations

import ctypes
from numbers import Real
from typing import Any

import numpy as np

from ._errors import ArgumentError
from ._library import check, library

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)


def numbers(values: Any, argument: str) -> np.ndarray:
    """The values as an array of real numbers; an array stays what it is."""
    array = np.asarray(values)
    if array.dtype.kind in "biuf":
        return array
    if array.dtype.kind == "O" and all(isinstance(value, Real) for value in array.flat):
        return array.astype(FLOAT64)
    raise TypeError(f"{argument} must hold real numbers; it has elements of {array.dtype}")


def is_rows(array: np.ndarray) -> bool:
    """True where a matrix can be read where it lies: aligned rows one after the other, none inside another."""
    (rows, columns), (row_step, column_step), size = array.shape, array.strides, array.itemsize
    return array.flags.aligned and (
        array.flags.c_contiguous
        or (columns <= 1 or column_step == size)
        and (rows <= 1 or (row_step >= columns * size and row_step % size == 0))
    )


def rows_of(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The matrix itself where it can be read where it lies, else a copy."""
    if array.dtype == dtype and is_rows(array):
        return array
    return np.array(array, dtype=dtype, order="C")


def matrix(values: Any, dtype: np.dtype, columns: int, argument: str) -> np.ndarray:
    """A matrix ``[rows x columns]`` to read."""
    array = numbers(values, argument)
    if array.ndim != 2 or array.shape[1] != columns:
        raise ArgumentError(f"{argument} has the shape {array.shape}; it must be [rows x {columns}]")
    return rows_of(array, dtype)


def row(values: Any, dtype: np.dtype, count: int, argument: str) -> np.ndarray:
    """Numbers ``[count]`` to read, as a matrix of one row."""
    array = numbers(values, argument)
    if array.shape != (count,):
        raise ArgumentError(f"{argument} has the shape {array.shape}; it must be [{count}]")
    return rows_of(array.reshape(1, -1), dtype)


def targets(values: Any, dtype: np.dtype, rows: int, columns: int, argument: str) -> np.ndarray:
    """A matrix ``[rows x columns]`` to read; where it has one column, its elements may come alone, ``[rows]``."""
    array = numbers(values, argument)
    if array.ndim == 1 and columns == 1:
        array = array.reshape(-1, 1)
    if array.shape != (rows, columns):
        one = f", or [{rows}]" if columns == 1 else ""
        raise ArgumentError(f"{argument} has the shape {np.shape(values)}; it must be [{rows} x {columns}]{one}")
    return rows_of(array, dtype)


def written(array: Any, dtype: np.dtype, shape: tuple[int, ...], argument: str) -> np.ndarray:
    """The caller's array, to be written where it lies: a copy would leave it as it is."""
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape:
        found = f"an array of {array.dtype}, {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ArgumentError(f"{argument} is {found}; it must be an array of {dtype}, {shape}")
    matrix = array.reshape(1, -1) if array.ndim == 1 and array.flags.c_contiguous else array
    if not array.flags.writeable or matrix.ndim != 2 or not is_rows(matrix):
        raise ArgumentError(
            f"{argument} cannot be written: it must be writeable, aligned, and have its rows in C order"
        )
    return matrix


def stride(array: np.ndarray) -> int:
    """How many elements lie between the beginnings of two rows."""
    rows, columns = array.shape
    return array.strides[0] // array.itemsize if rows > 1 and columns > 0 else columns


class _Interface(ctypes.Structure):
    """What NumPy's array interface gives to C: PyArrayInterface."""

    _fields_ = [
        ("two", ctypes.c_int),
        ("nd", ctypes.c_int),
        ("typekind", ctypes.c_char),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_int),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
        ("descr", ctypes.c_void_p),
    ]


# A function of its own: what ctypes.pythonapi hands out by name belongs to everyone.
_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_interface_at = _Interface.from_address


def address(array: np.ndarray) -> int:
    """Where the first element lies. This way takes half the time of ``array.ctypes.data``."""
    capsule = array.__array_struct__
    return _interface_at(_pointer(capsule, None)).data


def digest(values: Any) -> str:
    """The fingerprint of an array of float32 or float64, as ``lockstep predict --json`` gives it for outputs.

    It is that of the elements in C order, whatever the shape: 16 hexadecimal digits.
    """
    array = np.asarray(values)
    dtype = array.dtype.newbyteorder("=")
    if dtype not in (FLOAT32, FLOAT64):
        raise TypeError(f"a digest is of float32 or float64, not of {array.dtype}")
    array = rows_of(array if array.ndim == 2 else array.reshape(1, -1), dtype)
    function = library.lockstep_digest_f32 if dtype == FLOAT32 else library.lockstep_digest_f64
    text = ctypes.create_string_buffer(17)
    check(function(*array.shape, address(array), stride(array), text, 17))
    return text.value.decode()
