"""On how many cores this process may run, and how its threads wait for work."""

from __future__ import annotations

import os

_SPINS = 30_000
"""Turns of about 0.1 microseconds or less."""


def wait_briefly() -> None:
    """Let OpenMP's threads spin for a millisecond or so before they sleep, unless the environment says otherwise.

    GNU's library lets them spin ten times as long, which keeps compiled loops, whose threads are others, off their
    cores; where they do not at all, each small operation waits for them to wake up. It reads the environment as PyTorch
    is imported.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(_SPINS))


def cores() -> int:
    """Return on how many cores this process may run: a batch job has some of the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
