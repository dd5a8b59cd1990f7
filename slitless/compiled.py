"""Compile a pixel loop with numba, kept on disk for the next process, or say that there is no numba.

Kernels release the GIL and are spread over threads by their callers: numba's own threading layers either
abort when two threads enter them or do not survive a fork.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

try:
    from numba import njit
except ImportError:  # numba has no wheel for the newest Python yet
    njit = None

__all__ = ["CORES", "HAVE_NUMBA", "compiled", "in_threads", "inlined"]

HAVE_NUMBA = njit is not None
CORES = min(os.cpu_count() or 1, 8)
_DONE_BEFORE: set[object] = set()
Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a kernel at its first call; without numba it stays Python, and callers use numpy instead.

    It is not kept where neither the package's folder nor the user's cache folder can be written.
    """
    if njit is None:
        return function
    try:
        return cast("Function", njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # "cannot cache function: no locator available"
        return cast("Function", njit(nogil=True, error_model="numpy")(function))


def inlined(function: Function) -> Function:
    """Compile a few lines that kernels share into each of them."""
    if njit is None:
        return function
    return cast("Function", njit(nogil=True, error_model="numpy", inline="always")(function))


def in_threads(work: Callable[..., Any], parts: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Call `work(*part)` for every part on all cores and return the results in order.

    The first part of work that was never done runs alone: numba, compiling a kernel for two threads at
    once, has been seen to fail with "dictionary changed size during iteration".
    """
    waiting = deque(parts)
    results = []
    kind = getattr(work, "__code__", work)  # closures of one function are one kind of work
    if kind not in _DONE_BEFORE and waiting:
        results.append(work(*waiting.popleft()))
        _DONE_BEFORE.add(kind)
    with ThreadPoolExecutor(max_workers=CORES) as pool:
        return results + list(pool.map(lambda part: work(*part), waiting))
