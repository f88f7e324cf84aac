# Exceptions, one for each group of statuses of the C library, which are also what a Python programmer would catch.
# Where they are raised for a status lies in _library.py.
"""Errors of Lockstep."""

from __future__ import annotations


class LockstepError(Exception):
    """What every error of the library is."""


class ArgumentError(LockstepError, ValueError):
    """An argument has a value, shape or memory that the function cannot take."""


class FileError(LockstepError, OSError):
    """A file cannot be read or written; ``errno`` is the system's number, where it gave one, else ``None``."""

    def __str__(self) -> str:
        # Without the number in front, as the sentences of all errors.
        return self.strerror or super().__str__()


class ModelError(LockstepError, ValueError):
    """A file can be read, but is damaged or holds no network that this library can run."""


class UnavailableError(LockstepError, RuntimeError):
    """The backend cannot run on this CPU, or the library was built without it."""


class NotFiniteError(LockstepError, ArithmeticError):
    """Training led to a number that is NaN or infinite."""


class OutOfMemoryError(LockstepError, MemoryError):
    """What is asked for does not fit into this machine's memory."""
