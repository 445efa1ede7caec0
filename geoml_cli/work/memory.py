"""How much memory this machine lets a process have, and what a process gives back."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

_CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Limits of containers and batch jobs; `max`, or a number beyond the machine's, where there is none."""


def total_memory() -> int | None:
    """Return the machine's memory or the limit of its container [bytes]; None where the system does not tell."""
    names = getattr(os, "sysconf_names", {})
    if not {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(names):
        return None
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in _CGROUPS:
        text = path.read_text(encoding="ascii").strip() if path.is_file() else ""
        limits += [int(text)] if text.isdecimal() else []
    return min(limits)


def return_freed() -> None:
    """Give freed memory back to the system, where the C library keeps it.

    The GNU C library takes arrays of up to 32 MiB from one heap. What is freed below an array that is still in use
    stays with the process, and large maps of slightly different sizes leave more of it with every round.
    """
    if trim := _trim():
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """Return the C library's function for it; None where it has none."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
