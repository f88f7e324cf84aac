# What computes: backends, and which of them a network has. Networks take it; no bit depends on it.
"""Backends."""

from __future__ import annotations

import weakref
from ctypes import byref, c_char_p, c_int32, c_void_p
from typing import NamedTuple, Optional

from ._errors import ArgumentError
from ._library import BACKENDS, WORK, check, constant, integer, library, sized


class Backend:
    """What computes: ``"scalar"``, ``"simd"``, ``"openmp"``, or ``"auto"``, which finds the fastest by the first calls.

    A kind runs with the widest instruction set that it can; ``"openmp/avx2"`` is one with another.

    Results have the same bits on each, so that a backend is chosen for its speed alone.

    Args:
        kind: one of these names, or one that ``Network.backend_choice`` gives.
        threads: how many threads ``"openmp"`` and ``"auto"`` use at most, from 1 to 1024; ``None`` for ``OMP_NUM_THREADS``, or as many as
            there are cores.

    Raises:
        UnavailableError: it cannot run on this CPU, or the library was built without it.
        ArgumentError: there is no such name or number of threads.
    """

    def __init__(self, kind: str = "auto", threads: Optional[int] = None) -> None:
        handle = c_void_p()
        number = 0 if threads is None else integer(threads, "threads", 1, 1024)
        if not isinstance(kind, str) or "\0" in kind:
            raise ArgumentError(f"kind is {kind!r}; it must be a name such as 'auto', 'simd' or 'openmp/avx2'")
        # What is no UTF-8 is no name either.
        check(library.lockstep_backend_create_named(kind.encode(errors="replace"), number, byref(handle)))
        self._handle = handle
        self._requested = (kind, threads)
        # At the end of the process, memory goes away by itself; a thread may still compute.
        weakref.finalize(self, library.lockstep_backend_free, handle.value).atexit = False
        kind_constant, thread_count, name = c_int32(), c_int32(), c_char_p()
        check(library.lockstep_backend_describe(handle, byref(kind_constant), byref(thread_count), byref(name)))
        self._kind = BACKENDS[kind_constant.value]
        self._threads = thread_count.value
        self._name = (name.value or b"").decode()

    @property
    def kind(self) -> str:
        """The kind; what ``"auto"`` has chosen is told by ``Network.backend_choice``."""
        return self._kind

    @property
    def threads(self) -> int:
        """How many threads it uses at most."""
        return self._threads

    @property
    def name(self) -> str:
        """The kind and its instruction set, such as ``"openmp/avx2"``, or ``"auto"``."""
        return self._name

    def __reduce__(self) -> tuple[type[Backend], tuple[str, Optional[int]]]:
        return type(self), self._requested

    def __repr__(self) -> str:
        return f"<lockstep.Backend {self.name}, {self.threads} thread{'s' if self.threads != 1 else ''}>"


class BackendChoice(NamedTuple):
    """What computes a kind of work on a number of rows, and why."""

    #: ``"scalar"``, ``"simd"`` or ``"openmp"``.
    kind: str
    #: How many threads it uses at most.
    threads: int
    #: The kind and its instruction set, such as ``"openmp/avx2"``.
    name: str
    #: Whether it stays so, or calls still find out.
    decided: bool
    #: Why, as a phrase such as ``"the fastest; simd/avx2 on 1 thread takes 1.31 times as long"``.
    reason: str


def choice(network: c_void_p, rows: int, work: str) -> BackendChoice:
    """What computes a kind of work of a network on so many rows."""
    asked = (network, integer(rows, "rows", 0, 2**63 - 1), constant(work, WORK, "work"))
    kind, threads, name, decided = c_int32(), c_int32(), c_char_p(), c_int32()

    def told() -> tuple[str, int, str, bool]:
        check(library.lockstep_network_backend_choice(*asked, byref(kind), byref(threads), byref(name), byref(decided)))
        return BACKENDS[kind.value], threads.value, (name.value or b"").decode(), bool(decided.value)

    def reason() -> str:
        return sized(library.lockstep_network_explain_backend, *asked).decode().rstrip("\0").split("\n", 1)[0]

    first, why = told(), reason()
    # Calls of other threads may decide in between.
    while (latest := told()) != first:
        first, why = latest, reason()
    return BackendChoice(*first, why)
